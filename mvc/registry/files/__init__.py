"""The files of a registry version: their names there, and files that were added to a published one."""
