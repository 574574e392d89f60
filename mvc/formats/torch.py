"""torch: a zip archive with the bytes of each storage as a member, and a pickle that says which tensors look into them.

    run/data.pkl  ─►  {"model": {"encoder.weight": tensor of storage 0, from element 0, (384, 384), …}}
    run/data/0    ─►  Segment(…, "model.encoder.weight", "F32", (384, 384))

Checkpoints (`torch.save`) and TorchScript archives are alike in this. The pickle is read as text; nothing in it is run.
Source: torch/serialization.py, torch/_utils.py and torch/csrc/jit/serialization of PyTorch.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mvc.formats import pickle_text, tensor_tree, zip_directory
from mvc.formats.header import MAX_TEXT, Header, ordered
from mvc.formats.source import MAX_SEGMENTS, HeaderError, Source
from mvc.formats.tensor_tree import View
from mvc.formats.zip_directory import Member
from mvc.model.segment import WIDTHS, Segment

MAX_PICKLE = 32 * 1024 * 1024
"""Bytes of a pickle that is read for names."""
_PICKLES = ("data", "constants")
"""The pickles of an archive; each has its storages in the folder of its name. What the first holds needs no prefix."""
_BEGINNINGS = ("data.pkl", "data/", "constants/", "code/", "version", "byteorder", ".format_version", ".data/")

Members = dict[str, Member]


def matches(start: bytes, source: Source) -> bool:
    """Return whether a zip archive begins with what PyTorch writes first into a folder of any name.

    A `.distcp` file of a distributed checkpoint begins so too, but is many archives in a row, which `.metadata` beside
    it tells apart (torch/distributed/checkpoint/filesystem.py).
    """
    if source.name.lower().endswith(".distcp"):
        return False
    return zip_directory.first_name(start, source).partition("/")[2].startswith(_BEGINNINGS)


def read(source: Source) -> Header:
    """The tensors, where they tile their storage, and other storages whole; raises HeaderError where the file lies.

    Storages whose pickle cannot be read have no names.
    """
    members = zip_directory.members(source)
    root = next(iter(members), "").partition("/")[0]
    native = _content(source, members, f"{root}/byteorder", len(b"little")) != b"big"
    found = [segment for name in _PICKLES for segment in _segments(source, members, f"{root}/{name}", native=native)]
    return Header("torch", ordered(found, source.size))


def _segments(source: Source, members: Members, folder: str, *, native: bool) -> Iterator[Segment]:
    """What lies in the storages below `folder`; without kinds of numbers when they are not in the usual byte order."""
    views = _views(source, members, folder)
    for name, member in members.items():
        if name.startswith(f"{folder}/") and member.stored:
            place = Segment(zip_directory.data_offset(source, member), member.size)
            for segment in _cut(place, views.get(name.removeprefix(f"{folder}/"), ())):
                yield segment if native else segment._replace(dtype="")


def _views(source: Source, members: Members, folder: str) -> dict[str, list[View]]:
    """The tensors that look into each storage, by its key, in the order of the pickle."""
    data = _content(source, members, f"{folder}.pkl", MAX_PICKLE)
    prefix = "" if folder.endswith(f"/{_PICKLES[0]}") else folder.rpartition("/")[2]
    found: dict[str, list[View]] = {}
    try:
        root = pickle_text.read(data) if data else None
    except HeaderError:  # names are a help, and their absence no lie about where the storages are
        return found
    letters = 0
    for count, view in enumerate(tensor_tree.views(root, prefix)):
        letters += len(view.name)
        if count >= MAX_SEGMENTS or letters > MAX_TEXT:
            raise HeaderError(f"it has more than {MAX_SEGMENTS} tensors, or {MAX_TEXT >> 20} MiB of names")
        found.setdefault(view.key, []).append(view)
    return found


def _content(source: Source, members: Members, name: str, limit: int) -> bytes:
    """The bytes of a member, `b""` when it is not there, compressed or longer than `limit`."""
    member = members.get(name)
    if member is None or not member.stored or member.size > limit:
        return b""
    return source.read(zip_directory.data_offset(source, member), member.size)


def _cut(place: Segment, views: Sequence[View]) -> list[Segment]:
    """A storage as its tensors; as one segment, named for the first of them, when they do not tile it."""
    tiles: dict[tuple[int, int], View] = {}
    for view in views:
        _check(place, view)
        if view.stop > view.start or not place.size:
            tiles.setdefault((view.start, view.stop), view)
    whole = tiles.get((0, place.size))
    chosen = [whole] if whole else [tiles[span] for span in sorted(tiles)]
    if not chosen:
        return [place]
    if not _tiling(chosen, place.size):
        return [place._replace(name=views[0].name, dtype=views[0].storage)]
    return [Segment(place.offset + each.start, each.size, each.name, each.dtype, each.shape) for each in chosen]


def _tiling(views: Sequence[View], size: int) -> bool:
    """Whether views in order, each with its numbers in order, lie side by side and fill `size` bytes."""
    ends = [0, *(view.stop for view in views)]
    starts = [*(view.start for view in views), size]
    return starts == ends and all(view.contiguous for view in views)


def _check(place: Segment, view: View) -> None:
    if view.storage in WIDTHS and view.held * WIDTHS[view.storage] != place.size:
        raise HeaderError(f"the storage of {view.name or 'a tensor'} has another size than its pickle says")
    if view.stop > place.size:
        raise HeaderError(f"{view.name or 'a tensor'} leads outside of its storage")
