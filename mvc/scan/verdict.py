"""Verdicts and findings of a scan.

    Verdict    HOSTILE > UNREADABLE > CODE > DAMAGED > UNKNOWN > DATA > PLAIN
    Rule       an id, the verdict of what breaks it, and a sentence that says what a loader would do
    Finding    a rule that a file breaks, with the place in the file and the names of classes and functions
    Report     the worst verdict of a file, and its findings

No verdict calls a file harmless: `plain` says that a loader needs nothing but numbers, texts and containers.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable
from typing import NamedTuple

from mvc.deferred import dataclass

RULES_VERSION = 20
"""Raised whenever a rule may give another answer for the same bytes, so that answers in a cache are asked again."""
MAX_FINDINGS = 100
"""Findings of one file, at most; the worst are kept."""
MAX_NAMES = 1_000
"""Names of one finding, at most; MORE is the last one if it has more."""
MAX_CALLS = 20
"""Calls of one finding that are shown, at most."""
MORE = "\N{HORIZONTAL ELLIPSIS}"
MAX_TEXT = 200
"""Characters of a name or a place in a report, at most."""


class Verdict(enum.IntEnum):
    """The answer for one file; a higher one is worse."""

    PLAIN = 0
    """Numbers, texts, and containers of them."""
    DATA = 1
    """Classes of data besides, such as a path or a date."""
    UNKNOWN = 2
    """A format that the scan does not know."""
    DAMAGED = 3
    """Truncated or malformed: a loader stops with an error where the scan does."""
    CODE = 4
    """A loader needs code, whose names are listed."""
    UNREADABLE = 5
    """The scan could not account for all bytes that a loader may interpret."""
    HOSTILE = 6
    """A known way to run, read or write something, or a structure that only evasion makes."""

    @property
    def word(self) -> str:
        """The name of the verdict in output, such as `hostile`."""
        return self.name.lower()


class Rule(NamedTuple):
    """A rule: its `id`, the verdict of a file that breaks it, and a sentence that says what a loader would do.

    `{}` in the message is replaced by the detail of a finding.
    """

    id: str
    verdict: Verdict
    message: str


@dataclass(frozen=True, slots=True)
class Finding:
    """A rule that a file breaks.

    `place` is the path of a member inside the file, `""` for the file itself; `offset` a byte of it, -1 if none. `calls` are
    the first calls of its functions, as Python would write them.
    """

    rule: str
    verdict: Verdict
    place: str
    offset: int
    message: str
    names: tuple[str, ...] = ()
    calls: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """The verdict of a file; `formats` are the names of those that its content has.

    `is_unknown` if it, or a member, is of no format that the scan knows.
    """

    verdict: Verdict
    formats: tuple[str, ...]
    findings: tuple[Finding, ...]
    is_unknown: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """The classes and functions of all findings, each once, sorted."""
        return tuple(sorted({name for finding in self.findings for name in finding.names}))


def clean(text: str) -> str:
    """Return a text of a file for a report: shortened, with control characters replaced."""
    short = text if len(text) <= MAX_TEXT else f"{text[: MAX_TEXT - 1]}…"
    if short.isprintable():
        return short
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in short)


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """Return the worst of some verdicts; PLAIN for none."""
    return max(verdicts, default=Verdict.PLAIN)
