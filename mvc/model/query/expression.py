"""Expressions over the values of one version, as `mvc log --where` takes them.

    metrics.mAP50 > 0.7 and not (parameters.imgsz in [640, 1280] or alias == prod)

The answer is True, False, or None for "unknown": the version lacks the key, or its value cannot be compared. None is not a
match, and neither is `not` None. A key with several values (`alias`, a list) fulfils a condition if one of them does;
`!=` is fulfilled if none of them is equal.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol

from mvc.deferred import dataclass
from mvc.model.query.literal import Literal, Span
from mvc.model.toml.schema import Path
from mvc.model.version import Timestamp

Answer = bool | None


class Subject(Protocol):
    """A version, by its values."""

    def value(self, key: Path) -> Any:
        """Return the value of a key; None if the version lacks it. Several values are a list or a tuple."""

    def ready(self, use: str) -> bool:
        """Return whether the version is ready for a use."""


class Expression(Protocol):
    """A condition on a version."""

    def test(self, subject: Subject) -> Answer:
        """Return whether `subject` fulfils it; None if that is unknown."""

    def named_keys(self) -> Iterator[Path]:
        """Yield the keys that it names."""


@dataclass(frozen=True, slots=True)
class All:
    """Every part is fulfilled: `A and B`."""

    parts: tuple[Expression, ...]

    def test(self, subject: Subject) -> Answer:
        """Return False if a part is False, else None if one is None."""
        return _combined(self.parts, subject, decisive=False)

    def named_keys(self) -> Iterator[Path]:
        """Yield the keys of all parts."""
        return (key for part in self.parts for key in part.named_keys())


@dataclass(frozen=True, slots=True)
class Some:
    """One part or more is fulfilled: `A or B`."""

    parts: tuple[Expression, ...]

    def test(self, subject: Subject) -> Answer:
        """Return True if a part is True, else None if one is None."""
        return _combined(self.parts, subject, decisive=True)

    def named_keys(self) -> Iterator[Path]:
        """Yield the keys of all parts."""
        return (key for part in self.parts for key in part.named_keys())


@dataclass(frozen=True, slots=True)
class Not:
    """The part is not fulfilled: `not A`."""

    part: Expression

    def test(self, subject: Subject) -> Answer:
        """Return the opposite; None stays None."""
        answer = self.part.test(subject)
        return None if answer is None else not answer

    def named_keys(self) -> Iterator[Path]:
        """Yield the keys of the part."""
        return self.part.named_keys()


@dataclass(frozen=True, slots=True)
class Has:
    """The version has the key, with one value or more: `has metrics.mAP50`."""

    key: Path

    def test(self, subject: Subject) -> bool:
        """Return whether the key has a value."""
        return subject.value(self.key) not in (None, [], ())

    def named_keys(self) -> Iterator[Path]:
        """Yield the key."""
        yield self.key


@dataclass(frozen=True, slots=True)
class Ready:
    """The version is ready for a use: `ready("deployment")`."""

    use: str

    def test(self, subject: Subject) -> bool:
        """Evaluate the rules of the use."""
        return subject.ready(self.use)

    def named_keys(self) -> Iterator[Path]:
        """Yield nothing."""
        yield from ()


@dataclass(frozen=True, slots=True)
class Comparison:
    """A value of the version beside literals: `KEY == VALUE`, `KEY in [VALUE, …]`, `KEY has VALUE`."""

    key: Path
    operator: str
    literals: tuple[Literal, ...]

    def test(self, subject: Subject) -> Answer:
        """Compare each value of the key; a table is compared by `has` only."""
        value = subject.value(self.key)
        if value is None:
            return None
        if isinstance(value, Mapping):
            return any(_equal(name, self.literals[0]) for name in value) if self.operator == "has" else None
        values = value if isinstance(value, list | tuple) else (value,)
        if self.operator == "!=":
            return not any(_equal(item, self.literals[0]) for item in values)
        answers = [self._one(item) for item in values]
        return True if True in answers else None if None in answers else False

    def named_keys(self) -> Iterator[Path]:
        """Yield the key."""
        yield self.key

    def _one(self, value: Any) -> Answer:
        if self.operator in _ORDER:
            return _ordered(value, self.literals[0], self.operator)
        if self.operator == "~":
            return _matches(value, self.literals[0])
        return any(_equal(value, literal) for literal in self.literals)


_ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def _combined(parts: tuple[Expression, ...], subject: Subject, *, decisive: bool) -> Answer:
    unknown = False
    for part in parts:
        answer = part.test(subject)
        if answer is decisive:
            return decisive
        unknown = unknown or answer is None
    return None if unknown else not decisive


def _equal(value: Any, literal: Literal) -> bool:
    if isinstance(value, Timestamp):
        return isinstance(literal.value, Span) and literal.value.first <= value.seconds <= literal.value.last
    if isinstance(value, str):
        return value == literal.text
    return _kind(value) == _kind(literal.value) and bool(value == literal.value)


def _ordered(value: Any, literal: Literal, sign: str) -> Answer:
    other = literal.value
    if isinstance(value, Timestamp) and isinstance(other, Span):
        return _ORDER[sign](value.seconds, other.first if sign in ("<", ">=") else other.last)
    if _kind(value) != _kind(other) or _kind(value) not in ("number", "text"):
        return None
    return _ORDER[sign](value, other)


def _matches(value: Any, literal: Literal) -> Answer:
    text = str(value) if isinstance(value, str | Timestamp) else None
    return None if text is None else re.search(literal.text, text, re.IGNORECASE) is not None


def _kind(value: Any) -> str:
    """Return the kind of a value: those of different kinds are never equal, and have no order."""
    if isinstance(value, bool):
        return "flag"
    return "number" if isinstance(value, int | float) else "text" if isinstance(value, str) else "other"
