"""A version that was made on a registry by hand, or by its jobs, as what `model.toml` would say of it.

    name, type, framework, labels, parameters, docker_image, …  ─┐
    the experiment and the dataset versions of its context      ─┼─► model.toml ─► Manifest
    roles and paths of its files                                ─┘

Only what is listed here is taken, so two people who import the same version get the same manifest; an answer may say
more, and differs with who asks. What model.toml cannot hold is kept as text, or beside it in `ext`, with a warning.
"""

from __future__ import annotations

import json
import math
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from mvc import errors
from mvc.model import labelmap, names
from mvc.model.manifest import Manifest
from mvc.model.toml import parse, render
from mvc.model.version import Person, Timestamp
from mvc.registry.protocol import RemoteContext, RemoteVersion, text

NOT_CONFIGURED = "NOT_CONFIGURED"
"""What a registry says of a type or framework that nobody gave."""
_CLASS = re.compile(r"(?:0|[1-9][0-9]{0,9})\Z")
_INT_MIN, _INT_MAX = -(1 << 63), (1 << 63) - 1
_MAX_DEPTH = 40
_TIMES = ("created_at", "creation_date")
_LAST_SECOND = (1 << 31) - 1
_UNNAMED = "model"


@dataclass(frozen=True, slots=True)
class HandMade:
    """The bytes of a model.toml, the manifest that they stand for, and what could not be taken as it was."""

    model_toml: bytes
    manifest: Manifest
    warnings: tuple[str, ...] = ()


def read(version: RemoteVersion, context: RemoteContext | None, files: Mapping[str, str]) -> HandMade:
    """What `version` says, with `files` as paths by role. Raises Unimportable for what no model.toml can say."""
    warnings: list[str] = []
    try:
        labels, odd = _labels(version.get("labels"))
        if odd:
            warnings.append("its labels are not names by class number, and are kept in ext alone")
        data = _toml(version, context, files, labels, warnings)
        manifest = parse.parse(data, where="model.toml")
        manifest = replace(manifest, ext={"picsellia": {"labels": odd}}) if odd else manifest
        manifest.encode()
    except UnicodeEncodeError:
        raise errors.Unimportable(version=version.name, reason="a text in it is not valid Unicode") from None
    except errors.MvcError as error:
        raise errors.Unimportable(version=version.name, reason=error.message.rstrip(".")) from error
    return HandMade(data, manifest, tuple(warnings))


def _toml(
    version: RemoteVersion,
    context: RemoteContext | None,
    files: Mapping[str, str],
    labels: labelmap.Labelmap,
    warnings: list[str],
) -> bytes:
    sections: dict[str, dict[str, Any]] = {
        "model": _about(version, sparse=bool(labelmap.gaps(labels))),
        "files": dict(sorted(files.items())),
        "labelmap": {str(number): name for number, name in labels},
        "parameters": _parameters(version, warnings),
        "docker": _docker(version),
        "source": _source(context),
    }
    return render.document({name: values for name, values in sections.items() if values}).encode()


