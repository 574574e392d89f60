"""The model card (README.md) and config.json of a version, both ways.

    metrics  ◄──►  model-index of the card's YAML         labelmap  ◄──►  id2label of config.json
    license  ◄──►  license                                all else   ──►  the card's text

The card is that of `mvc card` (mvc/registry/documents/card.py).
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import field
from typing import Any

from mvc import errors
from mvc.deferred import dataclass
from mvc.formats.values import front_matter, json_text
from mvc.model import labelmap
from mvc.registry.documents import card as documents_card
from mvc.registry.documents import changes, documented_version
from mvc.registry.documents.card_header import OTHER, TASKS
from mvc.registry.hubs.hub_version import HubVersion

CARD, CONFIG = "README.md", "config.json"
MAX_BYTES = 1 << 20
"""Bytes of a card or a config.json that is read, at most."""
OWN = "mvc_version"
"""The key by which a config.json that mvc made is known."""


# --- written


def config(version: HubVersion) -> bytes | None:
    """Return the config.json with the labelmap of a version; None for a version without one."""
    labels = version.manifest.labelmap
    if not labels:
        return None
    content = {
        "id2label": {str(number): name for number, name in labels},
        "label2id": {name: number for number, name in labels},
        OWN: version.name,
    }
    return json_text.dump(content).encode()


def is_own_config(data: bytes) -> bool:
    """Return whether mvc made a config.json."""
    return OWN in _json(data)


def is_own_card(data: bytes) -> bool:
    """Return whether a card has the part that mvc writes."""
    return documents_card.is_own(data)


def render(version: HubVersion, existing: str = "") -> bytes:
    """Return the card of a version; of an `existing` one, other keys and the text of people stay."""
    documented, since = documented_version.of_card(version.model, version.id), changes.since(version.model, version.id)
    return documents_card.render(documented, existing, since=since).encode()


# --- read


@dataclass(frozen=True, slots=True)
class Values:
    """The sections of model.toml that card and config.json give, and warnings about what they do not."""

    sections: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


def read(card: bytes | None, config_json: bytes | None) -> Values:
    """Return the values of a card and a config.json; what is not valid is left out, with a warning."""
    sections: dict[str, dict[str, Any]] = {}
    warnings: list[str] = []
    data = front_matter.split(card.decode("utf-8", "replace")).values if card is not None else {}
    license_ = data.get("license_name") if data.get("license") == OTHER else data.get("license")
    if isinstance(license_, str):
        sections["model"] = {"license": license_}
    task = next((type_ for type_, name in TASKS.items() if name == data.get("pipeline_tag")), None)
    if task is not None:
        sections.setdefault("model", {})["type"] = task
    metrics = dict(_metrics(data.get("model-index"), warnings))
    if metrics:
        sections["metrics"] = metrics
    labels = _labels(config_json, warnings)
    if labels:
        sections["labelmap"] = labels
    return Values(sections, tuple(warnings))


def _metrics(index: Any, warnings: list[str]) -> Iterator[tuple[str, Any]]:
    """Yield each metric of a model-index that is a finite number, by its name; a repeated name gets its dataset."""
    seen: set[str] = set()
    for result in _lists(index, "results"):
        dataset = result.get("dataset")
        of = str(dataset.get("name") or dataset.get("type")) if isinstance(dataset, dict) else ""
        for metric in _lists([result], "metrics"):
            name, value = str(metric.get("name") or metric.get("type") or ""), metric.get("value")
            key = name if name not in seen else f"{name} {of}".strip()
            if not name or key in seen or not _is_number(value):
                warnings.append(f"metric {name or 'without a name'} of the card is not one number; left out")
                continue
            seen.add(key)
            yield key, value


def _is_number(value: Any) -> bool:
    return type(value) in {int, float} and math.isfinite(value)


def _lists(rows: Any, key: str) -> Iterator[dict[str, Any]]:
    """Yield each table of the lists at `key` of the tables `rows`; nothing of another form."""
    for row in rows if isinstance(rows, list) else ():
        inner = row.get(key) if isinstance(row, dict) else None
        yield from (table for table in inner if isinstance(table, dict)) if isinstance(inner, list) else ()


def _labels(data: bytes | None, warnings: list[str]) -> dict[str, str]:
    names = _json(data).get("id2label") if data is not None else None
    if not names:
        return {}
    try:
        if not isinstance(names, dict):
            raise errors.BadLabels(where=CONFIG, reason="id2label is not a map")
        return {str(number): name for number, name in labelmap.from_table(names, CONFIG)}
    except errors.BadLabels as error:
        warnings.append(f"id2label of {CONFIG} left out: {error.fields['reason']}")
        return {}


def _json(data: bytes) -> dict[str, Any]:
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
