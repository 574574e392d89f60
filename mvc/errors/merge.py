"""Errors: a merge, fast-forward or rebase cannot be done."""

from __future__ import annotations

from mvc.errors.base import Answer, RefRejected, Usage


class MergeUnderway(RefRejected):
    """A {verb} of {theirs} is in progress on {branch} of {model}.

    Conclude it with `{command} --continue`, or abort it with `{command} --abort`.
    """


class NothingToPick(Answer):
    """Nothing to {verb}: {branch} would not change (versions: {versions}).

    Compare with `mvc diff {versions} {branch}`.
    """


class NoParentToPick(Usage):
    """Cannot {verb} {version}: it has no parent here to compare it with.

    Take files of it with `mvc restore --source {version} FILE`, and commit them.
    """


class WhichParent(Usage):
    """Cannot {verb} {version}: {reason}.

    Name the parent whose side is kept, by its number: `{command} -m 1 {version}`.
    """


class PickConflicts(Answer):
    """Nothing was changed, because the {verb} of {version} has {count:conflict|conflicts}.
    {listed}

    Resolve them with --ours, --theirs or --take FIELD=theirs, or run `{command} {version}` without --no-commit.
    """


class NoMerge(Usage):
    """No merge of {model} is in progress.

    Start one with `mvc merge REV`.
    """


class Undecided(Answer):
    """Nothing was committed: {count:conflict|conflicts} not resolved: {fields}. Resolved: {resolved}.

    Resolve each with `{command} --continue --take FIELD=ours` or `FIELD=theirs` (all: --ours or --theirs), or edit
    model.toml and the files; then run `{command} --continue`. What is resolved stays so; another --take changes it.
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


class RecordedMeanwhile(RefRejected):
    """Nothing was committed: {version} was recorded from files elsewhere, and {state}.

    A commit would take its files out. Get them with `mvc restore .`, which discards local changes, {hint}.
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
