"""Every error a caller can meet: a class whose docstring is its message, with its exit code.

The first paragraph of a class's docstring is the message, a template filled from the keyword arguments; the second,
where there is one, is the hint that names the next step. They are turned into text here and nowhere else.

    MvcError (128)
    ├── Usage (2)            the request itself is wrong
    ├── Answer (1)           the answer is "no"
    ├── NoRepository (10)    nothing to work in
    ├── LockTimeout (11)     another writer is at work
    ├── Denied (12)          permission refused
    ├── RefRejected (13)     a name cannot be moved or made
    ├── Damaged (14)         stored bytes are wrong or missing
    ├── OutOfReach (15)      a remote does not answer
    ├── WouldOverwrite (16)  unsaved work is in the way
    └── Refused (17)         a policy says no

Every class below inherits the code of its branch.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from types import MappingProxyType


class MvcError(Exception):
    """Mvc could not finish: {reason}."""

    exit_code = 128

    def __init__(self, **fields: object) -> None:
        """Keep the fields of the template; raises KeyError when one is missing, so a test finds it."""
        self.fields = fields
        message, _, hint = inspect.cleandoc(type(self).__doc__ or "").partition("\n\n")
        self.message = _one_line(message).format(**fields)
        self.hint = _one_line(hint).format(**fields)
        super().__init__(self.message)

    @property
    def kind(self) -> str:
        """The name programs match on: the class name in kebab case (`would-overwrite`)."""
        return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", type(self).__name__).lower()


def _one_line(template: str) -> str:
    """A template's lines as one, but for a placeholder on a line of its own: a list, which keeps its lines."""
    return re.sub(r"\n(?!\{\w+\}(?:\n|\Z))", " ", template)


# --- the branches -----------------------------------------------------------------------------------------------------


class Usage(MvcError):
    """{reason}"""

    exit_code = 2


class Answer(MvcError):
    """{reason}"""

    exit_code = 1


class NoRepository(MvcError):
    """No mvc repository at or above {where}.

    Make one with `mvc init --model NAME`.
    """

    exit_code = 10


class OtherWorktree(NoRepository):
    """No mvc repository at or above {where}, a linked Git worktree; the main worktree has one in {repository}.

    Use that one with `mvc -C {folder} COMMAND`, or make another one here with `mvc init --model NAME`.
    """


class LockTimeout(MvcError):
    """Another mvc command holds the lock of this repository ({owner}), and did not end within {seconds} s.

    Wait for it, or raise the limit with --lock-timeout SECONDS. The lock ends with its process.
    """

    exit_code = 11


class Denied(MvcError):
    """{what}: {reason}."""

    exit_code = 12


class RefRejected(MvcError):
    """{reason}"""

    exit_code = 13


class Damaged(MvcError):
    """{what} is damaged: {reason}.

    `mvc fsck` lists every version and file it touches; everything else stays readable.
    """

    exit_code = 14


class OutOfReach(MvcError):
    """{reason}"""

    exit_code = 15


class WouldOverwrite(MvcError):
    """{reason}"""

    exit_code = 16


class Refused(MvcError):
    """{reason}"""

    exit_code = 17


# --- the disk ---------------------------------------------------------------------------------------------------------


class DiskFailed(MvcError):
    """{path}: {reason}.

    Nothing that was committed is touched; run the command again when the cause is gone.
    """


class IrregularFile(Damaged):
    """{path} is {kind}, and mvc keeps its own data in regular files and folders only.

    Nothing is read or written through it; remove it. To keep a repository on another disk, move its whole folder there
    and make a link to that folder.
    """


class ReadOnlyStore(MvcError):
    """This repository cannot be written: {reason}.

    Commands that only read (status, log, show, diff, cat, export) work here.
    """


class NotWritable(MvcError):
    """{path} cannot be written: {reason}.

    Nothing was changed there. Choose another place, or change its permissions.
    """


class NoExclusiveCreate(MvcError):
    """The filesystem of {path} offers neither hard links nor a rename that never replaces.

    Two commits at once could overwrite each other there, so mvc does not write to it; move the repository.
    """


class FileChanged(MvcError):
    """{path} kept changing while it was read.

    Wait until whatever writes it has finished, then run the command again.
    """


