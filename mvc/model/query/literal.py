"""Literals of expressions: a number, true or false, a text, or a time for the key `time`.

0.7  1e-3  640   a number, and for a text value the text        2026-02-03   for `time`, the whole day
true  False      true or false, and for a text value the text   "0.7"        the text only
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from mvc.deferred import dataclass
from mvc.model import moments
from mvc.model.version import Timestamp

_INT = re.compile(r"[+-]?(?:0|[1-9](?:_?[0-9])*)\Z")
_FLOAT = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?\Z")
_LEADING_ZERO = re.compile(r"[+-]?0[0-9]")
_FLAGS = {"true": True, "True": True, "false": False, "False": False}
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")
_SECONDS_OF_A_DAY = 86_400
_DIGITS = 400
"""Characters of a number, at most: a longer one is a text."""


class Span(NamedTuple):
    """Seconds since 1970, both included."""

    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Literal:
    """A literal: its text, and its value."""

    text: str
    value: Any


def bare(text: str) -> Literal:
    """Return the literal of a word without quotes."""
    if text in _FLAGS:
        return Literal(text, _FLAGS[text])
    if len(text) > _DIGITS or _LEADING_ZERO.match(text):
        return Literal(text, text)
    if _INT.match(text):
        return Literal(text, int(text))
    return Literal(text, float(text) if _FLOAT.match(text) else text)


def moment(text: str, now: Timestamp) -> Literal:
    """Return the literal of a time, a day or a second, also `2 weeks ago`; raise BadDate."""
    first = moments.moment(text, now).seconds
    return Literal(text, Span(first, first + (_SECONDS_OF_A_DAY if _DAY.match(text.strip()) else 1) - 1))
