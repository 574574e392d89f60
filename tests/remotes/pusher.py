"""One of several processes that push to one branch at once: `python -m tests.remotes.pusher ROOT NAME COUNT SEED [--rebase]`.

Each line that it prints is the verdict on one push: `accepted ID`, `told`, `unknown`, or what went wrong.
"""

from __future__ import annotations

import random
import sys
from pathlib import Path

from mvc import errors
from mvc.model.ids import VersionId
from mvc.model.version import Person, Timestamp
from mvc.porcelain import fetch
from mvc.porcelain.commit import commit
from mvc.porcelain.edit import set_values
from mvc.porcelain.open import open_repository
from mvc.porcelain.push import push
from mvc.porcelain.reset import HARD, reset
from mvc.remotes.remote import Remote
from mvc.repository.model import Model
from mvc.repository.repository import Actor
from mvc.storage.records.reflog import HEADS, RefName
from mvc.transport import connection, promises
from mvc.transport.refspec import RefUpdate

MODEL = "helmets"
MAIN = RefName(MODEL, HEADS, "main")


class Pusher:
    """Commits and pushes, again and again."""

    def __init__(self, root: Path, name: str, rng: random.Random, *, rebase: bool) -> None:
        self._repository = open_repository(root / name)
        self._name = name
        self._rng = rng
        self._rebase = rebase
        self._time = 1_770_109_200

    def run(self, count: int) -> None:
        with connection.open_remote(self._repository, "origin", jobs=1) as remote:
            for number in range(count):
                sys.stdout.write(f"{self._once(remote, number)}\n")
                sys.stdout.flush()

    def _once(self, remote: Remote, number: int) -> str:
        """Commit and push a change: one that rebases sets a key of its own, the others train the weights."""
        if self._rebase:
            set_values(Model(self._repository, MODEL), [f"parameters.{self._name}-{number}={number}"])
        else:
            (self._repository.root / "w.bin").write_bytes(self._rng.randbytes(1_000))
        made = commit(Model(self._repository, MODEL), f"{self._name} {number}", self._actor()).id
        assert made is not None
        try:
            return f"accepted {self._push(remote, made)}"
        except errors.PushRejected:
            self._give_way(remote)
            return "told"
        except errors.PushUncertain:
            self._give_way(remote)
            return f"unknown {made}"

    def _push(self, remote: Remote, made: VersionId) -> VersionId:
        done = push(
            Model(self._repository, MODEL),
            remote,
            [RefUpdate(MAIN, made, "main")],
            self._actor(),
            tries=1_000 if self._rebase else 0,
        )
        return done.refs[0].new or made

    def _give_way(self, remote: Remote) -> None:
        """Take theirs, and begin from there."""
        repository = self._repository
        fetch.fetch(repository, remote, self._actor(), models=[MODEL])
        theirs = repository.refs.target(MAIN.tracking_ref("origin"))
        assert theirs is not None
        promises.ensure_version_present(repository, theirs)
        reset(Model(repository, MODEL), theirs, mode=HARD, actor=self._actor())

    def _actor(self) -> Actor:
        self._time += 1
        return Actor(Person(self._name, f"{self._name}@example.org"), Timestamp(self._time))


def run() -> int:
    """Push, and return the exit code."""
    root, name, count, seed = sys.argv[1:5]
    rng = random.Random(f"{seed}-{name}")
    Pusher(Path(root), name, rng, rebase="--rebase" in sys.argv).run(int(count))
    return 0


if __name__ == "__main__":
    sys.exit(run())
