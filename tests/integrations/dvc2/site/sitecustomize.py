"""DVC 2 takes the name of a group from pathspec, which no longer has it under that name: the group has not changed."""

from pathspec.patterns import gitwildmatch

if not hasattr(gitwildmatch, "_DIR_MARK"):
    vars(gitwildmatch)["_DIR_MARK"] = "ps_d"
