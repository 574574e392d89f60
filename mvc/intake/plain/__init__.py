"""Plain files and folders, read where they are: no repository is needed, and nothing is written."""
