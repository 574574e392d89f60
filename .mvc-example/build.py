"""Makes the example's store from its inputs with mvc's Python API: clock, author and nonces are fixed.

    python .mvc-example/build.py [FOLDER]       a repository in FOLDER, or the committed `store/` and `built-with.json`

Ids, refs and decoded bytes come out equal on every machine; the bytes of packs under the same libzstd.
"""

from __future__ import annotations

import itertools
import json
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pictures import HEADS, SHAPES, pictures

from mvc import lazy
from mvc.model.version import Person, Timestamp
from mvc.porcelain.commit import Options, commit
from mvc.porcelain.init import init
from mvc.porcelain.switch import switch
from mvc.repository.model import Model
from mvc.repository.repository import Actor, Repository
from mvc.storage.records.reflog import HEADS as BRANCHES

HERE = Path(__file__).resolve().parent
ANA = Person("Ana Lehtonen", "ana@example.org")
BEN = Person("Ben Müller", "ben@example.org")
SLACK = (".gitignore", "cache", "tmp", "lock")
"""What may be deleted from a store at any time; not committed."""


@dataclass(frozen=True)
class Step:
    """One version: the inputs it is laid out from, later ones over earlier ones, and where it is committed."""

    model: str
    inputs: tuple[str, ...]
    message: str
    author: Person = ANA
    branch: str = "main"
    tags: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()


STEPS = (
    Step("shapes-base", ("1-baseline",), "First baseline: three shapes"),
    Step("shapes-base", ("1-baseline", "2-five-classes"), "Tell crosses and rings too", tags=("2026.1",)),
    Step("shapes-base", ("1-baseline", "3-narrow"), "A hidden layer of 16", author=BEN, branch="narrow"),
    Step(
        "shapes-base",
        ("1-baseline", "2-five-classes", "3-longer"),
        "Train longer\n\nRings are called annuli now, as the customer does. With ONNX, and the momentum to go on from here.",
    ),
    Step(
        "helmet-classifier",
        ("1-frozen-backbone",),
        "Fine-tune shapes-base, backbone frozen",
        author=BEN,
        tags=("baseline",),
        aliases=("prod",),
    ),
    Step(
        "helmet-classifier",
        ("2-caps",),
        "Caps are not helmets\n\nThe classes changed places: consumers must follow.",
        author=BEN,
        aliases=("prod",),
    ),
    Step("helmet-classifier", ("2-caps", "3-night"), "For cameras at night", author=BEN, branch="night"),
    Step("helmet-classifier", ("2-caps", "3-polished"), "Polish the head; ready for deployment", aliases=("prod",)),
)
CALIBRATION = {
    "2-five-classes": ("shapes.u8", pictures(SHAPES, 1200, 3)),
    "3-longer": ("shapes.u8", pictures(SHAPES, 1200, 3) + pictures(SHAPES, 100, 103)),
    "2-caps": ("heads.u8", pictures(HEADS, 700, 22)),
    "3-polished": ("heads.u8", pictures(HEADS, 700, 22) + pictures(HEADS, 60, 122)),
}
"""What the inputs leave out because it is drawn: pictures to calibrate a quantised model with."""


def build(root: Path) -> None:
    """Make the repository in the empty folder `root`."""
    nonces = (f"{number:032x}" for number in itertools.count(1))
    repository = None
    for number, step in enumerate(STEPS):
        actor = Actor(step.author, Timestamp(1_770_112_800 + 86_400 * number, 60), lambda: next(nonces))
        if repository is not None and repository.heads.get(step.model) is not None:
            stand_on(repository, step, actor)
        lay_out(step, root / step.model)
        init(root / step.model, root=root)
        repository = repository or Repository(root)
        options = Options(tags=step.tags, aliases=step.aliases)
        commit(Model(repository, step.model), step.message, actor, options=options)


def lay_out(step: Step, folder: Path) -> None:
    """The working tree of one version."""
    shutil.rmtree(folder, ignore_errors=True)
    for name in step.inputs:
        shutil.copytree(HERE / "inputs" / step.model / name, folder, dirs_exist_ok=True)
        if name in CALIBRATION:
            file, data = CALIBRATION[name]
            (folder / "calibration").mkdir(exist_ok=True)
            (folder / "calibration" / file).write_bytes(data)


def stand_on(repository: Repository, step: Step, actor: Actor) -> None:
    """Switch to the step's branch, made where the model stands when it is new."""
    if step.branch in repository.refs.names(step.model, BRANCHES):
        switch(Model(repository, step.model), step.branch, actor=actor)
    else:
        switch(Model(repository, step.model), None, create=step.branch, actor=actor)


def store_files(repository: Path) -> Iterator[tuple[str, Path]]:
    """Every file of a repository's store but the slack: its name in the store, and where it lies."""
    store = repository / ".mvc"
    for path in sorted(store.rglob("*")):
        name = path.relative_to(store)
        if path.is_file() and name.parts[0] not in SLACK:
            yield name.as_posix(), path


def libzstd() -> str:
    """The version of libzstd that chunks are compressed with here."""
    return str(lazy.load("compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd").zstd_version)


def main() -> None:
    """Build where asked, or anew what is committed."""
    if len(sys.argv) > 1:
        build(Path(sys.argv[1]))
        return
    with tempfile.TemporaryDirectory() as name:
        build(Path(name))
        shutil.rmtree(HERE / "store", ignore_errors=True)
        for file, path in store_files(Path(name)):
            (HERE / "store" / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, HERE / "store" / file)
    (HERE / "built-with.json").write_text(json.dumps({"libzstd": libzstd()}) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
