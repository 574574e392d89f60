"""`mvc card`: the model card of a version, and what changed since the last tagged one."""

from __future__ import annotations

from pathlib import Path

from mvc import errors
from mvc.deferred import dataclass
from mvc.formats.values import front_matter
from mvc.model.document import Document, keys
from mvc.model.ids import VersionId
from mvc.registry.documents import card as cards
from mvc.registry.documents import changes, documented_version
from mvc.repository.model import Model

MAX_BYTES = 1 << 20
"""Bytes of a card that is updated, at most."""


@dataclass(frozen=True, slots=True)
class Card(Document):
    """A model card as Markdown; `since` names the version that its changes are compared with, None for none."""

    KEYS = keys("model id number since text")

    model: str
    id: VersionId
    number: int
    since: str | None
    text: str


def card(model: Model, id_: VersionId, *, existing: Path | None = None, annex: bool = False) -> Card:
    """Return the card of version `id_`; other text and keys of an `existing` file stay.

    With `annex`, the facts are under the points of Annex IV. Raises BadCard, Missing, Damaged.
    """
    version = documented_version.of_card(model, id_)
    since = changes.since(model, id_)
    text = cards.render(version, _read(existing), since=since, annex=annex)
    return Card(model.key, id_, version.version.number, since.label if since is not None else None, text)


def _read(existing: Path | None) -> str:
    """Return the text of a card that is updated. Raises BadCard."""
    if existing is None or not existing.is_file():
        return ""
    try:
        data = existing.read_bytes() if existing.stat().st_size <= MAX_BYTES else None
    except OSError as error:
        raise errors.BadCard(path=existing, reason=error.strerror or str(error)) from error
    if data is None:
        raise errors.BadCard(path=existing, reason=f"it is larger than {MAX_BYTES >> 20} MiB")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise errors.BadCard(path=existing, reason="it is not UTF-8") from None
    fault = front_matter.split(text).fault
    if fault:
        raise errors.BadCard(path=existing, reason=f"its front matter: {fault}")
    return text
