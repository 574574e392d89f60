"""The working tree: local changes in the way, interrupted changes."""

from __future__ import annotations

from mvc.errors.base import RefRejected, WouldOverwrite


class InTheWay(WouldOverwrite):
    """Nothing was changed, because {count:file|files} would be lost:
    {listed}

    Commit or move them first, or discard changes with `mvc restore FILE`; then run the command again. `mvc switch`
    also has --force.
    """


class OnlyHere(WouldOverwrite):
    """Nothing was changed, because {count:file has|files have} uncommitted content that would be lost:
    {listed}

    Use --cached to stop tracking and keep the files, or --force to delete them.
    """


class CurrentFolder(WouldOverwrite):
    """Nothing was changed: {path} is the current folder, and a file would replace it.

    Run the command from another folder.
    """


class NotEmpty(WouldOverwrite):
    """{path} already exists and is not an empty folder.

    Name a folder that does not exist yet.
    """


class UnsavedChanges(WouldOverwrite):
    """{model} has uncommitted changes.

    Commit them, or discard them with `mvc restore`; list them with `mvc status`.
    """


class UnfinishedSwitch(RefRejected):
    """Cannot complete an interrupted `mvc {verb}` of {model}: {reason}.

    Nothing is lost; fix the cause, then run `mvc status`.
    """
