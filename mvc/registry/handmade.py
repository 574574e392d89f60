"""The model.toml of a registry version that was made by hand, or by a job on the registry.

    its fields                                        ─┐
    the experiment and dataset versions of its context ─┼─► model.toml ─► Manifest
    roles and paths of its files                       ─┘

Other values are ignored, because an answer may show them to one person and not to another: two people who import the same
version get the same manifest.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from mvc import errors
from mvc.deferred import dataclass
from mvc.model import labelmap, names
from mvc.model.manifest import Manifest
from mvc.model.toml import parse, render
from mvc.model.version import Person, Timestamp
from mvc.registry import fields
from mvc.registry import values as decoding
from mvc.registry.fields import Answer
from mvc.registry.protocol import TIMES, RemoteContext, RemoteVersion, text

EXT = "picsellia"
"""The key of a manifest's `ext` that keeps what model.toml cannot hold."""
_LAST_SECOND = (1 << 31) - 1
_UNNAMED = "model"


@dataclass(frozen=True, slots=True)
class HandMade:
    """The bytes of a model.toml, their manifest, and warnings about values that it cannot hold."""

    model_toml: bytes
    manifest: Manifest
    warnings: tuple[str, ...] = ()


def read(version: RemoteVersion, context: RemoteContext | None, files: Mapping[str, str]) -> HandMade:
    """Return the model.toml of `version` with `files`, which are paths by role. Raises Unimportable."""
    try:
        answer = fields.decode(version.raw)
        data = _model_toml(version, answer, context, files)
        manifest = parse.parse(data, where="model.toml")
        manifest = replace(manifest, ext={EXT: answer.rest}) if answer.rest else manifest
        manifest.encode()
    except UnicodeEncodeError:
        raise errors.Unimportable(version=version.name, reason="a text in it is not valid Unicode") from None
    except errors.MvcError as error:
        raise errors.Unimportable(version=version.name, reason=error.message.rstrip(".")) from error
    return HandMade(data, manifest, tuple(answer.warnings))


def model_key(name: str) -> str:
    """Return `name`, a model's name on a registry, with the letters replaced that a key cannot have."""
    key = unicodedata.normalize("NFC", "".join(letter if letter.isprintable() else " " for letter in name))
    key = "".join("-" if letter in "@:~^\\" else letter for letter in key)
    parts = (_key_part(part) for part in key.split("/"))
    key = "/".join(part for part in parts if part)[: names.MAX_KEY_LETTERS // 2].rstrip("/. ")
    return key or _UNNAMED


def author(organization: str) -> Person:
    """Return the author of a version that was made in `organization`."""
    plain = "".join(letter for letter in organization if letter.isprintable() and letter not in "<>").strip()
    return Person(f"picsellia:{plain}", "")


def made_at(version: RemoteVersion) -> Timestamp:
    """Return the creation time; if the answer has none, its number in seconds since 1970, the same for everybody."""
    for key in TIMES:
        try:
            return Timestamp.parse(text(version.raw, key) or "")
        except errors.BadDate:
            continue
    return Timestamp(version.number if 0 <= version.number <= _LAST_SECOND else 0)


def message(version: RemoteVersion) -> str:
    """Return the message of a version, made of its name."""
    name = "".join(letter if letter.isprintable() else " " for letter in version.name).strip()
    return f"{name or 'Version without a name'} (made on Picsellia)"


def _model_toml(
    version: RemoteVersion, answer: Answer, context: RemoteContext | None, files: Mapping[str, str]
) -> bytes:
    labels = answer.sections.get("labelmap", {})
    sparse = labelmap.gaps(tuple((int(number), name) for number, name in labels.items()))
    sections = {
        "model": {
            "name": model_key(version.model.name),
            **answer.sections.get("model", {}),
            **({"labelmap_sparse": True} if sparse else {}),
        },
        "files": dict(sorted(files.items())),
        "labelmap": labels,
        "parameters": answer.sections.get("parameters", {}),
        "docker": answer.sections.get("docker", {}),
        "source": _source(context),
    }
    return render.document({name: values for name, values in sections.items() if values}).encode()


def _source(context: RemoteContext | None) -> dict[str, Any]:
    """Return the experiment and datasets as ids, with the run's parameters: names can be changed on the registry, and not everybody may read them."""
    if context is None:
        return {}
    datasets = sorted({(dataset.alias, dataset.id) for dataset in context.datasets})
    parameters = decoding.parameters(context.parameters).value
    run = {"parameters": parameters} if parameters else {}
    source: dict[str, Any] = {"experiment": {"id": context.experiment, **run}} if context.experiment else {}
    if datasets:
        source["datasets"] = [{"alias": alias, "id": id_} for alias, id_ in datasets]
    return source


def _key_part(part: str) -> str:
    part = part.strip().lstrip("-. ").rstrip(". ")
    part = part.removesuffix(".lock").rstrip(". ")
    return f"{part}-model" if part and names.is_device(part) else part
