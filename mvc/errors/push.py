"""Pushes and collections on a remote."""

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

    Push again; if it was moved, nothing happens.
    """


class HistoryAbsent(RefRejected):
    """Cannot push {version}: its parent {parent} is missing; it was never published.

    An incomplete history cannot be pushed. Ask its author to publish the missing parent, run `mvc import` again,
    then push.
    """


class FilesElsewhere(Damaged):
    """Nothing was pushed: {count:file|files} of {version} are neither in this repository nor on {remote}: {files}.

    Run `mvc fsck` for details, and `mvc fsck --repair --from REMOTE` to get them from another remote.
    """

    lost: Mapping[str, str] = MappingProxyType({})
    """The files, each with a version that needs it."""


class RemoteBusy(OutOfReach):
    """Garbage collection has been running on {remote} since {since}.

    Push again when it has ended. If it was killed, end it with `mvc gc --remote NAME --drop-intents-older-than 1h`
    (needs delete permission); after a day it is ignored.
    """


class SomebodySends(OutOfReach):
    """A push to {remote} is in progress: {by}.

    Run `mvc gc --remote` again when it has ended. If it was killed, add `--drop-intents-older-than 7d` to ignore it; a
    push that still runs would then have to upload its files again.
    """


class StillPromised(RefRejected):
    """Cannot remove {name}: it has the only copy of {count:file|files} of versions here.

    Fetch those of the current version with `mvc pull {name}`, or remove it anyway with `mvc remote rm --force
    {name}`; adding it again under that name makes its files available again.
    """
