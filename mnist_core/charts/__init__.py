"""Charts: one function a chart. They draw what they are given and compute nothing about networks."""
