"""Conditions: what rules are made of; anything that judges a subject, a function or a frozen value.

HasFile("model-latest")(subject)                              → ok, or no: there is no file model-latest
AnyOf((HasFile("pretrained-weights"), HasFile("best-model"))) → ok when one of the two is there
Elsewhere("the dataset")                                      → always unknown: it needs the dataset
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from mvc.readiness import verdict
from mvc.readiness.subject import Subject
from mvc.readiness.verdict import Verdict, unknown

Condition = Callable[[Subject], Verdict]
"""Gives ok, no, or unknown, with the reason."""


@dataclass(frozen=True, slots=True)
class AllOf:
    """Every part must hold."""

    parts: tuple[Condition, ...]

    def __call__(self, subject: Subject) -> Verdict:
        """No beats unknown beats ok."""
        return verdict.all_of(part(subject) for part in self.parts)


@dataclass(frozen=True, slots=True)
class AnyOf:
    """One part must hold."""

    parts: tuple[Condition, ...]

    def __call__(self, subject: Subject) -> Verdict:
        """Ok beats unknown beats no."""
        return verdict.any_of(part(subject) for part in self.parts)


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """What only something that is not here can tell: a dataset, a script, a parameter of a job."""

    what: str

    def __call__(self, _: Subject) -> Verdict:
        """Never anything but unknown."""
        return unknown(f"it needs {self.what}")
