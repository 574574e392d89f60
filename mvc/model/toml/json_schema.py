"""`model.toml` as a JSON schema, for editors: the table of keys and types, with a description of each key.

Draft 7 is the newest one that editors of TOML read (Taplo, Even Better TOML). Rules between values stay with mvc.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mvc.model.toml import schema, value_file
from mvc.model.toml.schema import Leaf, ListOf, Path, PathOr, Table, Type

DRAFT = "http://json-schema.org/draft-07/schema#"
"""The schema of schemas."""
OTHERS = "*"
"""Any key of a table, in a path."""
_VALUE = {"$ref": "#/definitions/value"}
_LEAVES: dict[Leaf, dict[str, Any]] = {
    schema.TEXT: {"type": "string"},
    schema.FLAG: {"type": "boolean"},
    schema.NUMBER: {"type": "number"},
    schema.ANY: _VALUE,
    schema.MODE: {"enum": list(value_file.MODES)},
    schema.ROW: {"enum": [value_file.LAST]},
}
_PATH = {"required": ["path"]}
_MORE: dict[Path, dict[str, Any]] = {
    (): {"required": ["model"]},
    ("model",): {"required": ["name"]},
    ("model", "name"): {"minLength": 1},
    ("labelmap",): {"propertyNames": {"pattern": "^(0|[1-9][0-9]{0,9}|path)$"}},
    **{("from", section): _PATH for section in value_file.SECTIONS},
}
"""What the parser demands besides types."""
_WORDS: dict[Path, tuple[str, ...]] = {
    ("model", "type"): schema.TYPES,
    ("model", "framework"): schema.FRAMEWORKS,
    ("intent", "ready_for", OTHERS): schema.USES,
}
"""Words that an editor offers; any other text is valid, too."""
DESCRIPTIONS: dict[Path, str] = {
    ("model",): "What the model is.",
    ("model", "name"): "The model's key: letters, digits, `.`, `_` and `-`.",
    ("model", "type"): "What the model infers.",
    ("model", "framework"): "The framework that runs the model.",
    ("model", "description"): "A description for people.",
    ("model", "license"): "The license, as a name or an expression of SPDX.",
    ("model", "tags"): "Words for people to find the model by.",
    ("model", "links"): "Addresses of pages about the model.",
    ("model", "notebook"): "The address of a notebook.",
    ("model", "thumbnail"): "The path or role of a picture.",
    ("model", "labelmap_sparse"): "Class numbers may have gaps.",
    ("model", "follow_links"): "Symbolic links that are followed; `mvc add --follow-links` writes it.",
    ("model", "parent"): "The version that this model was tuned from: MODEL@REV.",
    ("files",): "Tracked files by role: a path or a pattern, relative to the model's folder.",
    ("files", OTHERS): "A path, or a pattern of the kind of .gitignore.",
    ("from",): "Files that sections are read from at each commit.",
    ("from", "labelmap"): "The file of the classes.",
    ("from", "parameters"): "The file of the parameters.",
    ("from", "metrics"): "The file of the metrics.",
    ("from", OTHERS, "path"): "The file, relative to the model's folder.",
    ("from", OTHERS, "key"): "A table inside the file.",
    ("from", OTHERS, "best"): "Of a file with rows, take the row with the best number in this column.",
    ("from", OTHERS, "mode"): "Which number of the column is the best.",
    ("from", OTHERS, "row"): "Of a file with rows, take the last row.",
    ("from", OTHERS, "select"): "Take only these keys; `*` matches any letters.",
    ("labelmap",): "Classes by number; they begin at 0 or 1 and have no gaps.",
    ("labelmap", "path"): "A file with the classes instead.",
    ("labelmap", OTHERS): "The name of a class.",
    ("parameters",): "How the model was trained.",
    ("metrics",): "How well the model does; numbers.",
    ("docker",): "The image that the model runs in.",
    ("docker", "image"): "The name of the image: acme/yolo, ghcr.io/acme/yolo.",
    ("docker", "tag"): "The tag of the image.",
    ("docker", "digest"): "sha256: and 64 hex digits, or auto: each commit looks up the tag.",
    ("docker", "flags"): "Flags of `docker run`.",
    ("docker", "env"): "Environment variables; versions show them, so no secrets.",
    ("source",): "Where the model comes from.",
    ("source", "experiment"): "The experiment whose run made the model.",
    ("source", "datasets"): "The dataset versions that the model was trained on.",
    ("intent",): "The intended uses of the model.",
    ("intent", "ready_for"): "The uses that `mvc check` tests.",
    ("intent", "require"): "Rules of your own: a use, and one of role, metric with min, or format.",
}
"""What a key means; of `source` and `intent.require`, the parts speak for themselves."""


def document() -> dict[str, Any]:
    """Return the JSON schema of model.toml."""
    value = {
        "description": "Any value except a date.",
        "type": ["string", "number", "boolean", "array", "object"],
        "items": _VALUE,
        "additionalProperties": _VALUE,
    }
    head = {"$schema": DRAFT, "title": "model.toml of mvc", "definitions": {"value": value}}
    return {**head, **_of(schema.MODEL_TOML, ())}


def _of(type_: Type, key: Path) -> dict[str, Any]:
    text = DESCRIPTIONS.get(key) or DESCRIPTIONS.get((key[0], OTHERS, *key[2:]) if len(key) > 2 else key)
    return {**({"description": text} if text else {}), **_shape(type_, key), **_MORE.get(key, {})}


def _shape(type_: Type, key: Path) -> dict[str, Any]:
    match type_:
        case PathOr():
            return {"anyOf": [{"type": "string"}, _table(type_.table, key)]}
        case Table():
            return _table(type_, key)
        case ListOf():
            return {"type": "array", "items": _of(type_.item, (*key, OTHERS))}
        case Leaf() if key in _WORDS:
            return {"anyOf": [{"enum": list(_WORDS[key])}, _LEAVES[type_]]}
    return _LEAVES[type_]


def _table(table: Table, key: Path) -> dict[str, Any]:
    keys: Mapping[str, Type] = table.keys
    others = _of(table.others, (*key, OTHERS)) if table.others is not None else False
    properties = {"properties": {name: _of(type_, (*key, name)) for name, type_ in keys.items()}} if keys else {}
    return {"type": "object", **properties, "additionalProperties": others}
