"""The output of several verbs about files: runs that are added, and folders that moved."""
