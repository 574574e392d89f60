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
    """A result, and why: a short clause without a period, empty where there is nothing to say."""

    result: Result
    why: str = ""


OK = Verdict(Result.OK)
_ALL = (Result.NO, Result.UNKNOWN, Result.OK)
_ANY = (Result.OK, Result.UNKNOWN, Result.NO)


def no(why: str) -> Verdict:
    """It is not so."""
    return Verdict(Result.NO, why)


def unknown(why: str) -> Verdict:
    """It cannot be told from what is here."""
    return Verdict(Result.UNKNOWN, why)


def all_of(verdicts: Iterable[Verdict]) -> Verdict:
    """Whether all are ok; of none, ok. The reasons are those that decided."""
    return _strongest(tuple(verdicts), _ALL)


def any_of(verdicts: Iterable[Verdict]) -> Verdict:
    """Whether one is ok; of none, no. The reasons are those that decided."""
    return _strongest(tuple(verdicts), _ANY)


def _strongest(verdicts: tuple[Verdict, ...], order: tuple[Result, ...]) -> Verdict:
    for result in order:
        reasons = [verdict.why for verdict in verdicts if verdict.result is result]
        if reasons:
            return Verdict(result, "; ".join(dict.fromkeys(filter(None, reasons))))
    return Verdict(order[-1])
