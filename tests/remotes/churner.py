"""Pushes branches and removes them again, with contents that come back: `python -m tests.remotes.churner ROOT NAME COUNT SEED`.

So what a push finds on the remote and need not send is, as often as not, what no name leads to any more.
"""

from __future__ import annotations

import random
import sys
import time
from pathlib import Path

from mvc import errors
from mvc.model.ids import VersionId
from mvc.model.version import Person, Timestamp
from mvc.porcelain.commit import commit
from mvc.porcelain.open import open_repository
from mvc.porcelain.push import push
from mvc.remotes.remote import Remote
from mvc.repository.model import Model
from mvc.repository.repository import Actor
from mvc.storage.records.reflog import HEADS, RefName
from mvc.transport import connection
from mvc.transport.refspec import RefUpdate

MODEL = "helmets"
MAIN = RefName(MODEL, HEADS, "main")
CONTENTS = 4


class Churner:
    """Pushes and removes."""

    def __init__(self, root: Path, name: str, rng: random.Random) -> None:
        self._repository = open_repository(root / name)
        self._name = name
        self._rng = rng
        self._time = 1_770_109_200
        first = self._repository.refs.target(MAIN)
        assert first is not None
        self._first: VersionId = first

    def run(self, count: int) -> None:
        with connection.open_remote(self._repository, "origin", jobs=1) as remote:
            for number in range(count):
                branch = RefName(MODEL, HEADS, f"{self._name}-{number}")
                self._push(remote, RefUpdate(branch, self._commit(number)))
                if number + 1 < count:  # the last one stays, to be looked at
                    self._push(remote, RefUpdate(branch, None))

    def _commit(self, number: int) -> VersionId:
        """A version after the first one, with one of few contents."""
        repository = self._repository
        with repository.writing():
            repository.refs.append(MAIN, repository.refs.tip(MAIN), self._first, self._actor().move("reset"))
        content = random.Random(self._rng.randrange(CONTENTS)).randbytes(200_000)
        (repository.root / "w.bin").write_bytes(content)
        made = commit(Model(repository, MODEL), f"{self._name} {number}", self._actor()).id
        assert made is not None
        return made

    def _push(self, remote: Remote, request: RefUpdate) -> None:
        while True:
            try:
                push(Model(self._repository, MODEL), remote, [request], self._actor())
            except errors.RemoteBusy:
                time.sleep(0.005)  # what the message says: again, when the collection has ended
            else:
                sys.stdout.write("pushed\n")
                sys.stdout.flush()
                return

    def _actor(self) -> Actor:
        self._time += 1
        return Actor(Person(self._name, f"{self._name}@example.org"), Timestamp(self._time))


def main() -> None:
    """Churn."""
    root, name, count, seed = sys.argv[1:5]
    Churner(Path(root), name, random.Random(f"{seed}-{name}")).run(int(count))


if __name__ == "__main__":
    main()