class UnfinishedClone(NoRepository):
    """{where} is an unfinished clone of {url}.

    Run the same `mvc clone` again to resume it, or delete the folder.
    """


class IncompleteInit(NoRepository):
    """{where} is not a whole repository: it has no config.toml.

    Run `mvc init` again; it completes what an interrupted one began.
    """


class NotRegularFile(Usage):
    """{path} is {kind}, not a regular file.

    Only regular files are versioned; track the file itself, or leave this one out with .mvcignore. `mvc add
    --follow-links` versions the file that a link leads to.
    """


class InsideStore(Usage):
    """{path} lies inside {store}, where mvc keeps its own data.

    Choose a place outside of it.
    """


class BrokenLink(Usage):
    """{path} is a link to {target}, which cannot be read: {reason}.

    Mend the link, or leave it out with .mvcignore.
    """


class LinkOutside(Refused):
    """{path} is a link to {target}, outside this repository.

    `mvc add --follow-links` of its file or folder allows this repository to read files outside.
    """


class MissingFile(Usage):
    """{path}, which [files] names as {role}, is not there.

    Put it back with `mvc restore {path}`, or stop tracking it with `mvc rm {role}`.
    """


class UnreadableFile(Usage):
    """{path} cannot be read: {reason}.

    Make it readable, or leave it out with `mvc rm` or .mvcignore.
    """


class RoleWithoutFile(Usage):
    """The role {role} has no file: nothing that is tracked matches {pattern}.

    Correct the pattern in [files], or remove the role with `mvc rm {role}`. Patterns leave out ignored files, files that
    look like credentials (`mvc add PATH` tracks one by its own path) and the folders of other models.
    """


class TwoRoles(Usage):
    """{path} has two roles at once: {first} and {second}.

    One file has one role: change [files] so that only one of the two names it.
    """


class RoleTaken(Usage):
    """The role {role} stands for {first} and for {second} at once.

    Give one of the two another role in [files].
    """


class BadPattern(Usage):
    """{pattern!r} is not a pattern of files: {reason}.

    Patterns are written as in .gitignore; [[] stands for a [ itself.
    """


class CollidingPaths(Refused):
    """{first} and {second} cannot lie side by side on every system.

    They differ only in letter case or Unicode form, or one would be a folder of the other. Rename one of them.
    """


class UnfitFiles(Usage):
    """{count} tracked files cannot be versioned: {problems}"""


class UnsafePath(Refused):
    """{path} cannot be used: {reason}.

    mvc works only inside the model's folder, and never through a link.
    """


class UnportablePath(Refused):
    """{path} cannot be versioned: {reason}.

    Give it a name that every system can hold.
    """


class CollectedMeanwhile(RefRejected):
    """While the files were stored, `mvc gc` removed what nothing needed, and the new version may build on that.

    Run the same command again; nothing was committed.
    """


class RefMoved(RefRejected):
    """{ref} was moved meanwhile by {by} ({reason}).

    Nothing is lost; look with `mvc log`, then run the command again.
    """


class UnfinishedSwitch(RefRejected):
    """An interrupted `mvc {verb}` of {model} could not be finished: {reason}.

    Nothing is lost; run `mvc status` once the cause is gone.
    """


class BadConfig(Usage):
    """{path} cannot be read: {reason}.

    Mend the file by hand, or remove the line.
    """


class UnknownSetting(Usage):
    """There is no setting {key}; {known}.

    `mvc config --list` shows those that are set.
    """


class BadSetting(Usage):
    """{key} cannot be {value!r}: {reason}."""


# --- models and names -------------------------------------------------------------------------------------------------


class NoModel(Usage):
    """There is no model {model} in this repository; known: {known}.

    Make it with `mvc init --model {model}` in its folder.
    """


class TwoFolders(Usage):
    """The model {model} lives in {first} and in {second} at once: both have a model.toml of that name.

    Remove one of the two, or give one another name.
    """


class NoModelToml(Usage):
    """{path} is not there, and it is what describes the model {model}.

    Put it back with `mvc restore model.toml`, or write it anew with `mvc init --model {model}`.
    """


class OtherName(Usage):
    """{path} says that the model is called {name}; here it is {model}.

    Set model.name back to {model}; `mvc models rename {model} {name}` changes the name of a model.
    """


