"""From the name of a remote to a connection: settings, address, backend, patience."""

from __future__ import annotations

import contextlib
import random
import time
from collections.abc import Iterator

from mvc import errors
from mvc.remotes import address, connect
from mvc.remotes.remote import JOBS, Remote
from mvc.repository.repository import Repository

_FIRST_PAUSE = 0.1
_LONGEST_PAUSE = 5.0


@contextlib.contextmanager
def reach(repository: Repository, name: str, *, jobs: int = JOBS) -> Iterator[Remote]:
    """The remote `name`, its connections let go afterwards. Raises NoSuchRemote, BadRemoteUrl, MissingExtra, BadSetting."""
    settings = dict(url_of(repository, name))
    where = address.parse(settings.pop("url"), repository.root)
    backend = connect.connect(where, settings)
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


def _pause(attempt: int) -> None:
    """Wait before try number `attempt`, at random up to a limit that doubles: those who were beaten must not meet again."""
    time.sleep(random.uniform(0, min(_LONGEST_PAUSE, _FIRST_PAUSE * 2**attempt)))  # noqa: S311 - no secret
