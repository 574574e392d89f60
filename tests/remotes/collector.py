"""Collects a remote again and again, with no grace period: `python -m tests.remotes.collector ROOT NAME SECONDS`.

Each line that it prints is what one collection did: `removed N`, or why there was none.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from mvc import errors
from mvc.model.version import Person, Timestamp
from mvc.porcelain import gc_remote
from mvc.porcelain.open import open_repository
from mvc.remotes.remote import Remote
from mvc.repository.repository import Actor, Repository
from mvc.transport import connection

gc_remote.ENTRIES = 0
gc_remote.DAYS = -1


def _once(repository: Repository, remote: Remote) -> str:
    actor = Actor(Person("gc", "gc@example.org"), Timestamp(1_770_109_200))
    try:
        done = gc_remote.gc_remote(repository, remote, actor, grace=0)
    except (errors.SomebodySends, errors.RemoteBusy) as error:
        return error.kind
    return f"removed {len(done.removed)}"


def main() -> None:
    """Collect."""
    root, name, seconds = sys.argv[1:4]
    repository = open_repository(Path(root) / name)
    end = time.monotonic() + float(seconds)
    with connection.open_remote(repository, "origin", jobs=1) as remote:
        while time.monotonic() < end:
            sys.stdout.write(f"{_once(repository, remote)}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