class OtherModelHere(Usage):
    """{folder} already holds the model {model}, so {asked} cannot live there.

    Make {asked} in a folder of its own, or rename with `mvc models rename {model} {asked}`.
    """


class BadRefName(Usage):
    """{name!r} cannot name a branch, tag or alias: {reason}.

    Choose another name, such as night-images or release/2026.1.
    """


class BadModelKey(Usage):
    """{key!r} cannot name a model: {reason}.

    Choose another name, such as helmet-detector.
    """


class BadAuthor(Usage):
    """{text!r} is not an author.

    Write it as "Name <e-mail>".
    """


class BadDate(Usage):
    """{text!r} is not a date.

    Write it as 2026-02-03, 2026-02-03T10:00:00+01:00, or "@SECONDS +HHMM".
    """


class NameTaken(RefRejected):
    """{name} is taken: {model} has a name like that of the kind {kind}, and all kinds share one set of names.

    Choose another name.
    """


class CaseTwin(RefRejected):
    """{name} differs from the {kind} {other} only in the case of its letters.

    Choose a name that cannot be confused with it.
    """


class TagExists(RefRejected):
    """The tag {tag} stands for {version}, and tags never move.

    Choose another name, or use an alias, which may move: `mvc alias set {tag} REV`.
    """


class NoSuchName(Usage):
    """There is no {kind} {name} of {model}.

    `mvc {kind}` lists them.
    """


# --- model.toml -------------------------------------------------------------------------------------------------------


class BadToml(Usage):
    """{where}, {position}: {reason}."""


class NoModelName(Usage):
    """{where} does not say which model it describes.

    Put name = "..." below [model].
    """


class BadLabels(Usage):
    """{where}: {reason}.

    Write {{"0": "helmet", "1": "head"}} or ["helmet", "head"].
    """


class UnknownKey(Usage):
    """There is no key {key} in model.toml.

    {suggestion}
    """


class WrongType(Usage):
    """{key} must be {wanted}, not {found}."""


class DateValue(Usage):
    """{key} is a date, which a version cannot hold.

    Write it as text: "{value}".
    """


class NotFinite(Usage):
    """{key} is {value}: NaN and infinity cannot be stored.

    Leave it out, or write it as text.
    """


class TooBig(Usage):
    """{what} is too big: {reason}."""


class BadKey(Usage):
    """{text!r} does not say what to set in model.toml: {reason}.

    Write KEY=VALUE, such as parameters.epochs=100, with quotes around a name that has a dot: files."best.v2".
    """


class BadValue(Usage):
    """{key} cannot be {text!r}: it must be {wanted}."""


class NoValue(Answer):
    """{key} is not set."""


class CannotEdit(Usage):
    """model.toml cannot be changed in place: {reason}.

    Edit it by hand.
    """


class InTheWay(WouldOverwrite):
    """{count} file(s) would be lost; nothing was changed:
    {listed}

    Commit them or move them away; `mvc switch --force` and `mvc reset --hard` replace them.
    """


class CurrentFolder(WouldOverwrite):
    """{path} is the current folder, and a file would take its place; nothing was changed.

    Run the command from another folder.
    """


class BranchExists(RefRejected):
    """There is a branch {name} of {model} already.

    Switch to it with `mvc switch {name}`, or choose another name.
    """


class NotInVersion(Usage):
    """{version} has no file or role {name}.

    `mvc ls {version}` lists what it has.
    """


class UnmergedBranch(RefRejected):
    """The branch {name} has versions that no other name of {model} leads to: {version} and perhaps ones before it.

    Give them a name first, or delete the branch all the same with `mvc branch -D {name}`.
    """


class CurrentBranch(RefRejected):
    """{model} stands on the branch {name}, so it cannot be deleted.

    Go elsewhere first: `mvc switch BRANCH`.
    """


class NothingBefore(RefRejected):
    """The alias {name} stood for nothing before {version}.

    `mvc alias log {name}` shows its moves; `mvc alias set {name} REV` moves it.
    """


class NoLogHere(Usage):
    """{model} is not on a branch, and only names have a log.

    Name one: `mvc reflog main`.
    """


class ModelExists(RefRejected):
    """There is a model {model} in this repository already, or there was one.

    Choose another name.
    """


class BadTemplate(Usage):
    """The format has {{{name}}}, which is not known.

    There are: {known}.
    """


