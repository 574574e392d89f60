"""Verdicts of three values: ok, no, and unknown if the version alone cannot answer; and how they combine.

all of   no beats unknown beats ok          any of   ok beats unknown beats no

Source: Kleene's strong three-valued logic (Introduction to Metamathematics, 1952, section 64).
"""

from __future__ import annotations

import enum
from collections.abc import Iterable

from mvc.deferred import dataclass


class Result(enum.Enum):
    """The result of a test, with the value that `--json` prints."""

    OK = "ok"
    NO = "no"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Verdict:
    """A result and its reason: a short clause without a period, or empty.

    `fix` is a command that fixes exactly this breach, if it differs from the rule's.
    """

    result: Result
    why: str = ""
    fix: str = ""


OK = Verdict(Result.OK)
_ALL = (Result.NO, Result.UNKNOWN, Result.OK)
_ANY = (Result.OK, Result.UNKNOWN, Result.NO)


def no(why: str, fix: str = "") -> Verdict:
    """Return the verdict that a requirement is not met."""
    return Verdict(Result.NO, why, fix)


def unknown(why: str) -> Verdict:
    """Return the verdict that a requirement cannot be checked here."""
    return Verdict(Result.UNKNOWN, why)


def all_of(verdicts: Iterable[Verdict]) -> Verdict:
    """Combine with "and"; none at all is ok. Reasons and fixes are those of every deciding verdict."""
    deciding = _deciding(tuple(verdicts), _ALL)
    fixes = [verdict.fix for verdict in deciding]
    return _joined(deciding, " && ".join(fixes) if all(fixes) else "") if deciding else OK


def any_of(verdicts: Iterable[Verdict]) -> Verdict:
    """Combine with "or".

    None at all is no. Reasons are those of every deciding verdict; the first one's fix suffices.
    """
    deciding = _deciding(tuple(verdicts), _ANY)
    return _joined(deciding, deciding[0].fix) if deciding else no("")


def _deciding(verdicts: tuple[Verdict, ...], order: tuple[Result, ...]) -> tuple[Verdict, ...]:
    """Return the verdicts with the first result of `order` that occurs."""
    results = {verdict.result for verdict in verdicts}
    first = next((result for result in order if result in results), None)
    return tuple([verdict for verdict in verdicts if verdict.result is first])


def _joined(verdicts: tuple[Verdict, ...], fix: str) -> Verdict:
    """Join verdicts that have the same result."""
    if len(verdicts) == 1 and verdicts[0].fix == fix:
        return verdicts[0]
    why = "; ".join(dict.fromkeys(filter(None, (verdict.why for verdict in verdicts))))
    return Verdict(verdicts[0].result, why, fix)
