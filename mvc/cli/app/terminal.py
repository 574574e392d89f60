"""Terminal output: escapes for untrusted text, colour, sizes and dates.

Messages and names may have any character. Control characters and bidirectional marks are always shown as escapes
(`\\x1b`, `\\u202e`), line feeds in names among them: a name never begins a line of output.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping
from typing import Any

import click

from mvc import plural
from mvc.cli.output import screen
from mvc.deferred import regex
from mvc.model.ids import SHORT
from mvc.model.version import Timestamp

_CONTROLS = r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
_COLOURS = r"\x1b\[[0-9;]*m"
_CONTROL = regex(_CONTROLS)
_UNEXPECTED = regex(rf"(?!\t){_CONTROLS}")
_STYLE = regex(_COLOURS)
_KEPT = regex(rf"(\t|{_COLOURS})")
_THOUSANDS = ("K", "M", "B", "T")

size = plural.size

colour = False
"""True if this run colours its output: by `--color`, NO_COLOR, FORCE_COLOR and the terminal."""


def escape(text: str, *, keep_newlines: bool = False) -> str:
    """Return `text` with control characters as escapes."""

    def shown(match: re.Match[str]) -> str:
        letter = match[0]
        if keep_newlines and letter == "\n":
            return letter
        code = ord(letter)
        return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"

    return _CONTROL.sub(shown, text)


def line(text: str) -> str:
    """Return one line of output: control characters that are left in it become escapes, except tabs and colours."""
    if _UNEXPECTED.search(text) is None:
        return text
    return "".join(part if part == "\t" or _STYLE.fullmatch(part) else escape(part) for part in _KEPT.split(text))


def json_line(document: Mapping[str, Any]) -> str:
    """Return `document` as one line of JSON, with control characters as escapes."""
    text = json.dumps(document, ensure_ascii=screen.is_ascii(sys.stdout), default=str)
    return _CONTROL.sub(lambda match: f"\\u{ord(match[0]):04x}", text) + "\n"


def decide_colour(choice: str, environ: Mapping[str, str]) -> None:
    """Set `colour`, by the flag, NO_COLOR, FORCE_COLOR, or stdout, in that order."""
    global colour  # noqa: PLW0603 - one terminal, one decision
    if choice != "auto":
        colour = choice == "always"
    elif environ.get("NO_COLOR"):
        colour = False
    else:
        colour = bool(environ.get("FORCE_COLOR")) or (sys.stdout.isatty() and environ.get("TERM") != "dumb")


def style(text: str, *, fg: str | None = None, bold: bool = False, dim: bool = False) -> str:
    """Return `text`, which must be escaped, in colour if this run has any."""
    return click.style(text, fg=fg, bold=bold or None, dim=dim or None) if colour else text


def bar(share: float, width: int = 8) -> str:
    """Return a share, 0 to 1, as a bar of `width` characters; empty without colour or UTF-8.

    Any share above 0 shows, and none below 1 fills the bar.
    """
    if not colour or "utf" not in (sys.stdout.encoding or "").lower():
        return ""
    filled = min(max(round(share * width), share > 0), width - (share < 1))
    return style("█" * filled, fg="yellow") + style("░" * (width - filled), dim=True)


def number(count: int) -> str:
    """Return a number as `25.6 M`."""
    value, unit = float(count), ""
    for unit_above in _THOUSANDS:
        if value < 1000:
            break
        value, unit = value / 1000, unit_above
    return f"{value:.1f} {unit}" if unit else str(count)


def short(id_: str) -> str:
    """Return the first ten digits of an id."""
    return id_[:SHORT]


def minute(time: Timestamp) -> str:
    """Return the date and the minute, rounded up: `2026-12-06 08:24 UTC`."""
    return Timestamp(-(-time.seconds // 60) * 60, 0).local().strftime("%Y-%m-%d %H:%M UTC")


def date(time: Timestamp) -> str:
    """Return the date in its own time zone."""
    return time.local().date().isoformat()


def moment(time: Timestamp) -> str:
    """Return the date and the time of day, in its own time zone."""
    return time.local().strftime("%Y-%m-%d %H:%M:%S")
