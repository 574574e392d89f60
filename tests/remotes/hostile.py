"""A remote that somebody altered by hand: a good one, made once, copied for each test, and what can be put into it.

What is written goes through the project's own writers where they let it pass, and is made byte by byte where they refuse.
"""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import signal
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple

from mvc.model.ids import FileId, ManifestId, TreeId, VersionId, digest
from mvc.model.tree import Tree, TreeEntry
from mvc.model.version import Person, Timestamp, Version
from mvc.remotes.backends.local import LocalBackend
from mvc.remotes.refs import RemoteRefs
from mvc.repository.repository import Repository
from mvc.storage.chunks import codec
from mvc.storage.chunks.recipes import INLINE, Recipe
from mvc.storage.packs import packformat
from mvc.storage.packs.packformat import Entry
from mvc.storage.records.reflog import Move, RefEntry, RefName
from tests import effort
from tests.cli.shell import Said, Shell, begin
from tests.remotes.clones import MAIN, WEIGHTS, Weights, clone

DOCUMENTED = {0, 1, 2, 12, 13, 14, 15, 16, 17}
DAMAGED = 14
REFUSED = 17
COMMANDS = (
    ("status",),
    ("log",),
    ("log", "origin/main"),
    ("show", "origin/main"),
    ("diff", "good-one", "origin/main"),
    ("ls", "origin/main"),
)
"""What Ben looks at afterwards."""
_OBEYED = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_HANGS = 300
"""Seconds after which a command is stopped, whatever a remote says to it."""
MALLORY = Person("Mallory", "m@example.org")
NOW = Timestamp(1_770_200_000)
ANY = digest(b"any")
"""An id of nothing that is anywhere."""


class Made(NamedTuple):
    """An entry of a pack, and its stored bytes."""

    entry: Entry
    stored: bytes


def made(kind: int, data: bytes, *, id_: str | None = None, base: str | None = None) -> Made:
    """A sound entry, under another id if one is given; `base` is the file of a recipe."""
    encoding, stored = codec.encode(data)
    return Made(Entry(id_ or digest(data), kind, encoding, len(data), len(stored), base=base), bytes(stored))


def pack(entries: Iterable[Made], *, cut: int = 0) -> bytes:
    """The bytes of a pack; `cut` moves its entries' offsets in the index."""
    body, placed = packformat.MAGIC, []
    for entry, stored in entries:
        at = replace(entry, offset=len(body))
        placed.append(replace(at, offset=at.offset + cut))
        body += at.header() + stored
    index = packformat.index_bytes(placed)
    return (
        body
        + index
        + packformat.TRAILER.pack(len(body), len(placed), bytes.fromhex(digest(index)), packformat.INDEX_MAGIC)
    )


def index_of(entries: Iterable[Made]) -> bytes:
    """The index of a pack of these entries."""
    placed, offset = [], len(packformat.MAGIC)
    for entry, _ in entries:
        placed.append(replace(entry, offset=offset))
        offset = placed[-1].end
    return packformat.index_bytes(placed)


