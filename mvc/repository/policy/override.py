"""The note on rules that were passed: it is part of the reason of a move, and of what is taken.

urgent fix (policy overridden: reason of policy.toml, line 4: the pager is on fire)
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from mvc.deferred import dataclass, regex
from mvc.model.document import Document

if TYPE_CHECKING:
    from mvc.repository.policy.checks import Breach

_BEGIN = "policy overridden: "
_BEGINS = regex(rf"(?:\A| \(){_BEGIN}")
_PLACE = regex(r"([a-z][a-z.-]{0,99}) of ([^\n]{1,4096}?), line ([0-9]{1,9})(, |: )")


@dataclass(frozen=True, slots=True)
class Overridden(Document):
    """A key of a rule that was passed, and where it was: the file and line then."""

    key: str
    file: str
    line: int


def note(found: Iterable[Breach], why: str) -> str:
    """Return the note on breaches of rules that are passed for a reason, "" for none."""
    places = dict.fromkeys(f"{breach.key} of {breach.rule.at(breach.key)}" for breach in found)
    return f"{_BEGIN}{', '.join(places)}: {' '.join(why.split())}" if places else ""


def noted(reason: str, note: str) -> str:
    """Return the reason of a move with the note on rules that were passed."""
    return f"{reason} ({note})" if reason and note else reason or note


def of_reason(reason: str) -> tuple[Overridden, ...]:
    """Return what the notes in a reason name. The author of the move wrote the reason, and nothing proves it."""
    notes = [_places(reason, match.end()) for match in _BEGINS.finditer(reason)]
    return tuple(dict.fromkeys(place for note in notes for place in note))


def _places(reason: str, at: int) -> list[Overridden]:
    """Return the places of the note that begins before `at`; none if it is not a note."""
    found = list[Overridden]()
    while (match := _PLACE.match(reason, at)) is not None:
        found.append(Overridden(match[1], match[2], int(match[3])))
        if match[4] == ": ":
            return found
        at = match.end()
    return []
