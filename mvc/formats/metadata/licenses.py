"""Licenses that files name themselves: in the header of a weight file, in a model card, or as the text of a license.

onnx           metadata_props.license                  README.md      license of its front matter
safetensors    __metadata__.license                    metadata.yaml  license, beside an export of Ultralytics
gguf           general.license, general.license.name   LICENSE        the license whose text it is
torch          license of the saved dict; of TorchScript, license in extra/config.txt

Nothing is executed, and no weight is read. Sources: docs/gguf.md of ggml; ultralytics/engine/trainer.py and exporter.py.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from typing import Any

from mvc import lazy
from mvc.formats.known import FORMATS, WEIGHT_SUFFIXES
from mvc.formats.source import HeaderError, Source
from mvc.formats.values import front_matter, yaml_text
from mvc.formats.values.malformed import MalformedError
from mvc.model.licenses import texts
from mvc.model.licenses.claim import Claim
from mvc.model.licenses.expression import MAX_CHARS, License, parse

KEY = "license"
_START = 512
_MODULES = {
    "safetensors": ("safetensors_map", "__metadata__."),
    "torch": ("torch_license", ""),
    "torch_legacy": ("torch_license", ""),
    "gguf": ("gguf_texts", ""),
    "onnx": ("onnx_graph", "metadata_props."),
}
"""The module that reads the properties of each format, and what stands before their keys in messages."""
_KEYS = (KEY, "general.license", "general.license.name", "modelspec.license")
_NO_LICENSE = frozenset({"", "other", "unknown", "none", "noassertion"})
"""Values that name no license."""
_TEXT = re.compile(r"(?:.*[-_.])?(?:un)?licen[sc]e(?:[-_.].*)?|copying(?:[-_.].*)?", re.IGNORECASE)
_CARD = re.compile(r"readme(?:\.md|\.markdown)?", re.IGNORECASE)
_EXPORT = ("metadata.yaml", "metadata.yml")
_WITHOUT = (".h5", ".hdf5", ".keras")
"""Suffixes of weights that name no license, and whose headers take a process to read."""


def is_possible(path: str) -> bool:
    """Return whether a file may name a license, by its path."""
    name = posixpath.basename(path)
    is_weights = name.lower().endswith(WEIGHT_SUFFIXES) and not name.lower().endswith(_WITHOUT)
    return is_weights or _is_text(name) or _CARD.fullmatch(name) is not None or name.lower() in _EXPORT


def read(source: Source) -> tuple[Claim, ...]:
    """Return what a file says about its license; nothing for a file that is malformed or names none."""
    try:
        return tuple(Claim(source.name, place, license_) for place, license_ in _claims(source))
    except (HeaderError, MalformedError, RecursionError, MemoryError, OverflowError):
        return ()


def _claims(source: Source) -> Iterator[tuple[str, License]]:
    name = posixpath.basename(source.name)
    if _is_text(name):
        known = texts.recognise(_text(source))
        if known is not None:
            yield "text", parse(known)
    elif _CARD.fullmatch(name):
        yield from _of_values(front_matter.split(_text(source)).values)
    elif name.lower() in _EXPORT:
        values = yaml_text.load(_text(source))
        yield from _of_values(values if isinstance(values, dict) else {})
    elif not name.lower().endswith(_WITHOUT):
        yield from _of_header(source)


def _is_text(name: str) -> bool:
    """Return whether a file is called like the text of a license, and not like a program or weights."""
    return _TEXT.fullmatch(name) is not None and not name.lower().endswith((*WEIGHT_SUFFIXES, ".py", ".json"))


def _of_values(values: dict[str, Any]) -> Iterator[tuple[str, License]]:
    """Yield the license of a map as a model card has it: `license: other` with `license_name`."""
    named = values.get(KEY)
    if isinstance(named, list) and all(isinstance(name, str) for name in named):
        named = " OR ".join(named)
    for key, value in ((KEY, named), ("license_name", values.get("license_name"))):
        if isinstance(value, str) and value.strip().lower() not in _NO_LICENSE:
            yield key, parse(value)
            return


def _of_header(source: Source) -> Iterator[tuple[str, License]]:
    start = source.read(0, min(_START, source.size))
    for known in FORMATS.values():
        if known.name not in _MODULES or not known.is_possible(start, source.name):
            continue
        if lazy.load(known.module).matches(start, source):
            module, prefix = _MODULES[known.name]
            properties = lazy.load(f"mvc.formats.metadata.{module}").read(source).properties
            yield from _of_properties(properties, prefix)
            return


def _of_properties(properties: dict[str, str], prefix: str) -> Iterator[tuple[str, License]]:
    for key in _KEYS:
        text = properties.get(key, "")
        if len(text) <= MAX_CHARS and text.strip().lower() not in _NO_LICENSE:
            yield prefix + key, parse(text)
            return


def _text(source: Source) -> str:
    return source.read(0, min(source.size, texts.MAX_BYTES)).decode("utf-8", "replace")
