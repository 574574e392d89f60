"""torch.export: an archive whose JSON members name the tensors of a program, each in a member of its own.

    run/data/weights/model_weights_config.json   {"config": {"conv1.weight": {"path_name": "weight_0", "tensor_meta": …}, …}}
    run/data/weights/weight_0                    the storage of conv1.weight

Source: torch/export/pt2_archive and torch/_export/serde/schema.py of PyTorch, since 2.8.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from mvc.formats import tensor_tree
from mvc.formats.source import HeaderError
from mvc.formats.tensor_tree import Grid, Storage, View

CONFIG = "_config.json"
"""The end of the name of a member that names tensors."""
MAX_CONFIG = 16 * 1024 * 1024
"""Bytes of such a member, at most."""
MAX_MARKS = 1_500_000
"""Brackets and commas of it, at most. Each makes one value, so they bound the memory; a tensor has about thirty."""
MAX_MAPS = 500_000
"""Maps of it, at most; a tensor has about twelve."""
_DTYPES = {
    1: "U8", 2: "I8", 3: "I16", 4: "I32", 5: "I64", 6: "F16", 7: "F32", 8: "F64", 10: "C64", 11: "C128", 12: "BOOL",
    13: "BF16", 28: "U16", 29: "F8_E4M3", 30: "F8_E5M2", 33: "F8_E8M0", 34: "U32", 35: "U64",
}  # fmt: skip
"""Dtypes, by their number in a program."""


def views(data: bytes, folder: str) -> Iterator[View]:
    """Yield the tensors that a member names; `folder` begins the keys of their storages. Raises HeaderError."""
    config = _parsed(data).get("config")
    for name, tensor in config.items() if isinstance(config, dict) else ():
        match tensor:
            case {"path_name": str(path), "use_pickle": False, "tensor_meta": dict(meta)}:
                yield from _view(name, f"{folder}/{path}", meta)


def _view(name: str, key: str, meta: dict[str, Any]) -> Iterator[View]:
    """Yield the tensor as a view, unless it has sizes that only a run of the program gives."""
    dtype = _DTYPES.get(meta.get("dtype", 0), "") if type(meta.get("dtype")) is int else ""
    match meta:
        case {"sizes": list(sizes), "strides": list(strides), "storage_offset": first}:
            are_numbers = all(type(number) is int for number in (first, *sizes, *strides))
            if are_numbers and len(sizes) == len(strides) and len(name) <= tensor_tree.MAX_NAME:
                yield tensor_tree.view(name, Storage(key), dtype, Grid(first, tuple(sizes), tuple(strides)))


def _parsed(data: bytes) -> dict[str, Any]:
    if data.count(b"{") > MAX_MAPS or sum(data.count(mark) for mark in (b"{", b"[", b",")) > MAX_MARKS:
        raise HeaderError(f"its list of tensors has more than {MAX_MARKS} values")
    try:
        config = json.loads(data.decode("utf-8"), object_pairs_hook=_map)
    except (UnicodeDecodeError, ValueError, RecursionError) as error:
        raise HeaderError(f"its list of tensors is not JSON: {error}") from error
    return config if isinstance(config, dict) else {}


def _map(pairs: list[tuple[str, Any]]) -> Any:
    """Return a map; a number for `{"as_int": 32}`, which is how a program writes a size."""
    return pairs[0][1] if len(pairs) == 1 and pairs[0][0] == "as_int" else dict(pairs)
