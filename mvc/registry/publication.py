"""A version in a registry's words, and where a registry's answer says something else.

    model.type, .framework    type, framework       (what it has no word for is not sent)
    model.description         description           model.notebook   notebook_link
    labelmap                  labels                parameters       parameters
    docker.image, .tag        docker_image, docker_tag
    docker.flags, .env        docker_flags, docker_env_variables

What has no field there (digests, metrics, sources, intents, paths, who, when, why) is in the marker.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mvc.model.ids import VersionId
from mvc.model.manifest import Manifest
from mvc.model.toml import schema
from mvc.registry.protocol import Raw

NOT_CONFIGURED = "NOT_CONFIGURED"
UNSENT_TYPES = (NOT_CONFIGURED, "MULTI")
"""Types that a registry shows, and takes from nobody."""
DIGITS = 12
"""Digits of a version's id in its name on a registry."""
SPELLINGS = {
    "type": ("type",),
    "framework": ("framework",),
    "description": ("description",),
    "notebook_link": ("notebook_link",),
    "labels": ("labels",),
    "parameters": ("parameters", "base_parameters"),
    "docker_image": ("docker_image", "docker_image_name"),
    "docker_tag": ("docker_tag",),
    "docker_flags": ("docker_flags",),
    "docker_env_variables": ("docker_env_variables",),
}
"""The fields that are sent, each with the keys under which an answer may have it."""
_NAME = re.compile(rf"v[1-9][0-9]*-[0-9a-f]{{{DIGITS}}}\Z")
_NOTHING: tuple[Any, ...] = (None, "", {}, [])


def name(number: int, id_: VersionId) -> str:
    """What a version is called on a registry: `v7-3f9c2ab1d0f4`."""
    return f"v{number}-{id_[:DIGITS]}"


def is_name(text: str) -> bool:
    """Whether `text` has the form of such a name."""
    return _NAME.match(text) is not None


def fields(manifest: Manifest) -> dict[str, Any]:
    """What of a manifest has a field on a registry, under the keys of a request; what says nothing is left out."""
    about, docker = manifest.model, manifest.docker
    found = {
        "type": _word(manifest.type, schema.TYPES, UNSENT_TYPES),
        "framework": _word(manifest.framework, schema.FRAMEWORKS, (NOT_CONFIGURED,)),
        "description": about.get("description"),
        "notebook_link": about.get("notebook"),
        "labels": {str(number): label for number, label in manifest.labelmap},
        "parameters": dict(manifest.parameters),
        "docker_image": docker.get("image"),
        "docker_tag": docker.get("tag"),
        "docker_flags": list(docker.get("flags", ())),
        "docker_env_variables": dict(docker.get("env", {})),
    }
    return {key: value for key, value in found.items() if value not in _NOTHING}


def answered(raw: Raw) -> dict[str, Any]:
    """What an answer says of these fields: None for nothing; a field that it does not speak of at all is left out."""
    found: dict[str, Any] = {}
    for field, keys in SPELLINGS.items():
        spoken = [raw[key] for key in keys if key in raw]
        if spoken:
            value = next((each for each in spoken if each is not None), None)
            found[field] = None if value in _NOTHING or _is_unset(field, value) else value
    return found


@dataclass(frozen=True, slots=True)
class FieldChange:
    """A field, or a part of one (`parameters.lr`), that a registry has otherwise than it was recorded; None is nothing."""

    key: str
    recorded: Any
    live: Any

    def to_json(self) -> dict[str, Any]:
        """For machines."""
        return {"key": self.key, "recorded": self.recorded, "live": self.live}


def changes(recorded: Mapping[str, Any], raw: Raw) -> tuple[FieldChange, ...]:
    """Where an answer differs from recorded fields, key by key of tables; what it does not speak of cannot differ."""
    found: list[FieldChange] = []
    for field, live in answered(raw).items():
        _compare(field, recorded.get(field), live, found)
    return tuple(found)


def _compare(key: str, recorded: Any, live: Any, found: list[FieldChange]) -> None:
    tables = [each for each in (recorded, live) if isinstance(each, Mapping)]
    if tables and all(each is None or isinstance(each, Mapping) for each in (recorded, live)):
        for part in dict.fromkeys(part for table in tables for part in table):
            old, new = (each.get(part) if each is not None else None for each in (recorded, live))
            _compare(f"{key}.{schema.quoted(str(part))}", old, new, found)
    elif not _is_same(recorded, live):
        found.append(FieldChange(key, recorded, live))


def _is_same(one: Any, two: Any) -> bool:
    """Whether two values are one to a registry, which tells neither 1 from 1.0 nor nothing from an empty list."""
    if one in _NOTHING and two in _NOTHING:
        return True
    if isinstance(one, bool) or isinstance(two, bool):
        return one is two
    if isinstance(one, Mapping) and isinstance(two, Mapping):
        return one.keys() == two.keys() and all(_is_same(one[key], two[key]) for key in one)
    if _is_list(one) and _is_list(two):
        return len(one) == len(two) and all(map(_is_same, one, two))
    if isinstance(one, int | float) and isinstance(two, int | float):
        return one == two
    return type(one) is type(two) and bool(one == two)


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str | bytes)


def _is_unset(field: str, value: Any) -> bool:
    return field in ("type", "framework") and isinstance(value, str) and value.upper() == NOT_CONFIGURED


def _word(word: str | None, known: Sequence[str], unsent: Sequence[str]) -> str | None:
    return word if word in known and word not in unsent else None
