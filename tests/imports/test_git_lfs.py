"""Git histories with weights in Git and Git LFS: what comes in is what `git lfs smudge` writes, byte by byte."""

from __future__ import annotations

import hashlib
import random
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

import mvc
from mvc.intake.histories import lfs
from tests.imports import git_repositories
from tests.imports.git_repositories import HAWSER, WEIGHTS, History, Repository, pointer

CONTENT = b"the weights of the first training"
OID = hashlib.sha256(CONTENT).hexdigest()
SAME = f"ext-0-same sha256:{OID}"
POINTERS = {
    "canonical": pointer(CONTENT),
    "hawser": pointer(CONTENT, version=HAWSER),
    "alpha": pointer(CONTENT, version="http://git-media.io/v/2"),
    "unknown version": pointer(CONTENT, version="https://git-lfs.github.com/spec/v2"),
    "carriage returns": pointer(CONTENT, end=b"\r\n"),
    "spaces around it": b"\n  " + pointer(CONTENT) + b" \n",
    "empty lines": pointer(CONTENT, end=b"\n\n"),
    "longer than a pointer": pointer(CONTENT) + b"\n" * 2000,
    "text after 1024 bytes": pointer(CONTENT) + b"\n" * 2000 + b"more",
    "text after it": pointer(CONTENT) + b"more text\n",
    "signed size": pointer(CONTENT).replace(b"size ", b"size +"),
    "negative size": pointer(CONTENT).replace(b"size ", b"size -"),
    "no size": pointer(CONTENT).rpartition(b"size")[0],
    "huge size": pointer(CONTENT).rpartition(b"size")[0] + b"size 9223372036854775808\n",
    "keys in another order": b"".join(reversed(pointer(CONTENT).splitlines(keepends=True))),
    "capital digits": pointer(CONTENT).replace(OID.encode(), OID.upper().encode()),
    "another hash": pointer(CONTENT).replace(b"sha256", b"sha512"),
    "extension": pointer(CONTENT, lines=[SAME]),
    "two extensions": pointer(CONTENT, lines=[SAME, SAME.replace("ext-0", "ext-1")]),
    "an extension twice": pointer(CONTENT, lines=[SAME, SAME]),
    "extensions of one priority": pointer(CONTENT, lines=[SAME, SAME.replace("same", "flip")]),
    "extension with another hash": pointer(CONTENT, lines=[SAME.replace("sha256", "md5")]),
    "priority of two digits": pointer(CONTENT, lines=[SAME.replace("ext-0", "ext-10")]),
    "not UTF-8": b"\xff" + pointer(CONTENT),
    "mentions git-lfs": b"see git-lfs for details",
    "empty": b"",
    "no object": pointer(b"another content"),
}


@pytest.fixture
def smudge(requires: Callable[[str], str]) -> Callable[[Repository, bytes], bytes | None]:
    """What git-lfs writes into the working tree for a content in Git; None if it refuses."""
    program = requires("git-lfs")

    def smudged(repository: Repository, data: bytes) -> bytes | None:
        command = [program, "smudge", "best.pt"]
        done = subprocess.run(command, cwd=repository.folder, input=data, capture_output=True, check=False)
        return done.stdout if done.returncode == 0 else None

    return smudged


def _configure(repository: Repository) -> None:
    """Two extensions: one that changes nothing, and one that changes all letters."""
    for name, program in {"same": "cat", "flip": "tr a-z n-za-m"}.items():
        repository.git("config", f"lfs.extension.{name}.clean", program)
        repository.git("config", f"lfs.extension.{name}.smudge", program)
        repository.git("config", f"lfs.extension.{name}.priority", str(["same", "flip"].index(name)))
    repository.git("config", "lfs.url", "file:///nowhere")


@pytest.mark.parametrize("name", POINTERS)
def test_a_content_is_a_pointer_where_git_lfs_says_so(
    name: str, tmp_path: Path, smudge: Callable[[Repository, bytes], bytes | None]
) -> None:
    repository = Repository(tmp_path / "code").write()
    _configure(repository)
    repository.add_lfs_object(CONTENT)
    data = POINTERS[name]
    found = lfs.parse(data)
    expected = smudge(repository, data)
    if name == "no object":
        assert expected is None
        assert found is not None
    else:
        assert (CONTENT if found is not None else data) == expected
        assert found is None or not found.is_changed


def test_random_histories_are_as_git_lfs_checks_them_out(
    tmp_path: Path, rng: random.Random, smudge: Callable[[Repository, bytes], bytes | None], deep: bool
) -> None:
    for number in range(50 if deep else 3):
        history = git_repositories.random_history(tmp_path / f"code{number}", rng, 14)
        _configure(history.repository)
        _compare(history, tmp_path / f"here{number}", smudge)


def _compare(history: History, here: Path, smudge: Callable[[Repository, bytes], bytes | None]) -> None:
    """Compare each commit with the version that stands for it."""
    source = history.repository
    repo = mvc.init(here, model="other")
    done = repo.imports.git(source.folder)
    outcomes = {step.key: step for step in done.versions}
    ids = {key: step.id for key, step in outcomes.items() if step.id is not None}
    model = repo.model(done.model) if ids else None  # without a version there is no model
    trees, written = {commit: source.weights(commit) for commit in source.parents()}, dict[str, bytes | None]()
    for blob in {blob for tree in trees.values() for blob in tree.values()}:
        written[blob] = smudge(source, source.blob(blob))
        if _is_flipped(source.blob(blob)):
            written[blob] = None  # git-lfs runs the program of the extension, mvc runs none
    states = {
        commit: {path: blob if written[blob] is None else written[blob] for path, blob in tree.items()}
        for commit, tree in trees.items()
    }
    for commit, tree in trees.items():
        lacking = {path for path, blob in tree.items() if written[blob] is None}
        step = outcomes.get(commit)
        if step is None:
            assert any(states[each] == states[commit] for each in source.ancestors(commit) & outcomes.keys())
        elif lacking:
            assert (step.how, {text.partition(" ")[0] for text in step.missing}) == ("left out", lacking)
        else:
            assert model is not None
            version = model[str(step.id)]
            assert version.code is not None
            assert version.code.commit == commit
            read = {file.name: file.read() for file in version.files.values() if file.name in WEIGHTS}
            assert read == {path: written[blob] for path, blob in tree.items()}
    if model is not None:
        _compare_parents(source, ids, model)


def _compare_parents(source: Repository, ids: Mapping[str, str], model: mvc.Model) -> None:
    """The parents of a version are the versions of the nearest commits that have one."""
    above = {commit: source.ancestors(commit) & ids.keys() for commit in ids}
    for commit, id_ in ids.items():
        nearest = {each for each in above[commit] if not any(each in above[other] for other in above[commit])}
        assert {version.id for version in model[id_].parents} == {ids[each] for each in nearest}


def _is_flipped(data: bytes) -> bool:
    found = lfs.parse(data)
    return found is not None and found.is_changed and found.size > 0  # git-lfs writes nothing for a size of 0
