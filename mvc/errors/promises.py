"""Lazy fetches of promised files."""

from __future__ import annotations

from mvc.errors.base import Denied, OutOfReach
from mvc.errors.store import Missing


class FetchFailed(OutOfReach):
    """Cannot fetch {files} from {remote}, which keeps the content: {reason}.

    The working tree was not changed. Run the command again when {remote} can be reached; `mvc remote show {remote}`
    shows its URL.
    """


class FetchDenied(Denied):
    """Cannot fetch {files} from {remote}, which keeps the content: {reason}.

    {advice} Then run the command again.
    """


class NoPromisor(OutOfReach):
    """Cannot fetch {files}: {remote}, which keeps the content, is no longer a remote of this repository.

    Add it again with `mvc remote add {remote} URL`, or add another remote with the same versions.
    """


class PromiseLost(Missing):
    """Cannot fetch {files}: {remote} promised it, but lost it: {reason}.

    Run `mvc push --repair {remote}` in a repository that has the file; list the damage with `mvc fsck --remote
    {remote}`.
    """
