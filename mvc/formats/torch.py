"""torch: a zip archive with each storage as a member, and a pickle with the tensors that view them.

    run/data.pkl  ─►  {"model": {"encoder.weight": tensor of storage 0, from element 0, (384, 384), …}}
    run/data/0    ─►  Segment(…, "model.encoder.weight", "F32", (384, 384))

Checkpoints (`torch.save`) and TorchScript archives share this layout. The pickle is parsed, never executed. A program of
torch.export has storages as members too, and JSON members with their names.
Source: torch/serialization.py, torch/_utils.py and torch/csrc/jit/serialization of PyTorch.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from mvc.formats.header import Header, ordered
from mvc.formats.pytorch import exported, storages
from mvc.formats.pytorch.storages import Views
from mvc.formats.source import HeaderError, Source
from mvc.formats.syntax import pickle_text, zip_directory
from mvc.formats.syntax.zip_directory import Member
from mvc.formats.tensor_tree import View
from mvc.model.segment import Segment

MAX_PICKLE = 32 * 1024 * 1024
"""Bytes of a pickle parsed for names, at most."""
_PICKLES = ("data", "constants")
"""The pickles of an archive, each with its storages in the folder of its name. Names of the first have no prefix."""
_BEGINNINGS = ("data.pkl", "data/", "constants/", "code/", "version", "byteorder", ".format_version", ".data/")
_EXTRA = "extra/"
"""The folder of `_extra_files` of `torch.jit.save`, which precede the tensors."""
_MAX_CONFIGS = 8
"""Members with the tensors of a program that are read, at most."""

Members = dict[str, Member]


def matches(start: bytes, source: Source) -> bool:
    """Return whether a zip archive begins with a member that PyTorch writes first, in a folder of any name.

    A `.distcp` file of a distributed checkpoint begins so too, but is a sequence of archives, which `.metadata` beside
    it lists (torch/distributed/checkpoint/filesystem.py).
    """
    if source.name.lower().endswith(".distcp"):
        return False
    root, _, name = zip_directory.first_name(start, source).partition("/")
    if name.startswith(_EXTRA):  # of TorchScript, whatever its writer added, which other archives may begin with too
        return f"{root}/{_PICKLES[1]}.pkl" in zip_directory.members(source)
    return name.startswith(_BEGINNINGS)


def read(source: Source) -> Header:
    """Return the tensors that tile their storage, and other storages whole; raise HeaderError if malformed.

    Storages have no names if their pickle cannot be parsed.
    """
    members = zip_directory.members(source)
    root = next(iter(members), "").partition("/")[0]
    is_little = _content(source, members, f"{root}/byteorder", len(b"little")) != b"big"
    folders = [f"{root}/{name}" for name in _PICKLES]
    segments = [segment for folder in folders for segment in _segments(source, members, folder, is_little=is_little)]
    return Header("torch", ordered(segments, source.size))


def main_pickle(source: Source) -> bytes:
    """Return the pickle of the saved object, `b""` if the archive has none. Raises HeaderError."""
    return member(source, f"{_PICKLES[0]}.pkl", MAX_PICKLE)


def member(source: Source, name: str, limit: int) -> bytes:
    """Return a member of the archive's folder, `b""` if it is missing, compressed or longer than `limit`. Raises HeaderError."""
    members = zip_directory.members(source)
    root = next(iter(members), "").partition("/")[0]
    return _content(source, members, f"{root}/{name}", limit)


def _segments(source: Source, members: Members, folder: str, *, is_little: bool) -> Iterator[Segment]:
    """Yield the segments of the storages in `folder`, without dtypes if they are big-endian."""
    views = _exported(source, members, folder)
    is_exported = bool(views)
    views = views or _views(source, members, folder)
    for name, member in members.items():
        if name.startswith(f"{folder}/") and member.stored:
            if is_exported and name.removeprefix(f"{folder}/") not in views:
                continue  # a program, or what names its tensors
            storage = Segment(zip_directory.data_offset(source, member), member.size)
            for segment in storages.tiles(storage, views.get(name.removeprefix(f"{folder}/"), ())):
                yield segment if is_little else segment._replace(dtype="", views=())


def _views(source: Source, members: Members, folder: str) -> Views:
    """Return the tensors that view each storage, none if the pickle cannot be read."""
    data = _content(source, members, f"{folder}.pkl", MAX_PICKLE)
    prefix = "" if folder.endswith(f"/{_PICKLES[0]}") else folder.rpartition("/")[2]
    try:
        root = pickle_text.read(data) if data else None
    except HeaderError:  # names are optional: the archive's directory locates the storages
        return {}
    return storages.views(root, prefix)


def _exported(source: Source, members: Members, folder: str) -> Views:
    """Return the tensors of a program that torch.export saved, by storage; none for other archives."""
    try:
        return storages.by_storage(_exported_views(source, members, folder))
    except HeaderError:  # names are optional here, too
        return {}


def _exported_views(source: Source, members: Members, folder: str) -> Iterator[View]:
    configs = (name for name in members if name.startswith(f"{folder}/") and name.endswith(exported.CONFIG))
    for name in itertools.islice(configs, _MAX_CONFIGS):
        place = name.removeprefix(f"{folder}/").rpartition("/")[0]
        yield from exported.views(_content(source, members, name, exported.MAX_CONFIG), place)


def _content(source: Source, members: Members, name: str, limit: int) -> bytes:
    """Return the content of a member, `b""` if it is missing, compressed or longer than `limit`."""
    member = members.get(name)
    if member is None or not member.stored or member.size > limit:
        return b""
    return source.read(zip_directory.data_offset(source, member), member.size)
