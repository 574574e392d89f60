"""What a terminal is shown: text from anywhere made harmless, colour only where it is wanted, sizes and dates for people.

A message or a name may hold anything. Control characters, which a terminal would obey, and marks that turn the direction
of text are shown as escapes (`\\x1b`, `\\u202e`), always.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping
from typing import Any

import click

from mvc.model.ids import SHORT
from mvc.model.version import Timestamp

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_UNITS = ("KiB", "MiB", "GiB", "TiB", "PiB")
_THOUSANDS = ("K", "M", "B", "T")

colour = False
"""Whether this run colours its output; decided once, from `--color`, NO_COLOR, FORCE_COLOR and the terminal."""


def escape(text: str, *, keep_newlines: bool = False) -> str:
    """`text` with everything that a terminal would obey shown as an escape."""

    def shown(match: re.Match[str]) -> str:
        letter = match[0]
        if keep_newlines and letter == "\n":
            return letter
        code = ord(letter)
        return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"

    return _CONTROL.sub(shown, text)


def json_line(document: Mapping[str, Any]) -> str:
    """`document` as one line of JSON, in which a terminal finds nothing to obey either."""
    text = json.dumps(document, ensure_ascii=False, default=str)
    return _CONTROL.sub(lambda match: f"\\u{ord(match[0]):04x}", text) + "\n"


def decide_colour(choice: str, environ: Mapping[str, str]) -> None:
    """Settle `colour`: the flag, then NO_COLOR, then FORCE_COLOR, then whether stdout is a terminal."""
    global colour  # noqa: PLW0603 - one terminal, one decision
    if choice != "auto":
        colour = choice == "always"
    elif environ.get("NO_COLOR"):
        colour = False
    else:
        colour = bool(environ.get("FORCE_COLOR")) or (sys.stdout.isatty() and environ.get("TERM") != "dumb")


def style(text: str, *, fg: str | None = None, bold: bool = False, dim: bool = False) -> str:
    """`text`, which is escaped already, in colour if this run has any."""
    return click.style(text, fg=fg, bold=bold or None, dim=dim or None) if colour else text


def bar(share: float, width: int = 8) -> str:
    """A share, 0 to 1, as a bar of `width` letters; nothing where the terminal has no colours, or none of the letters.

    Any share above 0 shows, and none below 1 fills the bar.
    """
    if not colour or "utf" not in (sys.stdout.encoding or "").lower():
        return ""
    filled = min(max(round(share * width), share > 0), width - (share < 1))
    return style("█" * filled, fg="yellow") + style("░" * (width - filled), dim=True)


def size(count: int) -> str:
    """A number of bytes for people: `92.1 MiB`."""
    value, unit = float(count), "B"
    for unit_above in _UNITS:
        if value < 1024:
            break
        value, unit = value / 1024, unit_above
    return f"{count} B" if unit == "B" else f"{value:.1f} {unit}"


def number(count: int) -> str:
    """A number for people: `25.6 M`."""
    value, unit = float(count), ""
    for unit_above in _THOUSANDS:
        if value < 1000:
            break
        value, unit = value / 1000, unit_above
    return f"{value:.1f} {unit}" if unit else str(count)


def short(id_: str) -> str:
    """An id for people: its first ten digits."""
    return id_[:SHORT]


def date(time: Timestamp) -> str:
    """The day, where it was made."""
    return time.local().date().isoformat()


def count(number: int, one: str, many: str | None = None) -> str:
    """`1 file`, `3 files`."""
    return f"{number} {one if number == 1 else many or one + 's'}"
