"""Two people, a model with weights, and a folder between them."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mvc.model.ids import VersionId
from mvc.porcelain.push import Pushed, push
from mvc.porcelain.remote import approve
from mvc.remotes.backends.backend import Backend
from mvc.remotes.backends.local import LocalBackend
from mvc.remotes.remote import Remote
from mvc.repository.model import Model
from mvc.storage.records.reflog import HEADS, RefName
from mvc.transport import connection
from mvc.transport.refspec import RefUpdate
from tests.cli.shell import MODEL, Shell, begin
from tests.remotes.backends import Place
from tests.weights import network, safetensors, tuned

MAIN = RefName(MODEL, HEADS, "main")
WEIGHTS = "w.safetensors"


def remote_on(backend: Backend) -> Remote:
    """A remote called origin, one transfer at a time, that never waits."""
    return Remote("origin", backend, lambda _: None, jobs=1)


def folder(path: Path) -> Remote:
    """A folder as a remote."""
    return remote_on(LocalBackend(path))


def push_main(shell: Shell, remote: Remote, **how: Any) -> Pushed:
    """Push the branch main."""
    repository = shell.repository
    tip = repository.refs.target(MAIN)
    assert tip is not None
    return push(Model(repository, MODEL), remote, [RefUpdate(MAIN, VersionId(tip), "main")], shell.actor, **how)


def push_and_delete(shell: Shell, rng: random.Random) -> None:
    """Push a branch `night` with weights of its own, and delete it on origin; it stays here, checked out."""
    shell.ok("switch", "-c", "night")
    shell.write(WEIGHTS, rng.randbytes(300_000))
    shell.ok("add", WEIGHTS, "--as", "more")
    shell.commit("to be removed")
    shell.ok("push", "origin", "night")
    shell.ok("push", "origin", "--delete", "night")


class Weights:
    """Weights that are trained on, version by version."""

    def __init__(self, shell: Shell, rng: random.Random, *, layers: int = 4, width: int = 256) -> None:
        self._shell = shell
        self._rng = rng
        self._tensors = network(rng, layers, width)
        shell.write(WEIGHTS, safetensors(self._tensors))
        shell.ok("add", WEIGHTS, "--as", "weights")

    def train(self) -> None:
        self._tensors = tuned(self._tensors, self._rng)
        self._shell.write(WEIGHTS, safetensors(self._tensors))


def ana(tmp_path: Path, monkeypatch: Any, rng: random.Random, *, versions: int = 2) -> tuple[Shell, Weights]:
    """Ana's repository in `tmp_path/ana`, with `versions` versions of weights, the later ones deltas; origin is `tmp_path/origin`."""
    shell = begin(_made(tmp_path / "ana"), monkeypatch)
    weights = Weights(shell, rng)
    shell.commit("one")
    for number in range(1, versions):
        weights.train()
        shell.commit(f"version {number + 1}")
    shell.repository.config.set_remote("origin", {"url": str(tmp_path / "origin")})
    return shell, weights


def clone(tmp_path: Path, monkeypatch: Any, name: str, *options: str, place: Place = ("origin", {})) -> Shell:
    """A clone of `place`, which is `tmp_path/origin` if nothing is said, in `tmp_path/name`."""
    shell = Shell(tmp_path, monkeypatch)
    url, settings = place
    given = [each for key, value in settings.items() for each in ("-o", f"{key}={value}")]
    shell.ok("clone", *options, *given, url, name)
    shell.folder = tmp_path / name
    return shell


def set_origin(shell: Shell, place: Place) -> None:
    """Have the remote origin be `place`, of which Ana approves."""
    url, options = place
    repository = shell.repository
    repository.config.set_remote("origin", {"url": url, **options})
    approve(repository, "origin")


@contextmanager
def origin(shell: Shell) -> Iterator[Remote]:
    """The remote origin of a shell, as its settings say."""
    with connection.open_remote(shell.repository, "origin") as remote:
        yield remote


def _made(path: Path) -> Path:
    path.mkdir()
    return path
