r"""The screen: its width in columns, and lines that fit it; ASCII for streams and locales that have no other letters.

    Ahead of origin/main by 2 versions: `mvc push`      ─ 40 columns ─►      Ahead of origin/main by 2 versions:
                                                                                 `mvc push`

Lines are wrapped only on a terminal: what another program reads has one line for each. A word or a quoted command that is
longer than the screen is left whole, so that it can be copied.
"""

from __future__ import annotations

import codecs
import io
import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import TextIO

from mvc import lazy
from mvc.deferred import regex

_STYLE = regex(r"\x1b\[[0-9;]*m")
_WORD = regex(r"(\s*)((?:`[^`]*`|\S)+)")
_HANGING = 4
"""Columns by which the rest of a wrapped line is indented."""
_LEAST = 20
"""Columns of a screen; on a smaller one, the terminal wraps."""
_TAB = 8
_ASCII = {
    "…": "...",
    "·": "-",
    "—": "-",
    "→": "->",
    "←": "<-",
    "►": ">",
    "◄": "<",
    "▼": "v",
    "≥": ">=",
    "≤": "<=",
    "─": "-",
    "│": "|",
    "┌": "+",
    "┐": "+",
    "└": "+",
    "┘": "+",
    "├": "+",
    "┤": "+",
    "┬": "+",
    "┴": "+",
    "┼": "+",
    "█": "#",
    "░": ".",
    "✓": "ok",
    "✗": "no",
    "“": '"',
    "”": '"',
    "\u00a0": " ",
}
"""The signs that mvc writes itself; other letters are written as escapes."""
_HANDLER = "mvc.ascii"


class Verbatim(str):
    """A line that is never wrapped, such as one of a text file."""

    __slots__ = ()


def columns(stream: TextIO | None = None) -> int | None:
    """Return the width of the terminal of `stream`, standard output by default; None if it is none."""
    if not (stream or sys.stdout).isatty():
        return None
    width = int(lazy.load("shutil").get_terminal_size().columns)
    return width if width >= _LEAST else None


def width(text: str) -> int:
    """Return the columns that a line takes: two for a wide letter, none for a combining mark or a colour."""
    plain = _STYLE.sub("", text) if "\x1b" in text else text
    if plain.isascii():
        return len(plain) if "\t" not in plain else len(plain.expandtabs(_TAB))
    data = lazy.load("unicodedata")
    return sum(
        0 if data.category(letter) in ("Mn", "Me", "Cf") else 2 if data.east_asian_width(letter) in "WF" else 1
        for letter in plain.expandtabs(_TAB)
    )


def padded(text: str, columns: int, *, right: bool = False) -> str:
    """Return `text` with spaces up to a width, after it or with `right` before it."""
    spaces = " " * (columns - width(text))
    return f"{spaces}{text}" if right else f"{text}{spaces}"


def wrapped(line: str, columns: int | None) -> Iterator[str]:
    """Yield `line` in rows of at most `columns`, broken between words."""
    if columns is None or isinstance(line, Verbatim) or width(line) <= columns:
        yield line
        return
    indent = " " * (len(line) - len(line.lstrip(" ")) + _HANGING)
    if len(indent) > columns // 2:
        indent = " " * _HANGING
    row = ""
    for space, word in _WORD.findall(line):
        if row and width(row) + width(space) + width(word) > columns:
            yield row
            row = f"{indent}{word}"
        else:
            row += space + word
    yield row


def rows(text: str, columns: int) -> int:
    """Return the rows that `text` takes on a screen of that width."""
    return sum(max(1, -(-width(line) // columns)) for line in text.split("\n")[:-1])


def prepare(streams: Iterable[TextIO], environ: Mapping[str, str]) -> None:
    """Set streams to write ASCII for what they cannot encode: signs as similar ones, letters as escapes.

    With LC_ALL=C, that is all but ASCII; Python itself writes UTF-8 there.
    """
    encoding = "ascii" if environ.get("LC_ALL") in ("C", "POSIX") else None
    for stream in streams:
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding=encoding or stream.encoding, errors=_HANDLER)


def encoded(text: str) -> bytes:
    """Return the bytes of `text` as standard output writes them, for another program that shows it."""
    return text.encode("utf-8", "replace") if not is_ascii(sys.stdout) else text.encode("ascii", _HANDLER)


def is_ascii(stream: TextIO) -> bool:
    """Return whether a stream writes no UTF-8."""
    return not (stream.encoding or "utf").lower().startswith("utf")


def _replaced(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    letters = error.object[error.start : error.end]
    return "".join(
        _ASCII.get(letter) or letter.encode("ascii", "backslashreplace").decode() for letter in letters
    ), error.end


codecs.register_error(_HANDLER, _replaced)
