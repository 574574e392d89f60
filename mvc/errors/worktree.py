"""Errors: the working tree has local changes that would be lost, or an interrupted command left it incomplete."""

from __future__ import annotations

from mvc.errors.base import Answer, RefRejected, Usage, WouldOverwrite


class InTheWay(WouldOverwrite):
    """Nothing was changed, because {count:file|files} would be lost:
    {listed}

    Commit or move them first, put changes aside with `mvc stash`, or discard them with `mvc restore FILE`; then run
    the command again. `mvc switch` also has --force.
    """


class ImportInTheWay(InTheWay):
    """Nothing was imported, because {count:file|files} would be lost:
    {listed}

    Move files that are not tracked to another folder, and commit the others; then run the command again.
    """


class OnlyHere(WouldOverwrite):
    """Nothing was changed, because {count:file has|files have} uncommitted content that would be lost:
    {listed}

    To stop tracking and keep the files, use `mvc rm --cached`; to delete them anyway, `mvc rm --force`.
    """


class TooMuchToKeep(RefRejected):
    """Nothing was changed, because `mvc {verb}` would discard uncommitted edits of {count:file|files} with {size} bytes, more
    than undo.keep-bytes allows to keep for `mvc undo`.

    Commit them, or run the command again with --discard to lose them; `mvc config undo.keep-bytes BYTES` raises the limit.
    """


class EditedSince(RefRejected):
    """Cannot undo operation {number}: {path} was edited since.

    Nothing was changed. `mvc undo --force` restores it anyway; the edit then comes back with `mvc redo`.
    """


class CurrentFolder(WouldOverwrite):
    """Nothing was changed: {path} is the current folder, and a file would replace it.

    Run the command from another folder.
    """


class NotEmpty(WouldOverwrite):
    """{path} already exists and is not an empty folder.

    Nothing was changed. Choose a folder that is empty or does not exist yet.
    """


class NotAnExport(WouldOverwrite):
    """{path} is not empty, and is not a page that `mvc ui --export` wrote.

    Nothing was changed. Choose an earlier export, or a folder that is empty or does not exist yet.
    """


class OtherExport(WouldOverwrite):
    """{path} is the page of another repository or model: {models} of {repository}.

    Nothing was changed. Choose a folder that is empty or does not exist yet, or replace that page with
    `mvc ui --export DIR --force`.
    """


class UnsavedChanges(WouldOverwrite):
    """Nothing was changed, because {model} has uncommitted changes.

    Commit the changes, put them aside with `mvc stash`, or discard them with `mvc restore .`; list them with
    `mvc status`.
    """


class NoSuchStash(Usage):
    """{model} has no stash {name} (stashes: {count}).

    List the stashes with `mvc stash list`.
    """


class StashConflicts(Answer):
    """{stash} was not applied, and is kept: {count:conflict|conflicts} with the current version.
    {listed}

    Resolve with `mvc stash pop --theirs` (the stash's side), --ours or --take FIELD=theirs; or apply it on the version
    it was made on, with `mvc stash branch NAME`.
    """


class UnfinishedSwitch(RefRejected):
    """Cannot complete an interrupted `mvc {verb}` of {model}: {reason}.

    Nothing is lost; fix the cause, then run `mvc status`.
    """


class FilesDiffer(WouldOverwrite):
    """Nothing was written, because {count:file|files} in {folder} would be overwritten:
    {listed}

    Choose another folder, or overwrite with --force.
    """


class TargetExists(WouldOverwrite):
    """Nothing was moved: {path} already exists.

    Choose another name, or move {path} away first.
    """
