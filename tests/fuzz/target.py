"""A target of the fuzzer: a reader of foreign bytes, and the errors that it may raise.

    seeds, mutated ─► Target.read(data) ─► returns, or raises one of Target.errors     as documented
                                        └► anything else, too long, too much memory    a fault

A fault is named by the error and the line of mvc that raised it, so that one defect is reported once.
"""

from __future__ import annotations

import os
import resource
import signal
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import NamedTuple, NoReturn

HERE = Path(__file__).resolve().parent
CORPUS = HERE / "corpus"
DATA = HERE.parent / "formats" / "data"
SLOW, PROCESS = 5, 20
"""The costs of an input that is written to a file, and of one that a process reads."""
SECONDS = 10.0
"""Processor time that one input may take: inputs have a few thousand bytes, and the usual ones take a millisecond."""
MEMORY = 512 << 20
"""Bytes of memory that a process may need beyond those that it has without the input."""
_MVC = f"{os.sep}mvc{os.sep}"


class EndlessError(BaseException):
    """The input takes longer than `SECONDS`."""


class Fault(NamedTuple):
    """What went wrong: a name that is the same for all inputs with the defect, and the traceback."""

    name: str
    text: str


@dataclass(frozen=True)
class Target:
    """A reader, called with bytes; `suffixes` choose the files of tests/formats/data that are seeds beside its corpus.

    `cost` is how many usual inputs one of it costs: a target that writes files or runs a process gets fewer.
    """

    name: str
    read: Callable[[bytes], object]
    errors: tuple[type[Exception], ...] = ()
    suffixes: tuple[str, ...] = ()
    cost: int = 1
    seconds: float = SECONDS

    @property
    def folder(self) -> Path:
        """The folder of its corpus."""
        return CORPUS / self.name

    def files(self) -> list[Path]:
        """Return the files of its corpus, and those of tests/formats/data that it reads."""
        own = sorted(path for path in self.folder.glob("*") if path.is_file())
        data = sorted(DATA.rglob("*")) if self.suffixes else []
        return own + [path for path in data if path.is_file() and path.name.endswith(self.suffixes)]

    def fault(self, data: bytes) -> Fault | None:
        """Read an input; return the fault that it shows, None for none."""
        try:
            with ended_after(self.seconds):
                self.read(data)
        except self.errors:
            return None
        except (Exception, EndlessError) as error:  # noqa: BLE001 - that is what is searched for
            return _described(error)
        return None


def _described(error: BaseException) -> Fault:
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if _MVC in frame.filename] or list(frames)
    last = own[-1] if own else None
    place = f"{last.filename.rpartition(_MVC)[2]}:{last.lineno}" if last else "?"
    text = "".join(traceback.format_exception(error)[-60:])
    return Fault(f"{type(error).__name__} at {place}", text[-20_000:])


@contextmanager
def ended_after(seconds: float) -> Iterator[None]:
    """Raise EndlessError in the block once it has taken so much processor time; in the main thread only."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGVTALRM, _end)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def _end(_: int, __: FrameType | None) -> NoReturn:
    raise EndlessError


@contextmanager
def limited_memory(size: int = MEMORY) -> Iterator[None]:
    """Limit the memory of the process in the block to `size` bytes more than it has, so that more is a MemoryError."""
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (_taken() + size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def _taken() -> int:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    return pages * resource.getpagesize()
