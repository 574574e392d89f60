"""The model card (README.md) and config.json of a version, both ways.

    metrics  ◄──►  model-index of the card's YAML         labelmap  ◄──►  id2label of config.json
    license  ◄──►  license                                lineage, message  ──►  the card's text

The text that mvc writes is between two comments; what people write outside of them stays.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import field
from typing import Any

from huggingface_hub import EvalResult, ModelCardData

from mvc import errors
from mvc.deferred import dataclass
from mvc.formats.values import yaml_text
from mvc.formats.values.malformed import MalformedError
from mvc.model import labelmap
from mvc.registry.hubs.hub_version import HubVersion

CARD, CONFIG = "README.md", "config.json"
MAX_BYTES = 1 << 20
"""Bytes of a card or a config.json that is read, at most."""
OWN = "mvc_version"
"""The key by which a config.json that mvc made is known."""
_TASKS = {
    "CLASSIFICATION": "image-classification",
    "OBJECT_DETECTION": "object-detection",
    "SEGMENTATION": "image-segmentation",
    "KEYPOINT": "keypoint-detection",
}
"""The Hub's tasks by `model.type`."""
_BEGIN = "<!-- mvc: begin; this part is replaced by each `mvc publish` -->"
_END = "<!-- mvc: end -->"
_PART = re.compile(rf"{re.escape(_BEGIN)}.*?{re.escape(_END)}", re.DOTALL)
_FRONT = re.compile(r"\A\ufeff?---[ \t]*\r?\n(.*?)\r?\n---[ \t]*(?:\r?\n|\Z)", re.DOTALL)


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
    return (json.dumps(content, indent=2, ensure_ascii=False) + "\n").encode()


def is_own_config(data: bytes) -> bool:
    """Return whether mvc made a config.json."""
    return OWN in _json(data)


def is_own_card(data: bytes) -> bool:
    """Return whether a card has the part that mvc writes."""
    return _BEGIN.encode() in data


def render(version: HubVersion, existing: str = "") -> bytes:
    """Return the card of a version; of an `existing` one, other keys and the text of people stay."""
    front = _FRONT.match(existing)
    before = _yaml(front[1]) if front else {}
    text = existing[front.end() :] if front else existing
    data = {**before, **_metadata(version)}
    part = "\n".join((_BEGIN, *_text(version), _END))
    if _PART.search(text):
        text = _PART.sub(lambda _: part, text, count=1)
    elif text.strip():
        text = f"{text.rstrip()}\n\n{part}\n"
    else:
        text = f"# {_plain(version.manifest.name)}\n\n{part}\n"
    return f"---\n{ModelCardData(**data).to_yaml()}\n---\n\n{text.lstrip()}".encode()


def _metadata(version: HubVersion) -> dict[str, Any]:
    """Return the keys of the card that a version has values for."""
    manifest, task = version.manifest, _TASKS.get(version.manifest.type or "")
    results = [
        EvalResult(
            task_type=task or "other",
            dataset_type="dataset",
            dataset_name=_dataset(version),
            metric_type=key,
            metric_name=key,
            metric_value=value,
        )
        for key, value in manifest.metrics.items()
    ]
    metadata = {
        "license": manifest.model.get("license"),
        "pipeline_tag": task,
        "tags": [*manifest.model.get("tags", ()), "mvc"],
        "model_name": manifest.name,
        "eval_results": results,
    }
    return {key: value for key, value in metadata.items() if value}


def _dataset(version: HubVersion) -> str:
    """Return the name of the dataset of the metrics: the last one of the source, which by convention is the one for tests."""
    datasets = version.manifest.source.get("datasets") or [{}]
    named = [str(datasets[-1][key]) for key in ("name", "version") if datasets[-1].get(key)]
    return "@".join(named) or "not recorded"


def _text(version: HubVersion) -> Iterator[str]:
    """Yield the lines of the part that mvc writes."""
    manifest, lineage = version.manifest, version.lineage
    yield f"## Version {version.version.number}"
    yield ""
    yield _plain(version.version.subject)
    description = manifest.model.get("description")
    yield from ("", _plain(str(description))) if description else ()
    yield from _table("metric", "value", {key: str(value) for key, value in manifest.metrics.items()})
    yield from _table("class", "name", {str(number): name for number, name in manifest.labelmap})
    yield from ("", "### Origin", "", f"- version `{version.id}` by {_plain(version.version.author.name)}")
    yield from (f"- parent `{_plain(parent)}`" for parent in lineage.get("parents", ()))
    if "base_model" in lineage:
        yield f"- base model {_plain(str(lineage['base_model']))}"
    if "code" in lineage:
        yield f"- code at commit `{_plain(lineage['code']['commit'])}`"


def _table(left: str, right: str, rows: Mapping[str, str]) -> Iterator[str]:
    if rows:
        yield from ("", f"| {left} | {right} |", "|---|---|")
        yield from (f"| {_plain(key)} | {_plain(value)} |" for key, value in rows.items())


def _plain(text: str) -> str:
    """Return a text on one line, without an effect in Markdown's tables, comments and HTML."""
    line = " ".join(text.split())
    return line.replace("&", "&amp;").replace("<", "&lt;").replace("|", "\\|").replace("`", "'")


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
    front = _FRONT.match(card.decode("utf-8", "replace")) if card is not None else None
    data = _yaml(front[1]) if front else {}
    if isinstance(data.get("license"), str):
        sections["model"] = {"license": data["license"]}
    task = next((type_ for type_, name in _TASKS.items() if name == data.get("pipeline_tag")), None)
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


def _yaml(text: str) -> dict[str, Any]:
    try:
        data = yaml_text.load_typed(text)
    except MalformedError:
        return {}
    return data if isinstance(data, dict) else {}


def _json(data: bytes) -> dict[str, Any]:
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
