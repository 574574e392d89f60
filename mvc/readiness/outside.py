"""Facts outside of this repository, which rules ask for with `--online` only: dataset versions and the docker image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from mvc.deferred import dataclass
from mvc.readiness.verdict import Verdict


@dataclass(frozen=True, slots=True)
class Dataset:
    """A dataset version by the name that users know, with its type, if it has one, and its classes.

    `fault` is the reason why it could not be read; empty if it was.
    """

    label: str
    type: str | None = None
    classes: frozenset[str] = frozenset()
    fault: str = ""


class Outside(Protocol):
    """Asks registries, at most once for each thing, and only when a rule needs it."""

    def datasets(self) -> Sequence[Dataset]:
        """Return the dataset versions that the user named, else those that the version records."""

    def image(self) -> Verdict:
        """Return whether the docker image exists."""
