"""Histories outside mvc, read as steps: folders of runs, Git and DVC repositories."""
