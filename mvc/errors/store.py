"""Errors: stored data is missing or damaged, in the store or on a remote."""

from __future__ import annotations

from mvc.errors.base import Damaged


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


class FileExpired(Damaged):
    """{file} is not in the store: it was removed on purpose by {reason} ({by}, {at}).

    Get it from a remote that still has it: `mvc fsck --repair --from REMOTE`.
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