class BadExpression(Usage):
    """{text!r} is not a regular expression: {reason}.

    Put a backslash before a character that stands for itself.
    """


class NoVersionYet(Usage):
    """{model} has no version yet.

    Make the first one with `mvc commit -m "..."`.
    """


class OnlyHere(WouldOverwrite):
    """{count} file(s) are not as committed, so their bytes would be lost; nothing was changed:
    {listed}

    Say --cached to stop tracking and keep the files, or --force to delete them all the same.
    """


class NotEmpty(WouldOverwrite):
    """{path} is there already and is not an empty folder.

    Name a folder that does not exist yet.
    """


# --- tracking ---------------------------------------------------------------------------------------------------------


class NoSuchFile(Usage):
    """There is no file or folder {path}.

    Look at the spelling; `mvc add` takes paths as seen from where you are.
    """


class NotInModel(Refused):
    """{path} is not inside the model's folder ({folder} of the repository).

    A version holds files of its model's folder only; copy the file there.
    """


class NothingToTrack(Usage):
    """There is nothing to track in {path}: {reason}.

    Name a file by its own path, or see what patterns leave out: .mvcignore, caches, files that look like credentials.
    """


class ManyFiles(Refused):
    """{count:,} new files would be tracked, {size:,.1f} MiB: {folders}.

    Add --yes to track them all, name folders instead, or leave files out with .mvcignore.
    """


class BadRole(Usage):
    """{role} cannot be a role: {reason}.

    Choose another, such as --as model-latest.
    """


class OneRole(Usage):
    """{count} paths cannot all have the role {role}.

    Add them one by one, or a folder, whose files share a role.
    """


class RoleInUse(Usage):
    """The role {role} is that of {path} already.

    Choose another: --as {proposed}
    """


class TrackedAlready(Usage):
    """{path} is tracked already, as {role}.

    One file has one role; to give it another, say `mvc rm --cached {role}` first.
    """


class NotTracked(Usage):
    """{name} is not tracked; roles: {roles}.

    `mvc status` shows what is.
    """


# --- revisions --------------------------------------------------------------------------------------------------------


class UnknownRevision(Usage):
    """{model} has no version {text}.

    {suggestion}
    """


class AmbiguousRevision(Usage):
    """{text} could be any of: {candidates}.

    Say which: more digits of an id, or heads/NAME, tags/NAME, aliases/NAME.
    """


class UnknownOnRegistry(Usage):
    """Nothing here is told to be {text}; of that model there is {known}.

    `mvc import picsellia://ORGANIZATION/MODEL` brings what is there; what a colleague published comes with `mvc fetch`.
    """


class NotOnThisLine(Usage):
    """There is no {version} on the current branch's line; elsewhere there is {elsewhere}.

    Use that id, or switch to the branch first.
    """


class NoSuchMoment(Usage):
    """{name} stood nowhere at {when}: its log has {moves} move(s).

    `mvc reflog {name}` shows them.
    """


class NoParent(Usage):
    """{text}: {version} has no parent number {number}.

    `mvc log` shows the line.
    """


class ParentAbsent(Usage):
    """{text} does not exist here: {version} was made from {parent}, which the registry did not have when it was imported.

    Have whoever made it publish it, then `mvc import` again; `mvc log` shows what is here.
    """


class NoVersionOfGit(Usage):
    """No version of {model} was made from the Git commit that is checked out, or from one before it.

    `mvc log` shows the Git commits that versions were made from with -v.
    """


class BadFileRevision(Usage):
    """{text!r} names no file of a version.

    Write it as REV:ROLE or REV:./PATH, such as v7:model-latest.
    """


class RoleHasMany(Usage):
    """The role {role} has {count} files: {roles}.

    Name one of them.
    """


class WhichModel(Usage):
    """No model.toml at or above this folder says which model is meant; there are {models}.

    Go into a model's folder, or say --model NAME.
    """


class NotInitialized(Usage):
    """{path} describes the model {model}, which this repository does not know.

    Take it in with `mvc init` in that folder.
    """


class MovedFolder(Usage):
    """The folder of {model} was {old}, and its model.toml lies in {new} now.

    Have mvc know it with `mvc init` in that folder.
    """


# --- commit -----------------------------------------------------------------------------------------------------------


