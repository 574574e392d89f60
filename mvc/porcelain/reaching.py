"""From the name of a remote to a connection: settings, address, backend, patience."""

from __future__ import annotations

import contextlib
import random
import time
from collections.abc import Iterator

from mvc import errors
from mvc.remotes import address, connect
from mvc.remotes.backend import Backend
from mvc.remotes.paced import PacedBackend
from mvc.remotes.remote import JOBS, Remote
from mvc.remotes.retry import RetryingBackend
from mvc.repository.repository import Repository

ORIGIN = "origin"
"""The remote that is meant when none is named, and the one that a clone is from."""
_FIRST_PAUSE = 0.1
_LONGEST_PAUSE = 5.0


@contextlib.contextmanager
def reach(repository: Repository, name: str, *, jobs: int = JOBS, limit: float | None = None) -> Iterator[Remote]:
    """The remote `name`, its connections let go afterwards; `limit` is in bytes a second.

    Raises NoSuchRemote, BadRemoteUrl, MissingExtra, BadSetting.
    """
    settings = dict(url_of(repository, name))
    where = address.parse(settings.pop("url"), repository.root)
    backend: Backend = RetryingBackend(connect.connect(where, settings))
    if limit is not None:
        backend = PacedBackend(backend, limit)
    try:
        yield Remote(name, backend, _pause, jobs)
    finally:
        backend.close()


def url_of(repository: Repository, name: str) -> dict[str, str]:
    """The settings of a remote, its `url` among them."""
    known = repository.config.remotes()
    if "url" not in known.get(name, {}):
        raise errors.NoSuchRemote(name=name, known=", ".join(sorted(known)) or "none")
    return known[name]


def upstream(repository: Repository, model: str, branch: str) -> tuple[str, str]:
    """The remote, and the name there, that a branch follows: as was set, else of the same name. Raises as `default`."""
    return repository.config.upstream(model, branch) or (default(repository), branch)


def default(repository: Repository, model: str | None = None) -> str:
    """The remote that the current branch of `model` follows, else origin, or the only one. Raises NoSuchRemote."""
    head = repository.heads.get(model) if model is not None else None
    if model is not None and head is not None and head.branch is not None:
        followed = repository.config.upstream(model, head.branch)
        if followed is not None:
            return followed[0]
    known = repository.config.remotes()
    if ORIGIN in known or len(known) != 1:
        url_of(repository, ORIGIN)
        return ORIGIN
    return next(iter(known))


def _pause(attempt: int) -> None:
    """Wait before try number `attempt`, at random up to a limit that doubles: those who were beaten must not meet again."""
    time.sleep(random.uniform(0, min(_LONGEST_PAUSE, _FIRST_PAUSE * 2**attempt)))  # noqa: S311 - no secret