class World:
    """Ana's remote in `origin`, Ben's clone of it in `ben`, and nothing in `carl`, all in one folder beside a bystander."""

    def __init__(self, folder: Path, monkeypatch: Any) -> None:
        self.folder = folder
        self.origin = folder / "origin"
        self.patch = monkeypatch
        self.ben = Shell(folder / "ben", monkeypatch)
        repository = Repository(folder / "ben")
        repository.config.set_remote("origin", {"url": str(self.origin)})
        tip = repository.refs.target(MAIN)
        assert tip is not None
        self.repository = repository
        self.tip = VersionId(tip)
        self.version = repository.objects.version(self.tip)
        self.tree = repository.objects.tree(self.version.tree)
        self.manifest = repository.objects.manifest(self.version.manifest)
        self.weights = self.tree.by_path[WEIGHTS]

    # --- what lies there

    @property
    def metapacks(self) -> list[Path]:
        return sorted((self.origin / "meta").glob("*.pack"))

    @property
    def packs(self) -> list[Path]:
        return sorted((self.origin / "packs").rglob("*.pack"))

    def log(self, ref: RefName = MAIN) -> Path:
        """The folder of a name's entries."""
        return self.origin / ref.folder

    def refs(self) -> RemoteRefs:
        return RemoteRefs(LocalBackend(self.origin), lambda _: None)

    # --- putting things there

    def put(self, name: str, data: bytes) -> Path:
        path = self.origin / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        path.write_bytes(data)
        return path

    def put_meta(self, *entries: Made, name: str | None = None) -> str:
        """A metadata pack of entries; its id."""
        data = pack(entries)
        self.put(name or f"meta/{digest(data)}.pack", data)
        return digest(data)

    def put_chunks(self, *entries: Made) -> str:
        """A pack of chunks, and a metadata pack that names it."""
        data = pack(entries)
        self.put(packformat.path(digest(data)), data)  # type: ignore[arg-type]
        self.put_meta(made(packformat.PACK_INDEX, index_of(entries), id_=digest(data)))
        return digest(data)

    def move(self, new: str, ref: RefName = MAIN) -> RefEntry:
        """Have a name stand for `new`, as a push does."""
        return self.refs().move(ref, self.refs().tip(ref), VersionId(new), Move("Mallory", NOW, "push", "ab" * 16))

    def put_entry(self, record: dict[str, Any], ref: RefName = MAIN, seq: int = 2) -> Path:
        """An entry of a log, sealed, whatever its fields are."""
        bare = {key: value for key, value in record.items() if key != "sum"}
        return self.put(ref.path(seq), raw({**bare, "sum": digest(raw(bare))}))

    def next_entry(self, **changes: Any) -> dict[str, Any]:
        """The record of the entry after main's newest, with changes."""
        tip = self.refs().tip(MAIN)
        entry = RefEntry.after(MAIN, tip, self.tip, Move("Mallory", NOW, "push", "ab" * 16))
        record: dict[str, Any] = json.loads(entry.encode())
        return {**record, **changes}

    def put_version(
        self, *others: Made, tree: bytes | None = None, manifest: bytes | None = None, **fields: Any
    ) -> str:
        """A version after main's tip, with an altered tree or manifest, and other entries; main stands for it then."""
        tree = tree if tree is not None else self.tree.encode()
        manifest = manifest if manifest is not None else self.manifest.encode()
        version = self.after(tree=TreeId(digest(tree)), manifest=ManifestId(digest(manifest)), **fields)
        data = version.encode()
        self.put_meta(
            made(packformat.OBJECT, tree), made(packformat.OBJECT, manifest), made(packformat.OBJECT, data), *others
        )
        self.move(digest(data))
        return digest(data)

    def after(self, **fields: Any) -> Version:
        """A version after main's tip."""
        number = self.version.number + 1
        return replace(self.version, parents=(self.tip,), number=number, message="hostile", author=MALLORY, **fields)

    def put_raw_version(self, **fields: Any) -> str:
        """A version after main's tip, whatever its fields are."""
        data = raw({**json.loads(self.after().encode()), **fields})
        self.put_meta(made(packformat.OBJECT, data))
        self.move(digest(data))
        return digest(data)

    def put_file(self, recipe: Recipe, *others: Made, path: str = "new.bin", size: int | None = None) -> str:
        """A version with one more file, which has this recipe."""
        size = recipe.size if size is None else size
        entry = TreeEntry(path, "new", size, recipe.file)
        return self.put_version(recipe_entry(recipe), *others, tree=Tree.of([*self.tree.entries, entry]).encode())

    # --- what came of it

    def outside(self) -> dict[str, tuple[int, str]]:
        """All that lies beside Ben's and Carl's folders: mode, and the hash of what is in it."""
        found = {}
        for above, folders, files in os.walk(self.folder):
            if above == str(self.folder):
                folders[:] = [each for each in folders if each not in ("ben", "carl")]
            for name in files:
                path = os.path.join(above, name)
                mode = os.lstat(path).st_mode
                plain = os.path.isfile(path) and not os.path.islink(path)
                small = plain and os.path.getsize(path) < 1 << 26
                found[path] = (mode, digest(Path(path).read_bytes()) if small else "")
        return found

    def ben_has(self) -> dict[str, bytes]:
        """Ben's working tree."""
        top = self.ben.folder
        files = [path for path in top.rglob("*") if path.is_file() and ".mvc" not in path.relative_to(top).parts[:1]]
        return {str(path.relative_to(top)): path.read_bytes() for path in files}

    def clone(self) -> Said:
        """What Carl is told, who clones."""
        shell = Shell(self.folder, self.patch)
        with in_time():
            return shell("clone", str(self.origin), "carl")

    def run(self, *arguments: str) -> Said:
        """What Ben is told."""
        with in_time():
            return self.ben(*arguments)


