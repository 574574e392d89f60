"""The page of a repository: its documents, and their export to a folder or to one file."""
