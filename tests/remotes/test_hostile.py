"""Remotes that somebody altered by hand: who clones, fetches, pulls or pushes is told, and loses nothing.

Each case alters a good remote; then Ben, who cloned it before, pulls, and Carl clones. Whatever it is: nothing outside their
folders changes, the exit code is a documented one, Ben's files are those he had or whole others, and his store stays sound.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from mvc.model.ids import digest
from mvc.model.tree import Tree, TreeEntry
from mvc.storage.packs import packformat
from tests.remotes.hostile import (
    ANY,
    DAMAGED,
    REFUSED,
    Case,
    Made,
    World,
    index_of,
    inline,
    made,
    pack,
    raw,
    recipe_entry,
    registering,
)

CASES: list[Case] = []
_case = registering(CASES)


def test_the_good_remote_is_good(world: World) -> None:
    before = world.ben_has()
    assert world.run("pull").code == 0
    assert world.clone().code == 0
    assert world.run("fsck", "--read-data").code == 0
    assert world.ben_has() == before


# --- paths of files

PATHS = {
    "up": "../escape", "absolute": "/tmp/escape", "up-within": "a/../../escape", "dot": "./x", "empty": "", "empty-part": "a//b",
    "backslash": "a\\b", "drive": "C:x", "stream": "a:b", "mvc": ".mvc/config.toml", "mvc-capitals": ".MVC/config.toml",
    "mvc-below": "sub/.Mvc/x", "git": ".git/hooks/post-checkout", "git-capitals": ".GIT/config", "git-dot": ".git./config",
    "git-space": ".git /config", "git-short": "git~1/config", "git-ignorable": ".g\u200cit/config", "hg": ".hg/hgrc",
    "con": "con", "nul-suffix": "aux.txt", "superscript": "com\u00b9", "null": "a\x00b", "newline": "a\nb", "escape": "a\x1b[2Jb",
    "bidi": "a\u202eb", "trailing-dot": "a.", "trailing-space": "a ", "decomposed": "e\u0301", "long-part": "x" * 300,
    "deep": "/".join("a" * 100), "long": "/".join(["x" * 200] * 30),
}  # fmt: skip


def _path_case(path: str) -> Callable[[World], object]:
    def alter(world: World) -> None:
        entry = TreeEntry(path, "evil", world.weights.size, world.weights.file)
        world.put_version(tree=Tree.of([*world.tree.entries, entry]).encode())

    return alter


CASES += [Case(f"path-{name}", _path_case(path), REFUSED) for name, path in PATHS.items() if name != "bidi"]
CASES.append(Case("path-bidi", _path_case(PATHS["bidi"]), 0))


def _twins(*paths: str) -> Callable[[World], object]:
    def alter(world: World) -> None:
        entries = [TreeEntry(path, f"role{at}", 3, inline(b"abc").file) for at, path in enumerate(paths)]
        world.put_version(recipe_entry(inline(b"abc")), tree=Tree.of([*world.tree.entries, *entries]).encode())

    return alter


CASES += [
    Case("twins-case", _twins("A.bin", "a.bin"), REFUSED, "A.bin"),
    Case("twins-folder", _twins("A/x", "a/y"), REFUSED),
    Case("twins-file-and-folder", _twins("a", "a/b"), REFUSED),
    Case("twins-sharp-s", _twins("stra\u00dfe", "strasse"), REFUSED),
    Case("model-toml-twice", _twins("model.toml"), REFUSED, "model.toml"),
    Case("model-toml-in-capitals", _twins("Model.TOML"), REFUSED, "Model.TOML"),
]


# --- objects


def _tree(value: Any) -> Callable[[World], object]:
    return lambda world: world.put_version(tree=value if isinstance(value, bytes) else raw(value))


def _manifest(value: object) -> Callable[[World], object]:
    return lambda world: world.put_version(manifest=value if isinstance(value, bytes) else raw(value))


def _version(**fields: Any) -> Callable[[World], object]:
    return lambda world: world.put_raw_version(**fields)


ENTRY = {"path": "x", "role": "x", "size": 3, "file": ANY}
CASES += [
    Case(f"tree-{name}", _tree(value), DAMAGED, "tree")
    for name, value in {
        "list": [],
        "kind": {"kind": "manifest", "entries": []},
        "null-entries": {"kind": "tree", "entries": None},
        "entry-of-other-keys": {"kind": "tree", "entries": [{**ENTRY, "mode": 0o4755}]},
        "entry-setuid": {"kind": "tree", "entries": [{**ENTRY, "exec": 0o4755}]},
        "negative-size": {"kind": "tree", "entries": [{**ENTRY, "size": -1}]},
        "huge-size": b'{"entries":[{"file":"'
        + ANY.encode()
        + b'","path":"x","role":"x","size":'
        + b"9" * 5000
        + b'}],"kind":"tree"}',
        "unsorted": {"kind": "tree", "entries": [{**ENTRY, "path": "b"}, {**ENTRY, "path": "a", "role": "y"}]},
        "twice": {"kind": "tree", "entries": [ENTRY, {**ENTRY, "role": "y"}]},
        "surrogate": b'{"entries":[{"file":"'
        + ANY.encode()
        + b'","path":"\\ud800","role":"x","size":3}],"kind":"tree"}',
        "not-utf8": b'{"kind":"tree\xff"}',
        "nested": b'{"entries":' + b"[" * 100_000 + b"]" * 100_000 + b',"kind":"tree"}',
        "nan": b'{"entries":[NaN],"kind":"tree"}',
        "spaces": b'{ "entries": [], "kind": "tree" }',
        "not-json": b"\x00" * 100,
        "nothing": b" ",
    }.items()
]
CASES += [
    Case(f"manifest-{name}", _manifest(value), DAMAGED, "manifest")
    for name, value in {
        "tree": {"kind": "tree", "entries": []},
        "nameless": {"kind": "manifest", "model": {"type": "X"}},
        "nested": b'{"kind":"manifest","model":{"name":"helmets"},"parameters":'
        + b'{"a":' * 5000
        + b"1"
        + b"}" * 5000
        + b"}",
        "labels": {"kind": "manifest", "model": {"name": "helmets"}, "labelmap": [[-1, "x"]]},
        "number": b'{"kind":"manifest","metrics":{"a":1e999},"model":{"name":"helmets"}}',
    }.items()
]
VERSIONS: dict[str, dict[str, Any]] = {
    "kind": {"kind": "tree"},
    "parents": {"parents": "abc"},
    "many-parents": {"parents": [ANY] * 65},
    "missing-parent": {"parents": [ANY]},
    "number": {"number": 0},
    "float-number": {"number": 2.0},
    "time": {"time": {"seconds": 1 << 60, "offset": 0}},
    "time-before-year-1": {"time": {"seconds": -200_000_000_000, "offset": 0}},
    "time-after-year-9999": {"time": {"seconds": 253_402_300_799, "offset": 840}},
    "message": {"message": "x" * ((1 << 20) + 1)},
    "author": {"author": {"name": 1, "email": "x"}},
    "extra": {"evil": 1},
}
CASES += [Case(f"version-{name}", _version(**fields), DAMAGED, "version") for name, fields in VERSIONS.items()]
CASES += [
    Case("version-of-missing-tree", _version(tree=ANY), DAMAGED, "tree"),
    Case("version-of-missing-manifest", _version(manifest=ANY), DAMAGED, "manifest"),
    Case("version-of-missing-model-toml", _version(model_toml=ANY), DAMAGED, ANY),
    Case("version-whose-number-jumps", _version(number=9), DAMAGED, "number"),
]


@_case("version-whose-tree-is-a-manifest", DAMAGED, "manifest")
def _swapped(world: World) -> None:
    world.put_raw_version(tree=world.version.manifest, manifest=world.version.tree)


@_case("version-whose-model-toml-is-no-toml", DAMAGED, "model.toml")
def _no_toml(world: World) -> None:
    recipe = inline(b"\xff\x00[[[")
    world.put_version(recipe_entry(recipe), model_toml=recipe.file)


@_case("version-whose-model-toml-has-no-name", DAMAGED, "model.toml")
def _no_name(world: World) -> None:
    recipe = inline(b"model = 3\n")
    world.put_version(recipe_entry(recipe), model_toml=recipe.file)


@_case("version-whose-model-toml-is-deep", DAMAGED, "model.toml")
def _deep_toml(world: World) -> None:
    recipe = inline(b"a = " + b"[" * 8000)
    world.put_version(recipe_entry(recipe), model_toml=recipe.file)


@_case("object-under-another-id", DAMAGED)
def _wrong_id(world: World) -> None:
    data = world.after(tree=world.version.tree).encode()
    world.put_meta(made(packformat.OBJECT, data, id_=ANY))
    world.move(ANY)


@_case("object-that-replaces-one-known", 0)
def _wrong_known(world: World) -> None:
    world.put_meta(made(packformat.OBJECT, raw({"kind": "tree", "entries": []}), id_=world.version.tree))


def _bomb(size: int, said: int) -> Made:
    """An entry that unfolds to `size` bytes, and says that it does to `said`."""
    entry, stored = made(packformat.OBJECT, bytes(size))
    return Made(replace(entry, id=ANY, raw=said), stored)


@_case("object-that-unfolds-to-more", DAMAGED)
def _bombed(world: World) -> None:
    world.put_meta(_bomb(64 << 20, 1 << 20))
    world.move(ANY)


@_case("object-too-large", DAMAGED)
def _too_large(world: World) -> None:
    entry, stored = made(packformat.OBJECT, b"x" * 1000)
    world.put_meta(Made(replace(entry, id=ANY, raw=packformat.MAX_METADATA + 1), stored))
    world.move(ANY)


# --- metadata packs


def _first_meta(change: Callable[[bytes], bytes], *, named: bool) -> Callable[[World], object]:
    """A metadata pack that is altered, under the name it had or under the one it should have; Carl needs what was in it."""

    def alter(world: World) -> None:
        path = world.metapacks[0]
        data = change(path.read_bytes())
        path.unlink()
        world.put(f"meta/{digest(data)}.pack" if named else f"meta/{path.name}", data)

    return alter


def _trailer(**fields: int) -> Callable[[bytes], bytes]:
    def change(data: bytes) -> bytes:
        start, count, checksum, magic = packformat.TRAILER.unpack(data[-packformat.TRAILER.size :])
        values = {"start": start, "count": count, **fields}
        return data[: -packformat.TRAILER.size] + packformat.TRAILER.pack(
            values["start"], values["count"], checksum, magic
        )

    return change


def _flip(at: int) -> Callable[[bytes], bytes]:
    return lambda data: data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


METAPACKS: dict[str, Callable[[bytes], bytes]] = {
    "cut": lambda data: data[:-100],
    "cut-to-nothing": lambda _: b"",
    "cut-to-its-trailer": lambda data: data[-packformat.TRAILER.size :],
    "with-more-at-its-end": lambda data: data + b"x",
    "of-another-magic": _flip(3),
    "with-a-flipped-bit": _flip(200),
    "whose-trailer-counts-more": _trailer(count=1 << 62),
    "whose-index-begins-elsewhere": _trailer(start=1 << 63),
    "of-zeros": lambda data: bytes(len(data)),
}
for _name, _change in METAPACKS.items():
    CASES += [
        Case(f"metapack-{_name}-under-its-name", _first_meta(_change, named=False), 0, clone=DAMAGED, says=""),
        Case(f"metapack-{_name}", _first_meta(_change, named=True), 0, clone=DAMAGED),
    ]


def _meta_of(build_entry: Callable[[World], Made], *, needed: bool = True) -> Callable[[World], object]:
    """A metadata pack of one bad entry and of what a new version needs, which is nowhere else."""

    def alter(world: World) -> None:
        data = world.after(tree=world.version.tree).encode()
        world.put_meta(made(packformat.OBJECT, data), build_entry(world))
        world.move(digest(data) if needed else world.tip)

    return alter


def _altered(**fields: Any) -> Callable[[World], Made]:
    def build_entry(_: World) -> Made:
        entry, stored = made(packformat.OBJECT, b"some bytes that are not much")
        return Made(replace(entry, **fields), stored)

    return build_entry


ENTRIES: dict[str, Callable[[World], Made]] = {
    "kind-9": _altered(kind=9),
    "kind-chunk": _altered(kind=packformat.CHUNK),
    "encoding-99": _altered(encoding=99),
    "other-size": _altered(raw=5),
    "depth": _altered(depth=3),
    "width": _altered(width=3),
    "base": _altered(base=ANY),
    "other-id": _altered(id=ANY),
    "recipe-without-file": _altered(kind=packformat.RECIPE),
    "index-of-odd-length": lambda _: made(packformat.PACK_INDEX, b"x" * 83, id_=ANY),
    "index-with-a-gap": lambda _: made(
        packformat.PACK_INDEX, index_of([made(packformat.CHUNK, b"x")])[84:] + b"\xff" * 84, id_=ANY
    ),
    "ref-entry-of-other-id": lambda _: made(packformat.REF_ENTRY, b"x", id_=ANY),
}
CASES += [Case(f"entry-{name}", _meta_of(entry), DAMAGED, "meta") for name, entry in ENTRIES.items()]


@_case("entry-recipe-of-another-file", 0)
def _other_recipe(world: World) -> None:
    world.put_meta(made(packformat.RECIPE, inline(b"abc").encode(), base=world.weights.file))


@_case("metapack-with-moved-offsets", DAMAGED)
def _moved(world: World) -> None:
    data = world.after(tree=world.version.tree).encode()
    whole = pack([made(packformat.OBJECT, data)], cut=8)
    world.put(f"meta/{digest(whole)}.pack", whole)
    world.move(digest(data))


@_case("merged-that-lacks-what-it-replaces", 0)
def _lacking(world: World) -> None:
    for path in world.metapacks:
        there = packformat.HEADER.unpack(path.read_bytes()[8:84])
        index = index_of([made(packformat.OBJECT, b"x" * there[5])])
        entry = made(packformat.PACK_INDEX, index, id_=path.stem)
        data = pack([entry])
        world.put(f"meta/merged/{digest(data)}.pack", data)


@_case("merged-that-replaces-with-nothing", 0)
def _emptied(world: World) -> None:
    data = pack([made(packformat.PACK_INDEX, b"", id_=path.stem) for path in world.metapacks])
    world.put(f"meta/merged/{digest(data)}.pack", data)


@_case("merged-that-replaces-itself", 0)
def _itself(world: World) -> None:
    world.put_meta(
        made(packformat.PACK_INDEX, index_of([made(packformat.CHUNK, b"x")]), id_=ANY), name=f"meta/merged/{ANY}.pack"
    )


@_case("metapack-in-odd-places", 0)
def _odd(world: World) -> None:
    good = world.metapacks[0].read_bytes()
    for name in ("meta/x.pack", "meta/a/b/c.pack", "meta/.pack", f"meta/{ANY}", "meta/%2e%2e.pack", "meta/\udcff.pack"):
        world.put(name, good)


# --- the test of all of them


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_it_is_told_and_nothing_is_lost(world: World, case: Case) -> None:
    case.check(world)
