"""Random histories with merges, whose objects are stored without commits: hundreds of versions in no time."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from mvc.model.ids import FileId, VersionId
from mvc.model.manifest import Manifest
from mvc.model.tree import Tree
from mvc.model.version import Person, Timestamp, Version
from mvc.porcelain.init import init
from mvc.repository.model import Model
from mvc.repository.repository import Actor, Repository
from mvc.storage.records.reflog import HEADS, TAGS
from tests.cli.shell import MODEL, START

Content = tuple[Manifest, Tree]
EMPTY: Content = (Manifest(model={"name": MODEL}), Tree.of([]))


@dataclass
class History:
    """The versions of a model in the order of their making, and the parents of each by position."""

    model: Model
    ids: list[VersionId] = field(default_factory=list)
    parents: list[tuple[int, ...]] = field(default_factory=list)
    contents: list[Content] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)

    def add(self, parents: tuple[int, ...], content: Content) -> int:
        """Add a version a minute after the one before; its position."""
        objects, position = self.model.repository.objects, len(self.ids)
        self.numbers.append(1 + (self.numbers[parents[0]] if parents else 0))
        manifest, tree = content
        version = Version(
            parents=tuple(self.ids[parent] for parent in parents),
            number=self.numbers[-1],
            author=Person("Ana", "ana@example.org"),
            time=Timestamp(START + 60 * position),
            message=f"version {position}",
            manifest=objects.put_manifest(manifest),
            tree=objects.put_tree(tree),
            model_toml=FileId("0" * 64),
        )
        self.ids.append(objects.put_version(version))
        self.parents.append(parents)
        self.contents.append(content)
        return position

    def point(self, position: int, name: str = "main", kind: str = HEADS) -> None:
        """Move a ref to a version, at the time of its making and a second for each tag."""
        ref = self.model.ref(kind, name)
        refs = self.model.repository.refs
        seconds = START + 60 * position + len(self.model.names(TAGS))
        actor = Actor(Person("Ana", "ana@example.org"), Timestamp(seconds))
        refs.append(ref, refs.tip(ref), self.ids[position], actor.move(""))


def history(
    root: Path, rng: random.Random, count: int, content: Callable[[tuple[Content, ...]], Content] = lambda _: EMPTY
) -> History:
    """A random history: each version continues a recent one, and a third merges another; main is at the last."""
    root.mkdir(parents=True, exist_ok=True)
    init(root, model=MODEL)
    made = History(Model(Repository(root), MODEL))
    for position in range(count):
        recent = range(max(0, position - 6), position)
        merged = 2 if position > 1 and rng.random() < 1 / 3 else 1
        parents = tuple(rng.sample(recent, min(merged, len(recent))))
        made.add(parents, content(tuple(made.contents[parent] for parent in parents)))
    made.model.repository.door.barrier()
    made.point(count - 1)
    return made