def model_key(name: str) -> str:
    """The key of a model whose name on a registry is `name`: that name, mended where a key cannot be so."""
    key = unicodedata.normalize("NFC", "".join(letter if letter.isprintable() else " " for letter in name))
    key = "".join("-" if letter in "@:~^\\" else letter for letter in key)
    parts = (_part(part) for part in key.split("/"))
    key = "/".join(part for part in parts if part)[: names.MAX_KEY_LETTERS // 2].rstrip("/. ")
    return key or _UNNAMED


def author(organization: str) -> Person:
    """Who signs what was made in `organization`."""
    plain = "".join(letter for letter in organization if letter.isprintable() and letter not in "<>").strip()
    return Person(f"picsellia:{plain}", "")


def made_at(version: RemoteVersion) -> Timestamp:
    """When it was made, where the registry tells that; else a moment that follows from its number, so that all agree."""
    for key in _TIMES:
        try:
            return Timestamp.parse(text(version.raw, key) or "")
        except errors.BadDate:
            continue
    return Timestamp(version.number if 0 <= version.number <= _LAST_SECOND else 0)


def message(version: RemoteVersion) -> str:
    """What the version is said to be."""
    name = "".join(letter if letter.isprintable() else " " for letter in version.name).strip()
    return f"{name or 'Version without a name'} (made on Picsellia)"


def _about(version: RemoteVersion, *, sparse: bool) -> dict[str, Any]:
    found = {
        "name": model_key(version.model.name),
        "type": _word(version, "type"),
        "framework": _word(version, "framework"),
        "description": text(version.raw, "description"),
        "notebook": text(version.raw, "notebook_link"),
        "labelmap_sparse": sparse,
    }
    return {key: value for key, value in found.items() if value}


def _word(version: RemoteVersion, key: str) -> str | None:
    """A word of a vocabulary, whatever later releases have in it."""
    word = text(version.raw, key)
    return None if word is None or word.upper() == NOT_CONFIGURED else word


def _labels(raw: Any) -> tuple[labelmap.Labelmap, Any]:
    """Names by class number; or, if they are anything else, what they are."""
    if not raw:
        return (), None
    fits = isinstance(raw, Mapping) and all(
        isinstance(key, str) and _CLASS.match(key) and isinstance(name, str) for key, name in raw.items()
    )
    return (labelmap.from_table(raw, "labels"), None) if fits else ((), _plain(raw, 1))


def _parameters(version: RemoteVersion, warnings: list[str]) -> dict[str, Any]:
    raw = version.get("parameters", "base_parameters")
    if not raw:
        return {}
    if not isinstance(raw, Mapping):
        warnings.append("its parameters are not names with values, and are left out")
        return {}
    found: dict[str, Any] = _plain(raw, 1)
    if found != dict(raw):
        warnings.append("parameters without a value are left out, and numbers that do not fit are kept as text")
    return found


def _plain(value: Any, depth: int) -> Any:
    """`value` as TOML can hold it: no null, no number that does not fit, and text in the place of what is nested too deeply."""
    if isinstance(value, Mapping):
        if depth > _MAX_DEPTH:
            return json.dumps(value, sort_keys=True)
        return {str(key): _plain(item, depth + 1) for key, item in value.items() if item is not None}
    if isinstance(value, list | tuple):
        if depth > _MAX_DEPTH:
            return json.dumps(value, sort_keys=True)
        return ["null" if item is None else _plain(item, depth + 1) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return repr(value)
    if type(value) is int and not _INT_MIN <= value <= _INT_MAX:
        return repr(value)
    return value


def _docker(version: RemoteVersion) -> dict[str, Any]:
    flags, env = version.get("docker_flags"), version.get("docker_env_variables")
    found = {
        "image": text(version.raw, "docker_image", "docker_image_name"),
        "tag": text(version.raw, "docker_tag"),
        "flags": list(_texts(flags)) if isinstance(flags, list) else None,
        "env": dict(_strings(env)) if isinstance(env, Mapping) else None,
    }
    return {key: value for key, value in found.items() if value}


def _texts(values: Iterable[Any]) -> Iterator[str]:
    return (str(value) for value in values if value is not None)


def _strings(values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for key, value in values.items():
        if value is not None:
            yield key, value if isinstance(value, str) else json.dumps(value, sort_keys=True)


def _source(context: RemoteContext | None) -> dict[str, Any]:
    """Ids alone: names can be changed there, and not everybody may ask for them."""
    if context is None:
        return {}
    datasets = sorted({(each.alias, each.id) for each in context.datasets})
    found: dict[str, Any] = {"experiment": {"id": context.experiment}} if context.experiment else {}
    if datasets:
        found["datasets"] = [{"alias": alias, "id": id_} for alias, id_ in datasets]
    return found


def _part(part: str) -> str:
    part = part.strip().lstrip("-. ").rstrip(". ")
    part = part.removesuffix(".lock").rstrip(". ")
    return f"{part}-model" if part and names.is_device(part) else part
