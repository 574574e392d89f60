r"""Differences of small text files, as hunks of a unified diff.

    @@ -1,3 +1,3 @@
     lr0: 0.01
    -epochs: 100
    +epochs: 150
    \ No newline at end of file

Only UTF-8 without control characters is text. Both sides are short, since a comparison takes the product of their lines.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Sequence

from mvc import lazy
from mvc.deferred import dataclass
from mvc.model.compare.environment_record import EnvironmentChange
from mvc.model.document import Document

MAX_BYTES = 64 << 10
"""Bytes of each side, at most."""
MAX_LINES = 2_000
"""Lines of each side, at most."""
MAX_LINE = 2_000
"""Characters of a line, at most: a longer one is data, and no text that a person reads."""
CONTEXT = 3
"""Equal lines around a change, by default."""
SUFFIXES = frozenset(
    ("cfg", "csv", "ini", "json", "log", "md", "names", "py", "toml", "tsv", "txt", "xml", "yaml", "yml")
)
"""Suffixes of text files; needed only to say that the text of one is absent."""
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_NO_NEWLINE = "\\ No newline at end of file"


@dataclass(frozen=True, slots=True)
class TextDiff(Document):
    """The changed lines of one file, without its two header lines; none, and a reason, if its text cannot be read.

    `reason` is `not here` for bytes that only a remote has, `damaged` for bytes that cannot be read. An environment record has
    no lines, but `environment`, what changed in it.
    """

    OPTIONAL = ("environment",)

    old_path: str
    path: str
    lines: tuple[str, ...]
    reason: str | None = None
    environment: tuple[EnvironmentChange, ...] = ()


def text_of(data: bytes) -> str | None:
    """Return the text of a file; None if it is too long, or no text."""
    if len(data) > MAX_BYTES or data.count(b"\n") >= MAX_LINES:
        return None
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return None
    if _CONTROL.search(text.replace("\r\n", "\n")) or any(len(line) > MAX_LINE for line in text.split("\n")):
        return None
    return text


def may_be_text(path: str) -> bool:
    """Return whether the suffix of `path` is that of a text file."""
    return posixpath.splitext(path)[1][1:].lower() in SUFFIXES


def hunks(old: str, new: str, context: int = CONTEXT) -> tuple[str, ...]:
    """Return the hunks of a unified diff, with `context` equal lines around each change."""
    made = lazy.load("difflib").unified_diff(_lines(old), _lines(new), n=context)
    return tuple(part for line in list(made)[2:] for part in _without_end(line))


def _lines(text: str) -> Sequence[str]:
    """Return the lines with their ends: a last line without one differs from the same line with one."""
    lines = text.split("\n")
    return [f"{line}\n" for line in lines[:-1]] + ([lines[-1]] if lines[-1] else [])


def _without_end(line: str) -> tuple[str, ...]:
    return (line[:-1],) if line.endswith("\n") else (line, _NO_NEWLINE)
