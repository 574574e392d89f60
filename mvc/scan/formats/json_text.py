"""JSON: every value of a text, for the rules on what a loader imports or renders by it.

    {"auto_map": …}          transformers        {"class_name": …, "config": …}     Keras
    {"chat_template": …}     a tokenizer         {"graph_module": …}                torch.export

A key that occurs twice is read differently by different loaders: all its values are examined. UTF-16 and UTF-32 are decoded, as
Python's own reader does. A long text is parsed only if it may have one of the keys that matter.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from mvc.formats.source import Source, TooLongError
from mvc.scan.formats import exported, import_keys, keras_config, model_config, onnx
from mvc.scan.formats.jinja import templates
from mvc.scan.formats.rare import networks
from mvc.scan.pickles import held
from mvc.scan.scan import Scan
from mvc.scan.verdict import Rule, Verdict

MAX_PARSED = 8 * 1024 * 1024
"""Bytes of a text that is always parsed."""
MAX_TEXT = 64 * 1024 * 1024
"""Bytes of a text that has one of the keys that matter, at most."""
_BLOCK = 1 << 20
_OVERLAP = 64
"""Bytes that are searched twice, so that no key is missed between two blocks."""

TWICE = Rule(
    "json-key-twice", Verdict.UNREADABLE, "Loaders read the key {} differently, since it occurs twice in one map."
)
NESTED = Rule("json-nested", Verdict.UNREADABLE, "A loader may read JSON that is nested deeper than the scan parses.")
NOTEBOOK = Rule("notebook-code", Verdict.CODE, "A program that opens the notebook may run its cells.")
RULES = (
    TWICE,
    NESTED,
    NOTEBOOK,
    *held.RULES,
    *keras_config.RULES,
    *model_config.RULES,
    *templates.RULES,
    *exported.RULES,
    *onnx.RULES,
    *networks.RULES,
)

_START = re.compile(rb"(?:\xef\xbb\xbf|\xff\xfe\0?\0?|\0?\0?\xfe\xff)?[\s\0]*[\[{][\s\0]*[\"\[{\]}\-0-9tfn\0]")
_BINARY = re.compile(rb"[\x01-\x08\x0e-\x1a\x1c-\x1f]|[^\xff\xfe]\0")
_KEYS = (
    b"auto_map", b"class_name", b"custom_pipelines", b"_target_", b"activation_function", b"expr_str",
    b"graph_module", b"weight_map", b"py/", b"__loader__", b"guards_code", b'"params"', b'"type"', b"hat_template", b'"gA', b'"800', b"nbformat",
    b"attn_implementation", b"experts_implementation", b"custom_ops_library", b"@module", b"paramMap", b'"uses"', b"megatron_core",
    b"opType", b'"location"', b":serialized:", b'"pickle"', b"numcodecs.pickle", b"_Native", b"_NDArray", b"op_type",
    b"template_path", b'"pir"', *import_keys.SEARCHED,
)  # fmt: skip
"""Keys that rules look at; of some a part, whatever the case of the first letter."""
_SERIALIZED = ":serialized:"
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"')
_ESCAPE = re.compile(rb"\\u00[2-7]")
"""An escape that may hide one."""
_MATTERING = frozenset({
    "_class_name", "_target_", "activation_function", "auto_map", "auto_mapping", "chat_template", "class_name", "config",
    "custom_pipelines", "expr_str", "function", "module", "registered_name", "target", "vocabulary",
})  # fmt: skip


class _Twice(NamedTuple):
    """An earlier value of a key that occurs twice in a map."""

    key: str
    value: Any


def matches(start: bytes, source: Source) -> bool:  # noqa: ARG001 - the content decides
    """Return whether it begins as JSON: with a map or a list, in text."""
    return _START.match(start) is not None and (b"\0" in start[:4] or not _BINARY.search(start))


def scan(source: Source, scan: Scan) -> None:
    """Report what loaders import or render by a text. Raises TooLongError; what is not JSON has no findings here."""
    is_searched = source.size > MAX_PARSED and b"\0" not in source.read(0, 4)
    if is_searched and not any(_has_key(block) for block in _blocks(source)):
        return
    if source.size > MAX_TEXT:
        raise TooLongError(f"it is JSON of more than {MAX_TEXT >> 20} MiB")
    data = source.bulk(0, source.size)
    earlier: list[_Twice] = []
    try:
        value = _parsed(data, earlier)
    except RecursionError:
        if _is_balanced(data):
            scan.report(NESTED)
        return
    except ValueError:  # a template, or lines of JSON, which no loader of models reads
        return
    for twice in earlier:
        if twice.key in _MATTERING:
            scan.report(TWICE, detail=twice.key)
    if _has_cells(value):
        scan.report(NOTEBOOK, names=[source.name])
    examine([value, *(twice.value for twice in earlier)], source.name, scan)


def _has_cells(value: Any) -> bool:
    """Return whether a value is a notebook of Jupyter with cells of code."""
    cells = value.get("cells") if isinstance(value, dict) and "nbformat" in value else None
    return isinstance(cells, list) and any(isinstance(cell, dict) and cell.get("cell_type") == "code" for cell in cells)


def _is_balanced(data: bytes) -> bool:
    """Return whether as many brackets close as open; other bytes are JSON for no parser."""
    bare = _STRING.sub(b"", data.replace(b"\0", b""))
    return all(bare.count(first) == bare.count(last) for first, last in ((b"[", b"]"), (b"{", b"}")))


def _blocks(source: Source) -> Iterator[bytes]:
    """Yield a text in blocks that overlap."""
    for start in range(0, source.size, _BLOCK):
        yield source.bulk(start, min(_BLOCK + _OVERLAP, source.size - start))


def _has_key(data: bytes) -> bool:
    return any(key in data for key in _KEYS) or _ESCAPE.search(data) is not None


def examine(values: list[Any], name: str, scan: Scan, member: str = "") -> None:
    """Apply the rules to values and to everything inside of them; `name` is that of the file."""
    for value in values:
        for part in _parts(value):
            if isinstance(part, dict):
                if keras_config.is_config(part):
                    keras_config.examine(part, scan, member)
                model_config.examine(part, scan, member)
                import_keys.examine(part, scan, member)
                exported.examine(part, scan, member)
                onnx.examine(part, scan, member)
                networks.examine(part, scan, member)
                _load(part.get(_SERIALIZED), scan, member)
            for text in _texts(part):
                if "{" in text:
                    templates.examine_text(text, scan, member)
                elif content := held.decoded(text):
                    held.report(content, scan, member=member)
        if name.rpartition("/")[2].lower() == "modules.json":
            model_config.examine_modules(value, scan, member)
        elif name.rpartition("/")[2].lower() == "model_index.json":
            model_config.examine_index(value, scan, member)


def _load(text: Any, scan: Scan, member: str) -> None:
    """Scan a pickle that Stable-Baselines3 decodes, whatever characters are between those of base64, and loads."""
    if not isinstance(text, str):
        return
    try:
        content = base64.b64decode(text)
    except ValueError:
        return
    scan.nested(Source(lambda start, size: content[start : start + size], len(content), f"{member}.pkl"), _SERIALIZED)


def parsed(text: str) -> list[Any]:
    """Return the value of a text, and the earlier values of keys that occur twice. Raises ValueError, RecursionError."""
    earlier: list[_Twice] = []
    value = _parsed(text.encode("utf-8", "surrogatepass"), earlier)
    return [value, *(twice.value for twice in earlier)]


def _parsed(data: bytes, earlier: list[_Twice]) -> Any:
    def table(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for key, value in pairs:
            if key in values:
                earlier.append(_Twice(key, {key: values[key]}))
            values[key] = value
        return values

    text = data.decode(json.detect_encoding(data), "surrogatepass")
    return json.loads(text.removeprefix("\ufeff"), object_pairs_hook=table)


def _texts(part: Any) -> Iterator[str]:
    """Yield the texts in a map or list, except those under a key of templates."""
    if isinstance(part, dict):
        part = [value for key, value in part.items() if key.lower() not in model_config.TEMPLATES]
    for value in part if isinstance(part, list) else ():
        if isinstance(value, str):
            yield value


def _parts(value: Any) -> Iterator[Any]:
    """Yield a value and everything inside of it."""
    stack = [value]
    while stack:
        part = stack.pop()
        yield part
        if isinstance(part, dict):
            stack.extend(part.values())
        elif isinstance(part, list):
            stack.extend(part)
