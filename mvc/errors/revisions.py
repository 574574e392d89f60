"""Errors: a revision names no version, an option of `mvc log` is not valid, or a bisect cannot continue."""

from __future__ import annotations

from mvc.errors.base import Answer, MvcError, Usage


class UnknownRevision(Usage):
    """{model} has no version {text}.

    {suggestion}
    """


class AmbiguousRevision(Usage):
    """{text} is ambiguous; candidates: {candidates}.

    Give more digits of the id, or write a candidate in full, such as heads/NAME, tags/NAME or aliases/NAME.
    """


class UnknownOnRegistry(Usage):
    """No version in this repository is known to be {text} on the registry (known: {known}).

    If it is on the registry, import it with `mvc import picsellia://ORGANIZATION/MODEL`. If a colleague published or
    imported it, run `mvc fetch`.
    """


class NotOnThisLine(Usage):
    """The history of the current branch has no {version}; other branches have {elsewhere}.

    Use one of these ids instead of {version}, or switch to the other branch first.
    """


class NothingToBlame(Usage):
    """{version} has no key, class, role, path or tensor {text}.

    {suggestion}
    """


class NotDescribed(Usage):
    """Cannot describe {version}: {reason}.

    Create a tag with `mvc tag NAME {id}`, or use `mvc describe --always {id}`. Without tags, v{number} names it in the
    history of its branch.
    """


class NoSuchMoment(Usage):
    """{name} had no position at {when}; its log has {moves:move|moves}.

    Show the moves with `mvc reflog {name}`.
    """


class NoParent(Usage):
    """{text}: {version} has no parent number {number}.

    Show the history with `mvc log`.
    """


class ParentAbsent(Usage):
    """{text}: the parent {parent} of {version} is missing, because it was never published to the registry.

    Ask the author of {parent} to publish it, then run `mvc import` again.
    """


class NoVersionOfGit(Usage):
    """No version of {model} was made from the checked-out Git commit or its ancestors.

    Show the Git commits of versions with `mvc log -v`.
    """


class NoGitCommit(Usage):
    """{commit} is not a commit of the Git repository at {path}.

    Fetch it: `git fetch origin BRANCH`; in GitHub Actions, give actions/checkout `fetch-depth: 0`.
    """


class ShallowCheckout(Usage):
    """No version was found for {commit}, and the Git repository at {path} lacks older commits.

    Fetch them with `git fetch --unshallow`; in GitHub Actions, give actions/checkout `fetch-depth: 0`.
    """


class NothingToReport(Answer):
    """Nothing to report: no version of {model} belongs to {base} or {head}.

    Show the Git commits of versions with `mvc log -v`.
    """


class BadFailOn(Usage):
    """Invalid condition {text!r}: {reason}.

    Write breaking, not-ready, uncommitted or metric:NAME:CHANGE, such as metric:mAP50:-0.01.
    """


class BadFileRevision(Usage):
    """{text!r} does not name a file of a version.

    Write REV:ROLE or REV:./PATH, such as HEAD:{text}.
    """


class RoleHasMany(Usage):
    """The role {role} has {count:file|files}, and one is needed here: {roles}.

    Give one of these instead of {role}.
    """


class NotInVersion(Usage):
    """{version} has no file or role {name}.

    List its files with `mvc ls {revision}`.
    """


class SourceExpected(NotInVersion):
    """{version} has no file or role {name}, which is a version itself.

    Name the version to restore from with `mvc restore --source {command}`.
    """


class UnknownTarget(UnknownRevision):
    """{model} has no branch or version {text}.

    {suggestion}
    """


class NoVersionYet(Usage):
    """{model} has no version yet.

    Create the first one with `mvc commit -m "..."`.
    """


class NoPrevious(Usage):
    """{model} has not been switched yet, so `-` names nothing.

    List the branches with `mvc branch`, and switch to one with `mvc switch BRANCH`.
    """


class BadTemplate(Usage):
    """Unknown field {{{name}}} in the format.

    Known fields: {known}.
    """


class BadExpression(Usage):
    """Invalid regular expression {text!r}: {reason}.

    Escape special characters with a backslash.
    """


