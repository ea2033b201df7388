"""The store: saved runs, shares and workspaces in a database.

Nothing is imported here: the database library is slow to import, and a new visitor has nothing saved yet.
"""
