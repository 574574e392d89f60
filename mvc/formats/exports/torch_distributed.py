"""Distributed checkpoints of PyTorch: `.metadata` lists the tensors of the `.distcp` files beside it.

    .metadata    pickle: storage_data {MetadataIndex("model.conv.weight", (0, 0)): _StorageInfo("__0_0.distcp", 0, 1261), …}
    __0_0.distcp │ an archive of torch.save for each tensor, or for each part of one that several processes have │ …

The pickle is parsed, never executed. Source: torch/distributed/checkpoint/filesystem.py and metadata.py.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from typing import Any

from mvc import errors
from mvc.formats.header import MAX_RANK, MAX_TEXT, Header, ordered
from mvc.formats.source import MAX_SEGMENTS, HeaderError, Source, TooLongError
from mvc.formats.syntax import pickle_text
from mvc.formats.syntax.pickle_text import Call
from mvc.model.paths import check_path
from mvc.model.segment import Segment

MAX_PICKLE = 64 * 1024 * 1024
"""Bytes of the pickle, at most."""
MAX_NAME = 1_000
"""Characters of a name, at most; a longer one is left out."""
_NAME = ".metadata"
_CLASS = "torch.distributed.checkpoint.metadata."
_MAX_OFFSET = 1 << 63


def matches(start: bytes, source: Source) -> bool:
    """Return whether it has the name of the list, and is a pickle with its class."""
    return posixpath.basename(source.name) == _NAME and b"torch.distributed.checkpoint" in start


def read(source: Source) -> Header:
    """Return the archives by the file they are in, none if the list is too long; raise HeaderError if it is malformed."""
    if source.size > MAX_PICKLE:
        return Header("torch_distributed", ())
    try:
        root = _attributes(pickle_text.read(source.read(0, source.size)))
    except TooLongError:
        return Header("torch_distributed", ())
    tensors = _items(root.get("state_dict_metadata"))
    whole = {name for name, value in tensors if isinstance(name, str) and _is_whole(value)}
    places: dict[str, list[Segment]] = {}
    characters = count = 0
    for index, info in _items(root.get("storage_data")):
        path, segment = _place(_attributes(index), _attributes(info), whole)
        characters, count = characters + len(segment.name) + len(path), count + 1
        if count > MAX_SEGMENTS or characters > MAX_TEXT:
            raise HeaderError(f"it has more than {MAX_SEGMENTS} tensors, or {MAX_TEXT >> 20} MiB of names")
        places.setdefault(path, []).append(segment)
    external = {path: ordered(segments, _MAX_OFFSET) for path, segments in places.items()}
    return Header("torch_distributed", (), external, are_files=True)


def _place(index: dict[str, Any], info: dict[str, Any], whole: set[str]) -> tuple[str, Segment]:
    """Return the file of an archive, and its range with the tensor's name: `weight[128,0]` is a part from row 128 on."""
    match (index.get("fqn"), info.get("relative_path"), info.get("offset"), info.get("length")):
        case (str(name), str(path), int(offset), int(length)) if offset >= 0 and length >= 0:
            try:
                check_path(path)
            except (errors.UnsafePath, errors.UnportablePath) as error:
                raise HeaderError(f"the place {path!r} of a tensor is not a path inside its folder") from error
        case _:
            raise HeaderError("the place of a tensor is malformed")
    first = _sizes(index.get("offset"))
    part = f"[{','.join(map(str, first))}]" if first and name not in whole else ""
    return path, Segment(offset, length, f"{name}{part}" if len(name) <= MAX_NAME else "")


def _is_whole(value: Any) -> bool:
    """Return whether a tensor is stored in one part."""
    chunks = _attributes(value).get("chunks")
    return isinstance(chunks, list) and len(chunks) == 1


def _sizes(value: Any) -> tuple[int, ...]:
    """Return the numbers of a torch.Size, none if it is another value."""
    sizes = value.args[0] if isinstance(value, Call) and isinstance(value.args, tuple) and value.args else ()
    is_valid = isinstance(sizes, tuple) and len(sizes) <= MAX_RANK
    return sizes if is_valid and all(type(size) is int and 0 <= size < _MAX_OFFSET for size in sizes) else ()


def _attributes(value: Any) -> dict[str, Any]:
    """Return the attributes of an object by name: its state is a dict."""
    states = [state for key, state in value.parts if key is None] if isinstance(value, Call) else []
    return {key: item for state in states for key, item in _items(state) if isinstance(key, str)}


def _items(value: Any) -> Iterator[tuple[Any, Any]]:
    """Yield the items of a dict; a key of any kind, hashable or not."""
    if isinstance(value, Call):
        yield from ((key, item) for key, item in value.parts if key is not None)
