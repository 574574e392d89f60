"""Probe of a remote's store: create-if-absent, reads, writes and listings are tested, since gateways differ.

probe/<nonce>/…    test files             probe/ok-<nonce>   the store passed
"""

from __future__ import annotations

import contextlib
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from mvc import errors
from mvc.deferred import dataclass
from mvc.model.document import Document, keys
from mvc.remotes.backends.backend import Backend, Outcome
from mvc.storage.disk.workers import Workers
from mvc.storage.records import sealed

FOLDER = "probe"
OK = f"{FOLDER}/ok-"
THREADS = 8
NAMES = 20
BIG = 6 * 1024 * 1024
SKEW = 180.0
"""The largest clock difference without a warning, in seconds."""
_LIMIT = 1024


@dataclass(frozen=True, slots=True)
class Verdict(Document):
    """The result of a probe: the properties that were tested, and those that failed, each with its consequence.

    `skew` is the server's clock minus this machine's, in seconds; None if the clocks were not compared.
    """

    KEYS = keys("checks warnings skew")

    checks: tuple[str, ...]
    failures: tuple[str, ...]
    skew: float | None = None
    others: tuple[str, ...] = ()
    """Warnings of the caller."""

    @property
    def warnings(self) -> tuple[str, ...]:
        """The faults for which the store is not refused."""
        if self.skew is None or abs(self.skew) <= SKEW:
            return self.others
        return (f"the server's clock and this machine's are {abs(self.skew):.0f} s apart", *self.others)


def ensure(backend: Backend, nonce: str) -> None:
    """Probe the store in full, or only create-if-absent if it passed before. Raises NotExclusive."""
    known = any(each.name.startswith(OK) for each in backend.list(FOLDER))
    verdict = probe(backend, nonce, full=not known)
    if verdict.failures:
        raise errors.NotExclusive(remote=backend.where, failures="; ".join(verdict.failures))
    if not known:
        backend.create(OK + nonce, sealed.seal({"kind": "probe", "v": 1, "checks": list(verdict.checks)}))


def probe(backend: Backend, nonce: str, *, full: bool = True, now: float | None = None) -> Verdict:
    """Probe the store below probe/<nonce>/, and clean up where that is allowed. Raises RemoteUnreachable, RemoteDenied.

    `now` is this machine's time in seconds since 1970; without it, the clocks are not compared.
    """
    trial = _Trial(backend, f"{FOLDER}/{nonce}")
    checks: dict[str, Callable[[], Iterator[str]]] = {"create-once": trial.create_once}
    if full:
        checks |= {
            "absent": trial.absent,
            "read-and-list-after-write": trial.fresh,
            "one-winner": trial.one_winner,
            "large-file": trial.large,
        }
    try:
        failed = (list(check()) for check in checks.values())
        failures = tuple(next((each for each in failed if each), ()))  # later checks depend on those that failed
        return Verdict(tuple(checks), failures, trial.skew(now) if full and now is not None else None)
    finally:
        with contextlib.suppress(errors.MvcError):
            backend.delete([each.name for each in backend.list(trial.folder)])


class _Trial:
    """One run of a probe."""

    def __init__(self, backend: Backend, folder: str) -> None:
        self._backend = backend
        self.folder = folder

    def create_once(self) -> Iterator[str]:
        name = f"{self.folder}/once"
        self._backend.create(name, b"first")
        second = self._backend.create(name, b"second")
        found = self._read(name)
        if second is Outcome.CREATED:
            yield "it overwrites a name that exists"
        elif found != b"first":
            yield f"a name that was created once has {'nothing' if found is None else 'something else'}"

    def absent(self) -> Iterator[str]:
        if self._read(f"{self.folder}/absent") is not None:
            yield "it has a file that nobody wrote"

    def fresh(self) -> Iterator[str]:
        name = f"{self.folder}/fresh"
        self._backend.create(name, b"fresh")
        if self._read(name) != b"fresh":
            yield "it does not return what was just written"
        listed = {each.name: each.size for each in self._backend.list(self.folder)}
        if listed.get(name) != len(b"fresh"):
            yield "it does not list what was just written"

    def one_winner(self) -> Iterator[str]:
        workers = Workers(THREADS)
        start = threading.Barrier(THREADS)

        def race(number: int) -> list[bool]:
            won = []
            try:
                for turn in range(NAMES):
                    start.wait()
                    outcome = self._backend.create(f"{self.folder}/race-{turn}", b"%d" % number)
                    won.append(outcome is Outcome.CREATED)
            except BaseException:
                start.abort()
                raise
            return won

        try:
            won = [each.result() for each in [workers.submit(race, number) for number in range(THREADS)]]
        except threading.BrokenBarrierError:  # the create of another thread failed, and raises the reason
            raise errors.RemoteUnreachable(remote=self._backend.where, reason="a test write timed out") from None
        finally:
            start.abort()
            workers.close()
        for turn in range(NAMES):
            winners = [number for number in range(THREADS) if won[number][turn]]
            found = self._read(f"{self.folder}/race-{turn}")
            if len(winners) > 1:
                yield f"of {THREADS} clients that create a name at once, {len(winners)} succeed"
                return
            if found is None or (winners and found != b"%d" % winners[0]):
                yield "a name that several clients create at once does not have what the first wrote"
                return

    def large(self) -> Iterator[str]:
        name = f"{self.folder}/large"
        with tempfile.NamedTemporaryFile() as file:
            file.write(bytes(BIG))
            file.flush()
            self._backend.put(name, Path(file.name))
        listed = {each.name: each.size for each in self._backend.list(self.folder)}
        if listed.get(name) != BIG:
            yield f"of a file of {BIG} bytes it lists {listed.get(name)}"

    def skew(self, now: float) -> float | None:
        listed = {each.name: each.modified for each in self._backend.list(self.folder)}
        written = listed.get(f"{self.folder}/large")
        return None if written is None else written - now

    def _read(self, name: str) -> bytes | None:
        try:
            return self._backend.read(name, _LIMIT)
        except FileNotFoundError:
            return None