def recipe_entry(recipe: Recipe) -> Made:
    """The entry of a recipe."""
    return made(packformat.RECIPE, recipe.encode(), base=recipe.file)


def inline(data: bytes) -> Recipe:
    """The recipe of a small file."""
    return Recipe(FileId(digest(data)), len(data), INLINE, inline=data)


def raw(value: object) -> bytes:
    """Canonical JSON, without a look at what it says."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def build(folder: Path, monkeypatch: Any) -> None:
    """The good remote, a clone, and a bystander."""
    (folder / "ana").mkdir()
    shell = begin(folder / "ana", monkeypatch)
    weights = Weights(shell, random.Random(3), layers=1, width=64)
    shell.commit("one")
    weights.train()
    shell.commit("two")
    shell.repository.config.set_remote("origin", {"url": str(folder / "origin")})
    shell.ok("push")
    shell.ok("tag", "good-one", "v1")
    shell.ok("push", "origin", "good-one")
    clone(folder, monkeypatch, "ben")
    (folder / "secret").write_text("nobody's business")
    shutil.rmtree(folder / "ana")


@contextmanager
def in_time() -> Iterator[None]:
    """Fails what takes long, and ends what never would."""

    def end(_: int, __: FrameType | None) -> None:
        raise AssertionError("it hangs")

    before, start = signal.signal(signal.SIGALRM, end), time.process_time()
    signal.alarm(_HANGS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
    took = time.process_time() - start
    assert took < effort.HANG, f"it took {took:.1f} s"


@dataclass(frozen=True)
class Case:
    """One alteration of a remote: the exit codes of a pull and a clone after it, 0 where all is well, and a word that is said."""

    name: str
    alter: Callable[[World], object]
    pull: int
    says: str = ""
    clone: int | None = None

    def check(self, world: World) -> None:
        """Alter it, have Ben pull and Carl clone, and see what that did."""
        self.alter(world)
        outside, before = world.outside(), world.ben_has()
        pulled = world.run("pull")
        cloned = world.clone()
        check_said(pulled, {self.pull}, self.says)
        check_said(
            cloned,
            {self.pull if self.clone is None else self.clone},
            self.says if cloned.code == self.pull != 0 else "",
        )
        assert world.outside() == outside
        if pulled.code:
            assert world.ben_has() == before
        check_sound(world)
        for command in COMMANDS:
            check_said(world.run(*command), DOCUMENTED)


def registering(cases: list[Case]) -> Callable[..., Callable[[Callable[[World], None]], None]]:
    """A decorator that makes a case of a function."""

    def case(
        name: str, pull: int, says: str = "", clone: int | None = None
    ) -> Callable[[Callable[[World], None]], None]:
        return lambda alter: cases.append(Case(name, alter, pull, says, clone))

    return case


def check_said(said: Said, codes: set[int], says: str = "") -> None:
    """A documented answer, in which a terminal finds nothing to obey."""
    assert "internal error" not in said.err, said
    assert said.code in codes, said
    assert says in said.err + said.out, said
    assert not _OBEYED.search(said.err + said.out), said


def check_sound(world: World) -> None:
    """Ben's store has nothing wrong with it but what came with the hostile version."""
    said = world.run("fsck", "--json")
    assert said.code in (0, DAMAGED), said
    known = {world.tip[:10], *(parent[:10] for parent in world.version.parents)}
    for finding in said.json["findings"]:
        assert finding["kind"] in ("path", "missing", "object", "recipe", "number", "content"), finding
        assert not any(id_ in finding["message"] for id_ in known), finding