class Detached(RefRejected):
    """{model} is not on a branch but at {version}, so a commit would have no name to hold it.

    Make a branch here first: `mvc switch -c NAME`.
    """


class NothingToCommit(Answer):
    """Nothing to commit: {model} is as {version} has it.

    Change a tracked file or model.toml, or use --allow-empty.
    """


class EmptyMessage(Usage):
    """A version needs a message.

    Give one with -m "what changed".
    """


class BadMessage(Usage):
    """A version cannot hold this message: {reason}.

    Give another one with -m or -F.
    """


class RulesBroken(Refused):
    """model.toml breaks {count} rule(s):
    {problems}
    """


class UnknownUse(Usage):
    """{use!r} is no use that a version can be checked for; known are {known}.

    A team's own uses are those that `[[intent.require]]` of model.toml names.
    """


class NotReady(Refused):
    """{what} is not ready for {uses}, which its intent.ready_for asks for: {reasons}.

    `{check}` tells more, and what mends it; `--force` sets {alias} all the same.
    """


class SecretFound(Refused):
    """This looks like a secret: {findings}.

    A version cannot be changed later. Take it out, or commit with --allow-secret if it is none.
    """


class AmendHeld(RefRejected):
    """{version} cannot be amended: {holders} would keep the old one.

    Commit a new version instead.
    """


class NothingToAmend(Usage):
    """{model} has no version yet to amend.

    Leave --amend out.
    """


# --- stored values ----------------------------------------------------------------------------------------------------


class NotCanonical(Damaged):
    """Not canonical JSON: {reason}.

    `mvc fsck` lists every version and file it touches; everything else stays readable.
    """


class Missing(Damaged):
    """{what} {id} is missing from the store.

    `mvc fsck` lists every version and file it touches; a copy of the repository can supply it.
    """


class NewerFormat(MvcError):
    """This repository is of format {found}; this mvc reads format {known}.

    Install a newer mvc.
    """


class UnknownFeature(MvcError):
    """This repository requires {features}, which this mvc does not know.

    Install a newer mvc.
    """


# --- remotes ----------------------------------------------------------------------------------------------------------


class RemoteUnreachable(OutOfReach):
    """{remote} cannot be reached: {reason}.

    Try again: what was sent or fetched already is kept, and a repeat goes on from there.
    """

    after: float | None = None
    """Seconds that the server asked to be left alone for, where it said so."""


class RemoteDenied(Denied):
    """{remote} refuses it: {reason}.

    Look at the credentials that this machine has for it, and at what they allow.
    """


class UnknownHostKey(RemoteDenied):
    """{remote}: its host key ({key}) is not in {known_hosts}, so nothing was sent.

    Compare the key with what its administrator says; `ssh` to it once, and accept the key there. Or name the file that
    has it in the remote's option known-hosts.
    """


class ChangedHostKey(RemoteDenied):
    """{remote}: its host key ({key}) is not the one in {known_hosts}, so nothing was sent.

    Somebody may be in between. If its administrator says that the key changed: `ssh-keygen -R HOST`, then `ssh` to it.
    """


class HostNotTrusted(Denied):
    """{remote} would send credentials to {host}, which you have not approved: the settings of a repository name it.

    {way}
    """


class SettingNotTrusted(Denied):
    """{remote} sets {settings} for {host}, which chooses among your credentials, and you have not approved it.

    {way}
    """


class PlainHttp(Denied):
    """{remote} would send credentials to {host} without encryption (http:), which you have not accepted.

    {way}
    """


class BadRemoteUrl(Usage):
    """{url!r} cannot be a remote: {reason}.

    A remote is a folder, or s3://BUCKET/PATH, gs://BUCKET/PATH, az://CONTAINER/PATH, sftp://USER@HOST/PATH.
    """


class RemoteExists(Usage):
    """There is a remote {name} already.

    `mvc remote set-url {name} URL` has it be elsewhere.
    """


class NoSuchRemote(Usage):
    """There is no remote {name}; there are: {known}.

    `mvc remote add {name} URL` makes it known.
    """


class StillPromised(RefRejected):
    """{name} was not removed: the bytes of {count} file(s) of versions here are only there.

    `mvc pull {name}` fetches those of the current version. `mvc remote rm --force {name}` removes it all the same; adding it again
    under the same name makes its files available again.
    """


