"""The model card of a version: Markdown with a YAML header. `mvc card` and `mvc publish hf://…` write the same.

    manifest, files, parents, changes ─► sections ─┬─► in their own order
                                                   └─► with --annex-iv, under the points of Annex IV, open ones named

The text that mvc writes is between two comments; what people write outside of them stays, and so do their keys.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from mvc.formats.values import front_matter, yaml_text
from mvc.registry.documents import annex_iv, card_header, sections
from mvc.registry.documents.changes import Since
from mvc.registry.documents.documented_version import DocumentedVersion

BEGIN = "<!-- mvc: begin; mvc replaces this part whenever it writes the card -->"
_BEGINS = "<!-- mvc: begin"
_END = "<!-- mvc: end -->"
_PART = re.compile(rf"{_BEGINS}[^\n]*?-->.*?{re.escape(_END)}", re.DOTALL)


def render(version: DocumentedVersion, existing: str = "", *, since: Since | None = None, annex: bool = False) -> str:
    """Return the card; of an `existing` one, other keys and the text of people stay.

    `since` are the changes since another version; with `annex`, the text has the order of Annex IV.
    """
    front, text, _ = front_matter.split(existing)
    lines: Iterable[str] = annex_iv.lines(version, since) if annex else sections.lines(version, since)
    part = "\n".join((BEGIN, *lines, _END))
    if _PART.search(text):
        text = _PART.sub(lambda _: part, text, count=1)
    elif text.strip():
        text = f"{text.rstrip()}\n\n{part}\n"
    else:
        text = f"# {sections.plain(version.manifest.name)}\n\n{part}\n"
    return f"---\n{yaml_text.dump(card_header.header(version, front))}---\n\n{text.lstrip()}"


def is_own(data: bytes) -> bool:
    """Return whether a card has the part that mvc writes."""
    return _BEGINS.encode() in data
