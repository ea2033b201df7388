"""A visitor's state in typed keys: controls, the editor, their runs and workspace; and the data sets of the server."""