class MissingExtra(Usage):
    """Remotes of the kind {scheme} need {reason}, which is not installed.

    `pip install 'modelvc[{extra}]'` installs it.
    """


class NotExclusive(Refused):
    """{remote} cannot hold what several people push: {failures}.

    A name that two may both create is a version that gets lost. Take a store that keeps `If-None-Match`: S3 itself, Google's,
    Azure's, a folder, or a server with OpenSSH.
    """


class RemoteRewritten(Damaged):
    """{remote} does not have the history any more that it had when last looked at: {reason}.

    It was restored from an older state, or replaced. If that was meant, `mvc remote rm` it, add it again, and fetch; what
    was fetched before stays here.
    """


class PushUncertain(OutOfReach):
    """{remote} does not tell whether {ref} was moved.

    Push again: if it was, that does nothing.
    """


class NotARemote(Refused):
    """{remote} holds other things, and no mvc remote.

    Name an empty folder or prefix, or one that mvc has pushed to.
    """


class NoRemoteYet(Usage):
    """{remote} holds nothing yet.

    `mvc push` puts the first versions there.
    """


class RemoteVanished(OutOfReach):
    """{remote} is empty or absent, but this repository has seen versions there: is it mounted, is the path still right?

    Nothing was created there. If it was emptied on purpose, `mvc remote rm {name}` it, add it again, and push.
    """


class FormatLost(Damaged):
    """{remote} has lost the file `format`, which says that it is an mvc remote.

    Somebody who has pushed to it or fetched from it can create it again with `mvc push --repair`.
    """


class RemoteBusy(OutOfReach):
    """Garbage collection has been in progress on {remote} since {since}.

    Push again when it has ended. Was it killed? `mvc gc --remote NAME --drop-intents-older-than 1h` ends it, with a key
    that may delete; a day after it began it no longer counts.
    """


class SomebodySends(OutOfReach):
    """Somebody pushes to {remote} at this moment: {by}.

    Collect again when that has ended. A push that was killed can be passed over with `--drop-intents-older-than 7d`: one that
    still runs would have to send again what is removed.
    """


class PushRejected(RefRejected):
    """{ref} of {model} was not moved on {remote}: {reason}.

    {hint}
    """


class HistoryAbsent(RefRejected):
    """{version} was made from {parent}, which is not here: the registry did not have it when {version} was imported.

    What is pushed must have its whole history. Have whoever made it publish it, `mvc import` again, then push.
    """


class NotThere(Usage):
    """{remote} has no {what}.

    There are: {known}.
    """


class Diverged(RefRejected):
    """{branch} and {remote_branch} have both moved on: {ahead} here, {behind} there.

    `mvc pull --rebase` puts yours after theirs, `mvc merge {remote_branch}` makes a version of both.
    """


class MergeUnderway(RefRejected):
    """A merge of {theirs} into {model} is under way.

    `mvc merge --continue` makes its version, `mvc merge --abort` restores all as it was.
    """


class NoMerge(Usage):
    """No merge of {model} is under way.

    `mvc merge REV` begins one.
    """


class CrissCross(RefRejected):
    """{ours} and {theirs} were merged into each other before, and have several newest versions in common: {bases}.

    There is no one version to compare both with: merge one of these first, or make the version by hand and commit it.
    """


class Unrelated(RefRejected):
    """{ours} and {theirs} have no version in common.

    Take what you need of it with `mvc restore --source REV FILE`, and commit that.
    """


class NotAtTip(RefRejected):
    """{branch} is at {tip}, not at the parent {parent}.

    Record on another branch, which `mvc merge` then merges; or leave out the parent to follow the branch.
    """


class NotFastForward(RefRejected):
    """{ours} cannot just go on to {theirs}: both have moved on.

    Leave out --ff-only, and `mvc merge` makes a version of both.
    """


class UnsavedChanges(WouldOverwrite):
    """There are changes of {model} that no version has.

    Commit them, or give them up with `mvc restore`; `mvc status` lists them.
    """


class Undecided(Answer):
    """{count} conflict(s) are not decided: {fields}.

    Say --take FIELD=ours or FIELD=theirs (or --ours, --theirs for all), or edit model.toml and the files; then
    `mvc merge --continue`.
    """


