"""Errors: a merge, fast-forward or rebase cannot be done."""

from __future__ import annotations

from mvc.errors.base import Answer, RefRejected, Usage


class MergeUnderway(RefRejected):
    """A merge of {theirs} into {branch} of {model} is in progress.

    Conclude it with `mvc merge --continue`, or abort it with `mvc merge --abort`.
    """


class NoMerge(Usage):
    """No merge of {model} is in progress.

    Start one with `mvc merge REV`.
    """


class Undecided(Answer):
    """Nothing was committed: {count:conflict|conflicts} not resolved: {fields}.

    Resolve each with `mvc merge --continue --take FIELD=ours` or `FIELD=theirs` (all: --ours or --theirs), or edit
    model.toml and the files; then run `mvc merge --continue`.
    """


class NotInConflict(Usage):
    """{field} is not in conflict (conflicts: {known}).

    Write --take FIELD=ours or --take FIELD=theirs, where FIELD is one of the conflicts, or the path of a file in
    conflict.
    """


class NotAtTip(RefRejected):
    """Nothing was recorded: branch {branch} is at {tip}, not at the given parent {parent}.

    Record on another branch and merge it with `mvc merge`, or omit the parent to use the tip of {branch}.
    """


class NotFastForward(RefRejected):
    """Cannot fast-forward {ours} to {theirs}: they have diverged.

    Nothing was changed. To create a merge version instead, run `mvc merge {theirs}` without --ff-only.
    """


class Diverged(RefRejected):
    """{branch} and {remote_branch} have diverged: {ahead} ahead, {behind} behind.

    Rebase with `mvc pull --rebase`, or merge with `mvc merge {remote_branch}`.
    """


class CrissCross(RefRejected):
    """{ours} and {theirs} have more than one merge base: {bases}.

    mvc cannot merge them. Take the files you need with `mvc restore --source REV FILE`, edit model.toml, and commit.
    """


class Unrelated(RefRejected):
    """{ours} and {theirs} have no common ancestor.

    Take the files you need with `mvc restore --source REV FILE`, and commit them.
    """


class CannotRebase(RefRejected):
    """Cannot rebase {branch} onto {onto}: {reason}.

    Merge instead, with `mvc merge {onto}`.
    """


class RebaseConflicts(RefRejected):
    """Cannot rebase {branch} onto {onto}: {count:conflict|conflicts} in {version}.
    {listed}

    Nothing was changed. Run `mvc merge {onto}`, resolve the conflicts, then `mvc push`.
    """
