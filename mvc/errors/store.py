"""Errors: stored data is missing or damaged, in the store or on a remote, or a promised file cannot be fetched."""

from __future__ import annotations

from mvc.errors.base import Answer, Damaged, Denied, OutOfReach, RefRejected, Usage


class NotCanonical(Damaged):
    """Not canonical JSON: {reason}.

    `mvc fsck` lists the affected versions and files; everything else stays readable.
    """


class Missing(Damaged):
    """{what} {id} is missing from the store.

    `mvc fsck` lists the affected versions and files; restore the missing data from a copy of the repository, or with
    `mvc fsck --repair --from REMOTE`.
    """


class LogLost(Damaged):
    """The log of branch {branch} of {model} is missing, but the store has {count:version|versions} of it (newest: {newest}).

    Restore `.mvc/refs` from a backup, or start a new log at the newest version with `mvc reset {id}`. `mvc fsck` lists
    all damage.
    """


class Expired(Damaged):
    """{file} is not here: {by} dropped its bytes on {at} with `mvc {reason}`.

    {nearest} {remote} may still have it: `mvc download {source} DIR`.
    """


class ExpiredThere(Damaged):
    """{file} is not on {remote}: {by} dropped its bytes on {at} with `mvc {reason}`.

    {nearest} Who still has the bytes can upload them again with `mvc push --revive`.
    """


class NoRule(Usage):
    """Nothing was dropped, because no rule selects the versions that keep their bytes.

    Give one, such as --keep-last 5 or --keep-within 90d, and preview with -n; or name the versions to drop. To remove
    only what no ref reaches, as `git prune` does, use `mvc gc`.
    """


class NothingToPrune(Answer):
    """Nothing to drop: {reason}.

    `mvc prune -n` lists what keeps each version.
    """


class Unpushed(RefRejected):
    """Nothing was dropped, because no remote has {count:version|versions} that no rule keeps (newest: {newest}).

    Push them first with `mvc push`, or drop them anyway with --unpushed, or by name.
    """


class AlwaysKept(RefRejected):
    """Cannot drop {version}: {reason}.

    A version keeps its bytes while a ref, HEAD or work in progress names it, and for 90 days after an alias did. Move or
    delete the ref first.
    """


class PlanChanged(RefRejected):
    """Nothing was dropped, because the versions changed since the list was shown.

    Run `mvc prune` again to see the new list.
    """


class NotConfirmed(RefRejected):
    """Nothing was dropped, because nobody confirmed it: the bytes of {count:version|versions} would go.

    Preview with `mvc prune -n`, then run the command with --yes.
    """


class FormatLost(Damaged):
    """{remote} lost its file `format`, which marks it as an mvc remote.

    Create the file again with `mvc push --repair`, in a repository that has pushed to or fetched from {remote}.
    """


class FormatDamaged(Damaged):
    """`format` of {remote}, which marks it as an mvc remote, is damaged: {reason}.

    A push never overwrites `format`: somebody with delete permission must remove that file, then `mvc push --repair`
    creates it again.
    """


class MissingThere(Missing):
    """{remote} lacks {what} {id}.

    List the damage with `mvc fsck --remote NAME`; repair it from a complete repository with `mvc push --repair` or
    `mvc fsck --remote NAME --repair`.
    """


class DamagedThere(Damaged):
    """{what} is damaged: {reason}.

    Everything else on that remote stays readable. List the damage with `mvc fsck --remote NAME`; repair it from a
    complete repository with `mvc push --repair` or `mvc fsck --remote NAME --repair`.
    """


class EntryDamagedThere(Damaged):
    """{what} on {remote} is damaged: {reason}.

    A push never overwrites `{path}`: somebody with delete permission must restore that file from a backup, or remove
    it; then `mvc push --repair` creates it again, unless it was the newest of its log. List the damage with `mvc fsck
    --remote NAME`.
    """


class PackNameTaken(Damaged):
    """{remote} already has a file {name} with other content, and a push never overwrites it.

    Upload the pack under another name with `mvc push --repair`.
    """


class LockMismatch(Damaged):
    """{remote} does not have what {lock} names: {reason}.

    Download from another remote with --url, or lock a version that exists: `mvc download SOURCE DIR --lock FILE`.
    """


class FetchFailed(OutOfReach):
    """Cannot fetch {files} from {remote}: {reason}.

    The working tree was not changed. Run the command again when {remote} can be reached; `mvc remote show {remote}`
    shows its URL.
    """


class FetchDenied(Denied):
    """Cannot fetch {files} from {remote}: {reason}.

    {advice} Then run the command again; the working tree was not changed.
    """


class NoPromisor(OutOfReach):
    """Cannot fetch {files}: {remote}, the remote that has the content, is no longer a remote of this repository.

    Add it again with `mvc remote add {remote} URL`, or add another remote with the same versions.
    """


class NotFetched(Missing):
    """{version} is incomplete: the content of {path} is neither here nor promised by a remote.

    Nothing was changed. No fetched ref reaches this version: ask for a branch or tag there, and run `mvc fetch`.
    """


class PromiseLost(Missing):
    """Cannot fetch {files}: the copy on {remote} is missing or damaged: {reason}.

    Run `mvc push --repair {remote}` in a repository that has an intact copy; list the damage with `mvc fsck --remote
    {remote}`.
    """
