"""Errors: a promised file cannot be fetched from its remote."""

from __future__ import annotations

from mvc.errors.base import Denied, OutOfReach
from mvc.errors.store import Missing


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
