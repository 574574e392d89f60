"""What is measured on: repositories of mvc, and of Git with the same files."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from mvc.model.tree import Tree
from mvc.model.version import Person, Timestamp
from mvc.porcelain.commit import commit
from mvc.porcelain.init import init
from mvc.repository.model import Model
from mvc.repository.parts import MAIN
from mvc.repository.repository import Actor, Repository
from mvc.storage.records.reflog import HEADS
from tests.bench.measure import ENVIRONMENT

ANA = Person("Ana", "ana@example.org")
START = 1_770_000_000
MODEL = "bench"


WEIGHTS = "best.safetensors"


def git(folder: Path, *arguments: str, stdin: bytes = b"") -> None:
    """Run Git in silence."""
    subprocess.run(["git", *arguments], cwd=folder, env=ENVIRONMENT, check=True, input=stdin, stdout=subprocess.DEVNULL)


def with_files(root: Path, count: int) -> None:
    """A model with `count` files of 1 KiB, committed to mvc and to Git."""
    data = root / "data"
    for number in range(count):
        file = data / f"{number // 100:03}" / f"{number:05}.txt"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(f"{number:015}\n".encode() * 64)
    init(root, model=MODEL)
    with (root / "model.toml").open("a", encoding="utf-8") as model_toml:
        model_toml.write('\n[files]\ndata = "data/**"\n')
    commit(Model(Repository(root), MODEL), "files", Actor(ANA, Timestamp(START, 0)))
    git(root, "init", "-q")
    (root / ".gitignore").write_text(".mvc/\n", encoding="utf-8")
    git(root, "add", ".")
    git(root, "commit", "-q", "-m", "files")


def with_versions(root: Path, count: int, classes: int) -> None:
    """A model with `count` versions, each with other parameters and, with `classes`, one renamed class; the same in Git."""
    init(root, model=MODEL)
    repository = Repository(root)
    git(root, "init", "-q", "-b", "main")
    stream = []
    for number in range(count):
        text = _model_toml(number, classes)
        (root / "model.toml").write_text(text, encoding="utf-8")
        commit(Model(repository, MODEL), f"Version {number}", Actor(ANA, Timestamp(START + 60 * number, 0)))
        stream.append(_fast_import(number, text.encode()))
    git(root, "fast-import", "--quiet", stdin=b"".join(stream))


def with_history(root: Path, count: int, weights: bytes = b"", later: Callable[[int], bytes] | None = None) -> None:
    """A model with `count` versions on one branch, each with a manifest of its own: made of objects, without commits.

    All of them have `weights`, if there are any, and two classes; or later ones by their number what `later` returns.
    """
    init(root, model=MODEL)
    text = _model_toml(1, 2 if weights else 0)
    if weights:
        (root / WEIGHTS).write_bytes(weights)
        text += f'\n[files]\nmodel-latest = "{WEIGHTS}"\n'
    (root / "model.toml").write_text(text, encoding="utf-8")
    repository = Repository(root)
    model, objects = Model(repository, MODEL), repository.objects
    commit(model, "Version 1", Actor(ANA, Timestamp(START, 0)))
    tip = model.current
    assert tip is not None
    version = objects.version(tip)
    manifest, ingest = objects.manifest(version.manifest), repository.ingest(None)
    first = tree = version.tree
    for number in range(2, count + 1):
        if later is not None:
            (root / WEIGHTS).write_bytes(later(number))
            with (root / WEIGHTS).open("rb") as file:
                stored = ingest.add(file.fileno(), WEIGHTS, "model-latest")
            [entry] = objects.tree(first).entries
            tree = objects.put_tree(Tree((entry._replace(file=stored.file, size=stored.size),)))
        metrics = {"mAP50": number * 7919 % 10_007 / 10_007, "mAP50-95": 0.4}
        of_number = objects.put_manifest(replace(manifest, metrics=metrics, parameters={"epochs": number}))
        time = Timestamp(START + 60 * number, 0)
        version = replace(
            version,
            parents=(tip,),
            number=number,
            time=time,
            message=f"Version {number}",
            manifest=of_number,
            tree=tree,
        )
        tip = objects.put_version(version)
        if number % 1_000 == 0:
            repository.door.barrier()
    ingest.close()
    branch = model.ref(HEADS, MAIN)
    with repository.locked():
        repository.refs.append(branch, repository.refs.tip(branch), tip, Actor(ANA, version.time).move("bench"))


def _model_toml(number: int, classes: int) -> str:
    names = [f'{i} = "class {i}{" again" if i == number % classes else ""}"' for i in range(classes)]
    labelmap = "\n[labelmap]\n" + "\n".join(names) + "\n" if names else ""
    return (
        f'[model]\nname = "{MODEL}"\n{labelmap}\n[parameters]\nepochs = {number}\n\n[metrics]\nmAP50 = 0.{number:04}1\n'
    )


def _fast_import(number: int, text: bytes) -> bytes:
    message = f"Version {number}".encode()
    head = f"commit refs/heads/main\ncommitter Ana <ana@example.org> {START + 60 * number} +0000\n".encode()
    body = b"data %d\n%s\nM 100644 inline model.toml\ndata %d\n%s\n" % (len(message), message, len(text), text)
    return head + body
