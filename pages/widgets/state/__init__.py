"""A visitor's state: controls, the editor's network, their runs and workspace, and the data sets that are loaded."""
