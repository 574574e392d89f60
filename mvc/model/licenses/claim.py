"""A claim: what one file of a version says about the license of the model, and whether `model.license` contradicts it.

    weights/best.pt  license: AGPL-3.0 (https://ultralytics.com/license)   model.license: MIT   ─►  a contradiction
    weights/best.pt  license: AGPL-3.0 (https://ultralytics.com/license)   model.license: AGPL-3.0-or-later  ─►  none

A license that is not known contradicts nothing: a text of one's own may mean anything.
"""

from __future__ import annotations

from collections.abc import Iterable

from mvc.deferred import dataclass
from mvc.model.document import Document, keys
from mvc.model.licenses.expression import License, parse


@dataclass(frozen=True, slots=True)
class Claim(Document):
    """The license that a file names, in `place`: a key of its header (`metadata_props.license`), or `text` of a license."""

    KEYS = keys("path place text=license.text expression=license.expression")

    path: str
    place: str
    license: License


def contradictions(declared: str | None, claims: Iterable[Claim]) -> tuple[Claim, ...]:
    """Return the claims of known licenses that the license of the model, `declared`, does not name; none without one."""
    if not declared:
        return ()
    license_ = parse(declared)
    return tuple(claim for claim in claims if claim.license.is_known and not license_.covers(claim.license))