class NotInConflict(Usage):
    """{field} is not in conflict; in conflict: {known}.

    Say --take FIELD=ours or FIELD=theirs of one of these.
    """


class MissingThere(Missing):
    """{remote} lacks {what} {id}.

    `mvc fsck --remote NAME` lists all that it lacks. Somebody who has it can send it again with `mvc push --repair` or
    `mvc fsck --remote NAME --repair`.
    """


class DamagedThere(Damaged):
    """{what} is damaged: {reason}.

    Everything else there stays readable. `mvc fsck --remote NAME` lists what it touches; somebody who has it whole can send
    it again with `mvc push --repair` or `mvc fsck --remote NAME --repair`.
    """


class EntryDamagedThere(Damaged):
    """{what} on {remote} is damaged: {reason}.

    A push never overwrites. Somebody who may delete there puts `{path}` back from a backup, or removes it; then
    `mvc push --repair` creates it again, unless it was the newest of its log. `mvc fsck --remote NAME` lists all that is damaged.
    """


class FormatDamaged(Damaged):
    """`format` of {remote}, which says that it is an mvc remote, is damaged: {reason}.

    A push never overwrites. Somebody who may delete there removes that file; then `mvc push --repair` creates it again.
    """


class PackNameTaken(Damaged):
    """{name} on {remote} holds something else than its name says, and a push never overwrites.

    `mvc push --repair` sends the same under another name.
    """


class FetchFailed(OutOfReach):
    """Could not fetch {files} from {remote}, which promised it: {reason}.

    The working tree was not changed. Run the command again when {remote} can be reached; `mvc remote show {remote}` says
    where it is.
    """


class FetchDenied(Denied):
    """Could not fetch {files} from {remote}, which promised it: {reason}.

    {advice}
    """


class NoPromisor(OutOfReach):
    """The bytes of {files} are not here: {remote} promised them, and is not a remote of this repository any more.

    `mvc remote add {remote} URL` makes it known again; any other remote that has the same versions serves as well.
    """


class PromiseLost(Missing):
    """{remote} promised {files}, and cannot give it back: {reason}.

    `mvc push --repair {remote}` in a repository that has the file sends it again; `mvc fsck --remote {remote}` lists all that is
    lost there.
    """


class FileExpired(Damaged):
    """{file} is not here: it was dropped on purpose by {reason} ({by}, {at}).

    A remote that still has it can supply it: `mvc fsck --repair --from REMOTE`.
    """


class CannotRebase(RefRejected):
    """{branch} cannot be put after {onto}: {reason}.

    `mvc merge {onto}` makes a version of both.
    """


class FilesElsewhere(Damaged):
    """The bytes of {count} file(s) that {version} needs are neither here nor on {remote}: {files}.

    Nothing was pushed. `mvc fsck` says what is wrong here; `mvc fsck --repair --from REMOTE` fetches from a remote that has them.
    """

    lost: Mapping[str, str] = MappingProxyType({})
    """The files, each with a version that needs it."""


# --- registries -------------------------------------------------------------------------------------------------------


class RegistryUnreachable(OutOfReach):
    """{registry} cannot be reached: {reason}.

    Run the same command again: what was done there already is found, and not done twice.
    """

    after: float | None = None
    """Seconds that it asked to be left alone for, where it said so."""


class RegistryUncertain(RegistryUnreachable):
    """{registry} gave no answer to what would have made {what}: {reason}.

    Run the same command again: it looks first whether that was made, and goes on from there.
    """


class RegistryDenied(Denied):
    """{registry} refuses it: {reason}.

    The token comes from the environment variable {variable}; a new one is made on the platform, in the profile's settings.
    """


class RegistryConflict(RefRejected):
    """{registry} has {what} already.

    Look at it on its page; mvc changes nothing there.
    """


class RegistryFault(MvcError):
    """{registry} answers what mvc cannot go on from: {reason}.

    Nothing here was changed. Run the same command again; if it stays so, look at the version on its page.
    """


class NotOnRegistry(Usage):
    """{registry} has no {what}; it has: {known}.

    Names are told apart by the case of letters; a version is named by its number there, or by its name.
    """


class NothingPublished(Usage):
    """Nothing is told here of {model} on {registry}: there is nothing to compare.

    `mvc publish` or `mvc import` first; what a colleague published comes with `mvc fetch`.
    """


