"""Errors: a push was rejected, or a push or garbage collection on a remote must wait for another one."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from mvc.errors.base import Damaged, OutOfReach, RefRejected


class PushRejected(RefRejected):
    """Push rejected: {ref} of {model} on {remote}: {reason}.

    {hint}
    """


class PushUncertain(OutOfReach):
    """{remote} did not confirm that {ref} was moved.

    Run `mvc push` again; if {ref} was moved, the second push changes nothing.
    """


class HistoryAbsent(RefRejected):
    """Nothing was pushed: {parent}, the parent of {version}, is missing, because it was never published to the
    registry.

    An incomplete history cannot be pushed. Ask the author of {parent} to publish it, run `mvc import` again, then
    push.
    """


class FilesElsewhere(Damaged):
    """Nothing was pushed: {count:file|files} of {version} are neither in this repository nor on {remote}: {files}.

    Run `mvc fsck` for details, and `mvc fsck --repair --from REMOTE` to copy the files from another remote.
    """

    lost: Mapping[str, str] = MappingProxyType({})
    """The files, each with a version that needs it."""


class RemoteBusy(OutOfReach):
    """Garbage collection has been running on {remote} since {since}.

    Run the command again when the garbage collection has ended. If it was killed, end it with `mvc gc --remote NAME
    --drop-intents-older-than 1h` (needs delete permission); after a day, pushes ignore it.
    """


class SomebodySends(OutOfReach):
    """Nothing was removed, because a push to {remote} is in progress: {by}.

    Run `mvc gc --remote` again when the push has ended. If the push was killed, add `--drop-intents-older-than 7d` to
    ignore it; a push that still runs would then have to upload its files again.
    """


class StillPromised(RefRejected):
    """Cannot remove remote {name}: it has the only copy of {count:file|files} that versions in this repository need.

    Fetch the files of the current version with `mvc pull {name}`, or remove the remote anyway with `mvc remote rm
    --force {name}`; if you add it again under that name, its files are available again.
    """
