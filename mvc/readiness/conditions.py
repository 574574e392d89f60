"""Conditions: the tests that rules are made of; functions or frozen values, called with a subject.

HasFile("model-latest")(subject)                              → ok, or no: no file has the role model-latest
AnyOf((HasFile("pretrained-weights"), HasFile("best-model"))) → ok if a file has one of the two roles
External("the dataset")                                       → always unknown: requires the dataset
"""

from __future__ import annotations

from collections.abc import Callable

from mvc.deferred import dataclass
from mvc.readiness import verdict
from mvc.readiness.subject import Subject
from mvc.readiness.verdict import Verdict, unknown

Condition = Callable[[Subject], Verdict]
"""Returns ok, no or unknown, with the reason."""


@dataclass(frozen=True, slots=True)
class AllOf:
    """Every part must hold."""

    parts: tuple[Condition, ...]

    def __call__(self, subject: Subject) -> Verdict:
        """Evaluate every part: no beats unknown beats ok."""
        return verdict.all_of(part(subject) for part in self.parts)


@dataclass(frozen=True, slots=True)
class AnyOf:
    """One part must hold."""

    parts: tuple[Condition, ...]

    def __call__(self, subject: Subject) -> Verdict:
        """Evaluate every part: ok beats unknown beats no."""
        return verdict.any_of(part(subject) for part in self.parts)


@dataclass(frozen=True, slots=True)
class External:
    """A condition on something outside the version: a dataset, a script, a parameter of a job."""

    source: str

    def __call__(self, _: Subject) -> Verdict:
        """Return unknown, always."""
        return unknown(f"requires {self.source}")