class Unimportable(Refused):
    """{version} cannot be imported: {reason}.

    Mend that on its page, then import again.
    """


class RegistryLacks(RegistryFault):
    """{registry} does not find it: {reason}.

    Look at the spelling of the organization, the model and the version; the token's owner must be a member.
    """


class BadRegistryUrl(Usage):
    """{url!r} is no address of a registry: {reason}.

    Write picsellia://ORGANIZATION for a remote, picsellia://ORGANIZATION/MODEL or .../MODEL@VERSION for an import.
    """


class NoToken(Denied):
    """{registry}: there is no token in the environment variable {variable}.

    Make one on the platform, in the profile's settings, and set the variable; mvc keeps it nowhere.
    """


class NotARegistry(Usage):
    """{name} is a store ({url}), and no registry.

    `mvc remote add picsellia picsellia://ORGANIZATION` makes a registry known.
    """


class NoRegistry(Usage):
    """It is not said which registry is meant; known: {known}.

    Say --to NAME; `mvc remote add picsellia picsellia://ORGANIZATION` makes one known.
    """


class IsRegistry(Usage):
    """{name} is a registry, and no store: versions are neither pushed there nor fetched from it.

    `mvc publish --to {name}` makes model versions there of versions here, `mvc import {url}/MODEL` the other way round.
    """


class PublicationChanged(RefRejected):
    """There is a version {name} in {registry} that is not what mvc publishes under this name: {reason}.

    mvc changes nothing there. Look at it on its page, and remove it or give it another name; then publish again.
    """


class RoleReserved(Refused):
    """Version {version} has a file with the role {role}, which marks versions that mvc published.

    Give that file another role, and commit; the older version cannot be published.
    """


class NeedsMemory(Refused):
    """{path} has {size} bytes, and {registry} takes it in one piece only, which would be held in memory whole.

    With that much memory to spare, say --allow-memory.
    """


# --- registries of images ---------------------------------------------------------------------------------------------


class BadImage(Usage):
    """{image!r} does not name an image: {reason}.

    Write docker.image as acme/yolo or ghcr.io/acme/yolo, and docker.tag as 1.4.
    """


class NoImage(Usage):
    """{where} names no docker image.

    `mvc set docker.image=acme/yolo docker.tag=1.4` names one.
    """


class NoSuchImage(Usage):
    """{registry} has no image {image}.

    Look at docker.image and docker.tag. Some registries hide private images so: `docker login {registry}` shows them.
    """


class NotPinned(Usage):
    """{version} does not record which image {image} was, so nothing tells whether the tag has moved.

    `mvc docker resolve` writes it into model.toml for the next version.
    """


class MissingPackage(Usage):
    """{what} needs {package}, which is not installed.

    `pip install {package}` installs it.
    """


class MissingDockerExtra(Usage):
    """To ask a registry of images needs {library}, which is not installed.

    `pip install 'modelvc[docker]'` installs it.
    """


class BadDockerConfig(Usage):
    """{path}, where docker keeps its logins, cannot be read: {reason}.

    Mend the file, or name another folder in DOCKER_CONFIG.
    """


class ImageDenied(Denied):
    """{registry} does not show {image}: {reason}.

    `docker login {registry}` logs in there; mvc uses the same logins.
    """


class RealmNotTrusted(Denied):
    """{registry} asks to send its login for {image} to {host}, which you have not approved.

    If that is its token server, `mvc config --global host.{host}.trust docker` approves it; where nobody types,
    MVC_TRUSTED_HOSTS={host}.
    """


class HelperFailed(Denied):
    """The program {helper}, which docker asks for the login to {registry}, gave none: {reason}.

    `docker login {registry}` shows whether docker fares better; what names the program is {path}.
    """


class ImageUnreachable(OutOfReach):
    """{registry} cannot be reached: {reason}.

    Try again when it can; nothing was changed.
    """


class UntrustedImage(Refused):
    """What {registry} answers about {image} is not to be trusted: {reason}.

    Nothing was recorded. Look at docker.image, and at what answers in that registry's name.
    """


class Offline(OutOfReach):
    """{what} would be asked, and --offline or MVC_OFFLINE forbids it.

    Leave that out when there is a network.
    """
