"""The second opinion on a file: a program of the user's own settings, such as another scanner, or one for viruses.

    scan.command = ["picklescan", "--strict", "-p", "{}"]      {} is the path of the file

    exit code 0 ─► nothing      1 ─► a finding, hostile      any other, no program, no answer in time ─► unreadable

It is run once for each file, without a shell, and not in the repository, where a program of somebody else might
be found. A file that is not on disk under its own name is written into a folder of the user for as long as it runs.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, NamedTuple

from mvc.formats.source import Source
from mvc.scan import opinion
from mvc.scan.verdict import Finding

PLACE = "{}"
SECONDS = 600.0
"""Time limit of the program for one file."""
_BLOCK = 1 << 20
_SHOWN = 4096
"""Bytes at the end of the output of which the last line is shown."""
_CLEAN, _FOUND = 0, 1


class ScanCommand(NamedTuple):
    """The words of a command; one of them has the place of a file, `{}`."""

    words: tuple[str, ...]

    def finding(self, source: Source, place: Path | None) -> Finding | None:
        """Return what the program says about a file, None for nothing.

        `place` is where the file is under its own name; without one, its bytes are written there first.
        """
        with contextlib.ExitStack() as stack:
            path = place if place is not None else stack.enter_context(_copied(source))
            words = [word.replace(PLACE, os.fspath(path)) for word in self.words]
            output = stack.enter_context(tempfile.TemporaryFile())
            program = os.path.basename(words[0])
            try:
                code = _run(words, output)
            except subprocess.TimeoutExpired:
                return opinion.finding(opinion.FAILED, f"{program} took longer than {SECONDS:.0f} seconds")
            except (OSError, ValueError) as error:
                reason = getattr(error, "strerror", None) or str(error)
                return opinion.finding(opinion.FAILED, f"{program} cannot be run: {reason}")
            said = _last_line(output)
        if code == _CLEAN:
            return None
        rule = opinion.FOUND if code == _FOUND else opinion.FAILED
        what = "" if code == _FOUND else f" ended with {f'exit code {code}' if code > 0 else f'signal {-code}'}"
        return opinion.finding(rule, f"{program}{what}{f': {said}' if said else ''}")


def _run(words: list[str], output: IO[bytes]) -> int:
    """Run a program to its end, and return its exit code; end it with its children at the time limit, or at an interrupt.

    Raises OSError, ValueError, TimeoutExpired.
    """
    child = subprocess.Popen(
        words, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, cwd="/", start_new_session=True
    )
    try:
        return child.wait(SECONDS)
    finally:
        if child.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
            child.wait()


@contextlib.contextmanager
def _copied(source: Source) -> Iterator[Path]:
    """Yield the path of a copy in a folder that only the user may enter."""
    with tempfile.TemporaryDirectory(prefix="mvc-scan-") as folder:
        path = Path(folder) / (os.path.basename(source.name) or "file")
        with open(path, "xb") as file:
            file.writelines(
                source.read(offset, min(_BLOCK, source.size - offset)) for offset in range(0, source.size, _BLOCK)
            )
        yield path


def _last_line(output: IO[bytes]) -> str:
    size = output.seek(0, os.SEEK_END)
    output.seek(max(size - _SHOWN, 0))
    lines = output.read().decode("utf-8", "replace").split("\n")
    return next((line.strip() for line in reversed(lines) if line.strip()), "").rstrip(".")
