"""The YAML header of a model card, as the Hugging Face Hub reads it.

    license  ◄── model.license       pipeline_tag  ◄── model.type       model-index  ◄── metrics

Source: https://huggingface.co/docs/hub/model-cards and the specification of `model-index` in huggingface/hub-docs.
"""

from __future__ import annotations

from typing import Any

from mvc.model.licenses import names
from mvc.model.licenses.expression import parse
from mvc.registry.documents.documented_version import DocumentedVersion

TASKS = {
    "CLASSIFICATION": "image-classification",
    "OBJECT_DETECTION": "object-detection",
    "SEGMENTATION": "image-segmentation",
    "KEYPOINT": "keypoint-detection",
}
"""The Hub's tasks by `model.type`."""
OTHER = "other"
"""The Hub's key of a license that it has no key for; `license_name` then names it."""
_OWN = ("license", "license_name", "pipeline_tag", "tags", "model-index")


def header(version: DocumentedVersion, existing: dict[str, Any]) -> dict[str, Any]:
    """Return the keys of the header: those of `existing`, replaced by those that the version has values for."""
    manifest = version.manifest
    metadata = {
        **_license(version.license),
        "pipeline_tag": TASKS.get(manifest.type or ""),
        "tags": [*manifest.model.get("tags", ()), "mvc"],
        "model-index": _index(version),
    }
    kept = {key: value for key, value in existing.items() if key != "license_name" or not metadata.get("license")}
    return kept | {key: metadata[key] for key in _OWN if metadata.get(key)}


def _license(text: str | None) -> dict[str, str]:
    """Return the license by the Hub's key, else by its name."""
    if text is None:
        return {}
    license_ = parse(text)
    key = names.hub_key(license_.expression) if license_.is_known else None
    return {"license": key} if key is not None else {"license": OTHER, "license_name": license_.shown}


def _index(version: DocumentedVersion) -> list[dict[str, Any]]:
    """Return the metrics as a `model-index`; nothing for none."""
    manifest = version.manifest
    if not manifest.metrics:
        return []
    result = {
        "task": {"type": TASKS.get(manifest.type or "", OTHER)},
        "dataset": {"name": _dataset(version), "type": "dataset"},
        "metrics": [{"type": key, "value": value, "name": key} for key, value in manifest.metrics.items()],
    }
    return [{"name": manifest.name, "results": [result]}]


def _dataset(version: DocumentedVersion) -> str:
    """Return the name of the dataset of the metrics: the last one of the source, which by convention is the one for tests."""
    datasets = version.manifest.source.get("datasets") or [{}]
    named = [str(datasets[-1][key]) for key in ("name", "version") if datasets[-1].get(key)]
    return "@".join(named) or "not recorded"
