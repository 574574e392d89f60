"""Random values of the model layer, for properties that must hold of all of them."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from mvc.model.ids import FileId, ManifestId, TreeId, VersionId, digest
from mvc.model.labelmap import Labelmap
from mvc.model.manifest import Manifest
from mvc.model.tree import Tree, TreeEntry
from mvc.model.version import Code, Person, Timestamp, Version

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
INTEGERS = st.integers(-(1 << 63), (1 << 63) - 1)
NUMBERS = INTEGERS | st.floats(allow_nan=False, allow_infinity=False)
LEAVES = TEXT | NUMBERS | st.booleans()
ids = st.binary(max_size=4).map(digest)


def nested(leaves: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """JSON values over `leaves`."""
    return st.recursive(leaves, lambda v: st.lists(v, max_size=4) | st.dictionaries(TEXT, v, max_size=4), max_leaves=12)


JSON = nested(LEAVES | st.none())
VALUES = st.dictionaries(TEXT, nested(LEAVES), max_size=4)


def labelmaps(max_size: int = 8) -> st.SearchStrategy[Labelmap]:
    """Few names and numbers, so that renames and swaps are common."""
    names = st.sampled_from(["cat", "dog", "bus", "truck", "van"])
    classes = st.dictionaries(st.integers(0, 9), names, max_size=max_size)
    return classes.map(lambda each: tuple(sorted(each.items())))


@st.composite
def trees(draw: st.DrawFn, ext: bool = False) -> Tree:
    """Few paths, roles and contents, so that two trees have much in common."""
    paths = draw(st.lists(st.sampled_from(["a", "b", "a/b", "é", "z/y/x", "c.onnx"]), unique=True, max_size=6))
    roles = draw(st.permutations(["r0", "r1", "r2", "r3", "r4", "r5"]))
    files = [draw(st.sampled_from("uvwx")) for _ in paths]
    entries = [
        TreeEntry(path, role, ord(file), FileId(digest(file.encode())), draw(st.booleans()))
        for path, role, file in zip(paths, roles, files, strict=False)
    ]
    tree = Tree.of(entries)
    return Tree(tree.entries, draw(VALUES)) if ext else tree


@st.composite
def manifests(draw: st.DrawFn) -> Manifest:
    """Manifests as `model.toml` makes them: no empty key but below `parameters`."""
    text = TEXT.filter(bool)
    about = draw(st.fixed_dictionaries({"name": text}, optional={"license": text, "framework": text, "parent": text}))
    docker = draw(st.fixed_dictionaries({}, optional={"image": text, "env": st.dictionaries(TEXT, TEXT, min_size=1)}))
    return Manifest(
        model=about,
        files=draw(st.dictionaries(TEXT, TEXT, max_size=3)),
        labelmap=draw(labelmaps()),
        parameters=draw(VALUES),
        metrics=draw(st.dictionaries(TEXT, NUMBERS, max_size=3)),
        docker=docker,
    )


@st.composite
def versions(draw: st.DrawFn) -> Version:
    """Versions of any content."""
    stamp = st.builds(Timestamp, st.integers(-(10**10), 10**11), st.integers(-840, 840))
    code = st.builds(Code, TEXT, st.none() | TEXT, st.none() | TEXT, st.booleans())
    return Version(
        parents=tuple(VersionId(each) for each in draw(st.lists(ids, max_size=3))),
        number=draw(st.integers(1, 10**9)),
        author=Person(draw(TEXT), draw(TEXT)),
        time=draw(stamp),
        message=draw(TEXT),
        manifest=ManifestId(draw(ids)),
        tree=TreeId(draw(ids)),
        model_toml=FileId(draw(ids)),
        code=draw(st.none() | code),
        ext=draw(VALUES),
    )
