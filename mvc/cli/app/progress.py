"""Progress on stderr for work that takes more than a second: bytes done, total, speed, remaining time.

A bar where stderr is a terminal, one plain line every ten seconds elsewhere (a silent job looks dead to CI), nothing with
`--progress none` or `-q`.
"""

from __future__ import annotations

import shutil
import sys
import time
from types import TracebackType
from typing import Self

from mvc.cli.app import terminal

PATIENCE = 1.0
"""Seconds before progress is shown."""
_EVERY = {"bar": 0.1, "plain": 10.0}
_WIDTH = 24


class Progress:
    """A progress report, called with each number of bytes done; `total` is in bytes, 0 if unknown."""

    def __init__(self, label: str, total: int, mode: str) -> None:
        """`mode` is auto, bar, plain or none."""
        self._label = label
        self._total = total
        self._mode = ("bar" if sys.stderr.isatty() else "plain") if mode == "auto" else mode
        self._done = 0
        self._begun = time.monotonic()
        self._next = self._begun + PATIENCE
        self._shown = False

    def expect(self, total: int, label: str = "") -> None:
        """Begin a stage of `total` bytes, with a new label if `label` is not empty."""
        self._label = label or self._label
        self._total = total
        self._done = 0
        self._begun = time.monotonic()

    def __call__(self, count: int) -> None:
        """Count `count` more bytes as done."""
        self._done += count
        now = time.monotonic()
        if self._mode != "none" and now >= self._next:
            self._next = now + _EVERY[self._mode]
            self._show(now)

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the output: remove a bar, or print a last plain line with 100 % if the work was done."""
        if self._shown and self._mode == "bar":
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
        elif self._shown and error is None:
            self._total = self._done
            self._show(time.monotonic(), end="done")

    def _show(self, now: float, end: str = "finishing") -> None:
        self._shown = True
        line_end = "" if self._mode == "bar" else "\n"
        begin = "\r\x1b[K" if self._mode == "bar" else ""
        width = shutil.get_terminal_size().columns - 1 if self._mode == "bar" else None  # a line that wraps stays there
        sys.stderr.write(f"{begin}{self._line(now - self._begun, end)[:width]}{line_end}")
        sys.stderr.flush()

    def _line(self, seconds: float, end: str) -> str:
        rate = self._done / seconds if seconds else 0.0
        speed = f"{terminal.size(int(rate))}/s"
        if not self._total:
            return f"{self._label} {terminal.size(self._done)}, {speed}"
        part = min(1.0, self._done / self._total)
        left = f"{(self._total - self._done) / rate:.0f} s left" if rate and part < 1 else end
        bar = "#" * round(part * _WIDTH) + "." * (_WIDTH - round(part * _WIDTH))
        shown = f"[{bar}] " if self._mode == "bar" else ""
        of = f"{terminal.size(self._done)} of {terminal.size(self._total)}"
        return f"{self._label} {shown}{part:4.0%}  {of}, {speed}, {left}"