class WrongVersionCount(Usage):
    """{count:version was|versions were} given; between {least} and {most} different ones can be compared.

    `mvc log --columns KEY,...` shows values of any number of versions.
    """


class BadQuery(Usage):
    """Invalid expression {text!r}: {reason}.

    Write KEY OPERATOR VALUE, such as "metrics.mAP50 > 0.7 and parameters.imgsz == 640"; quote other characters of a key:
    metrics."mAP50(B)".
    """


class NoVersionHasKey(Usage):
    """No version of {model} has {key}.

    {suggestion}
    """


class BadDate(Usage):
    """Invalid date {text!r}.

    Write 2026-02-03, 2026-02-03T10:00:00+01:00, or "@SECONDS +HHMM".
    """


class BadAuthor(Usage):
    """Invalid author {text!r}.

    Write "NAME <EMAIL>", such as "Ana Silva <ana@acme.example>".
    """


class NotInRemoteVersion(NotInVersion):
    """{version} has no file or role {name} (roles: {known}).

    Name a role, a path, a folder or a quoted pattern, such as 'onnx*'.
    """


class NoTrainingLog(Usage):
    """{version} has no training log.

    It is a file with one of the roles {roles}, such as `mvc record --file training-log=PATH` adds.
    """


class NoCurve(Usage):
    """{version} has no curve of {key}: {where} has {known}.

    Name one of these: `mvc show --curve KEY`.
    """


class NoBisect(Usage):
    """No bisect of {model} is in progress.

    Start one with `mvc bisect start BAD GOOD`.
    """


class BisectIncomplete(Usage):
    """The bisect of {model} needs a {missing} version.

    Mark one with `mvc bisect {missing} REV`.
    """


class BisectOver(Usage):
    """The bisect of {model} has no version left to test.

    Show its result with `mvc bisect`, mark another version with `mvc bisect good REV`, or end it with `mvc bisect reset`.
    """


class BisectContradiction(Usage):
    """{bad} cannot be bad: {good} is marked good, and has {id} in its history.

    Bisect finds the version that introduced a fault. To find the one that fixed it, mark fixed versions as bad, and faulty
    ones as good.
    """


class BisectSameVersion(Usage):
    """{version} cannot be both the bad and the good version.

    Name a version with the fault and one without it: `mvc bisect start BAD GOOD`, or `mvc bisect find` with GOOD BAD.
    """


class BisectUnrelated(Usage):
    """{bad} and {good} have no common ancestor, so no version between them introduced the fault.

    Name a good version in the history of the bad one; `mvc log --graph REV` shows it.
    """


class BisectReversed(Usage):
    """{good} is not before {bad}, which is in its history.

    `mvc bisect find` takes the good version first: GOOD BAD.
    """


class BisectStopped(MvcError):
    """The command ended with {ending} at {version}, which is neither good nor bad.

    The exit code 0 means good, 125 skips the version, others up to 127 mean bad. `mvc bisect run CMD` continues.
    """


class BisectNotRun(MvcError):
    """The command ended with exit code {code} at {tested} and at {good}, which is good: so does a shell that cannot {act} it.

    Nothing was marked. The command runs in a folder with the files of the version; a program of the folder where you are
    is "$OLDPWD/PROGRAM", such as `mvc bisect run -- sh -c 'python "$OLDPWD/evaluate.py"'`.
    """


class BadDrop(Usage):
    """The drop {drop} is not a number above 0.

    Name the least drop to look for, such as `mvc bisect find --metric mAP50 --drop 0.01`.
    """


class NothingDropped(Answer):
    """No version after {good} has {key} worse than {value} by {drop} or more.

    `mvc log --columns {key}` shows the values; name other versions with `mvc bisect find --metric NAME GOOD BAD`.
    """


class ClassUnchanged(Answer):
    """No version after {good} removed or renumbered the class {name}, which is {index} there.

    `mvc blame {name}` shows the version that last changed it.
    """


class NoSemverTag(Usage):
    """No tag of {version} or its ancestors is a semantic version.

    Create the first one, such as `mvc tag v1.0.0 {id}`.
    """


class NothingSince(Answer):
    """Nothing changed between {tag} and {version}, so no semantic version follows.

    `mvc semver {tag}` compares other versions with it.
    """
