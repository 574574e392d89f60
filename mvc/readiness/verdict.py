"""Verdicts in three values, and how they are joined: ok, no, and unknown for what cannot be checked here.

all of   no beats unknown beats ok          any of   ok beats unknown beats no

Source: Kleene's strong logic of three values (Introduction to Metamathematics, 1952, section 64).
"""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass


class Result(enum.Enum):
    """What a test gave; the values are those that `--json` prints."""

    OK = "ok"
    NO = "no"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Verdict:
    """A result, and why: a short clause without a period, empty where there is nothing to say.

    `fix` is the command that mends just this, where it is another than the rule's.
    """

    result: Result
    why: str = ""
    fix: str = ""


OK = Verdict(Result.OK)
_ALL = (Result.NO, Result.UNKNOWN, Result.OK)
_ANY = (Result.OK, Result.UNKNOWN, Result.NO)


def no(why: str, fix: str = "") -> Verdict:
    """It is not so."""
    return Verdict(Result.NO, why, fix)


def unknown(why: str) -> Verdict:
    """It cannot be told from what is here."""
    return Verdict(Result.UNKNOWN, why)


def all_of(verdicts: Iterable[Verdict]) -> Verdict:
    """Whether all are ok; of none, ok. The reasons are those that decided, and all of them are to be mended."""
    found = _strongest(tuple(verdicts), _ALL)
    fixes = [verdict.fix for verdict in found]
    return _joined(found, " && ".join(fixes) if all(fixes) else "") if found else OK


def any_of(verdicts: Iterable[Verdict]) -> Verdict:
    """Whether one is ok; of none, no. The reasons are those that decided, and mending the first of them is enough."""
    found = _strongest(tuple(verdicts), _ANY)
    return _joined(found, found[0].fix) if found else no("")


def _strongest(verdicts: tuple[Verdict, ...], order: tuple[Result, ...]) -> tuple[Verdict, ...]:
    """The verdicts of the first result in `order` that there is."""
    return next(filter(None, (tuple(each for each in verdicts if each.result is result) for result in order)), ())


def _joined(verdicts: tuple[Verdict, ...], fix: str) -> Verdict:
    """One verdict of several that have the same result."""
    why = "; ".join(dict.fromkeys(filter(None, (verdict.why for verdict in verdicts))))
    return Verdict(verdicts[0].result, why, fix)
