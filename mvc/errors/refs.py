"""Errors: a branch, tag or alias cannot be created, found, moved or deleted."""

from __future__ import annotations

from mvc.errors.base import Answer, OutOfReach, RefRejected, Refused, Usage


class BadRefName(Usage):
    """Invalid ref name {name!r}: {reason}.

    Choose another name, such as night-images or release/2026.1.
    """


class NameTaken(RefRejected):
    """{name} is taken: {model} has the {kind} {name}, and branches, tags and aliases share one namespace.

    Choose another name.
    """


class CaseTwin(RefRejected):
    """{name} differs from the {kind} {other} only in letter case.

    Choose another name: some systems would confuse the two.
    """


class RemoteHidesRef(RefRejected):
    """Cannot name a remote {name}: {model} has the {kind} {ref}, and {name}/... names the refs of that remote.

    Choose another name for the remote, or rename or delete {text} first.
    """


class BranchExists(RefRejected):
    """Branch {name} of {model} already exists.

    Switch to it with `mvc switch {name}`, or choose another name.
    """


class TagExists(RefRejected):
    """Tag {tag} already exists, at {version}; tags never move.

    Choose another name, or use an alias, which may move: `mvc alias set {tag} REV`.
    """


class NamesNotSet(RefRejected):
    """{model} {version} is recorded, but not all of its tags and aliases were set ({names}): {reason}

    Set those that are missing when nothing is in the way: `mvc tag NAME {id}`, `mvc alias set NAME {id}`.
    """

    # the exit code of an instance is that of the reason, such as 3 of a full disk
    recorded: object = None
    """The result of the command that recorded the version, for callers that go on."""


class NoSuchName(Usage):
    """{model} has no {kind} {name}.

    List the names with `mvc {kind}`.
    """


class NoSuchRef(NoSuchName):
    """{model} has no branch, tag or alias {name}.

    List the names with `mvc branch`, `mvc tag` and `mvc alias`.
    """


class UnmergedBranch(RefRejected):
    """Branch {name} of {model} has versions that are reachable from no other ref: {version} and possibly its
    ancestors.

    Tag {version} first with `mvc tag TAG {name}`, or delete the branch anyway with `mvc branch -D {name}`.
    """


class CurrentBranch(RefRejected):
    """Cannot delete {name}: it is the current branch of {model}.

    Switch to another branch first: `mvc switch BRANCH`.
    """


class NothingBefore(RefRejected):
    """Alias {name} has no position before {version}.

    Show the moves of {name} with `mvc alias log {name}`, or set it with `mvc alias set {name} REV`.
    """


class NoLogHere(Usage):
    """HEAD of {model} is detached, and only refs have a log.

    Name a ref: `mvc reflog main`.
    """


class RefMoved(RefRejected):
    """{ref} was moved by {by} ({reason}) during this command.

    Nothing is lost; check `mvc log`, then run the command again.
    """


class NothingToUndo(Answer):
    """Nothing to undo: every recorded operation of {model} is undone.

    List the operations with `mvc op log`.
    """


class NothingToRedo(Answer):
    """Nothing to redo: the last operation of {model} is not an undo.

    List the operations with `mvc op log`.
    """


class NoSuchOperation(Usage):
    """{model} has no operation {number}.

    List the operations with `mvc op log`. They are kept for gc.reflog-expire days.
    """


class CannotUndo(RefRejected):
    """Cannot undo operation {number} (`{command}`): {reason}.

    Nothing was changed. {advice}
    """


class PushedAlready(RefRejected):
    """Cannot undo operation {number}: {what} is on {where}, where others may have it.

    Nothing was changed. Make a new version that reverses it, or move the ref and push: `{command}`.
    """


class MovedSince(RefRejected):
    """Cannot undo operation {number}: {ref} {now}.

    Nothing was changed. Undo the later operations first (`mvc op log`), or move {ref} yourself: `{command}`.
    """


class NotReady(Refused):
    """{outcome}: {what} is not ready for {uses}: {reasons}.

    model.toml requires that, in intent.ready_for. Show details and fixes with `{check}`, or set {alias} anyway with
    --force.
    """


class BadPolicy(Usage):
    """{path}, line {line}: {reason}.

    Correct the file, and check it with `mvc policy show`. Until then, no branch, tag or alias moves, or is taken.
    """


class PolicyRefused(Refused):
    """Policy refuses {what}:
    {findings}

    Nothing was changed. {fix}
    """


class HookRefused(Refused):
    """Your hook {hook} refuses {what}: it {reason}.
    {output}

    Nothing was moved. Correct what it reports, or skip your hooks with --no-verify; rules of a policy stay in effect.
    """


class PolicyUndecided(OutOfReach):
    """Policy cannot decide about {what}, because bytes are not here:
    {findings}

    Nothing was changed. {fix}
    """


class TakeRefused(PolicyRefused):
    """Policy refuses to take {what}:
    {findings}

    {outcome} {fix}
    """


class UnreadablePolicy(BadPolicy):
    """Cannot read {path}: {reason}.

    Correct that, or remove the file if there is to be no policy. Until then, no branch, tag or alias moves, or is
    taken.
    """


class BadEvent(Usage):
    """{event!r} is not an event of a policy; known are {known}.

    Name one as in `mvc policy check REV --for alias:prod`.
    """
