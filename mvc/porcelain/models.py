"""`mvc models`: the models of a repository, and how one gets another name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mvc import errors
from mvc.model import names
from mvc.model.ids import VersionId
from mvc.model.version import Timestamp
from mvc.repository.repository import Actor, Repository, writes
from mvc.repository.worktree import apply
from mvc.storage.records.journal import Journal, RefStep
from mvc.storage.records.reflog import RefEntry
from mvc.transport import tracking


@dataclass(frozen=True, slots=True)
class Model:
    """One model: its folder from the root, where it stands (`branch` None: detached), and what it is there.

    `id`, `number` and `time` are None before its first commit.
    """

    name: str
    folder: str
    branch: str | None
    id: VersionId | None = None
    number: int | None = None
    time: Timestamp | None = None
    type: str | None = None
    framework: str | None = None

    def to_json(self) -> dict[str, Any]:
        """For machines."""
        return {
            "name": self.name,
            "folder": self.folder,
            "branch": self.branch,
            "id": self.id,
            "number": self.number,
            "time": self.time.utc() if self.time else None,
            "type": self.type,
            "framework": self.framework,
        }


def models(repository: Repository) -> list[Model]:
    """The models of the repository, by name. Raises Missing, Damaged."""
    return [_model(repository, name) for name in repository.heads.models()]


@writes
def rename(repository: Repository, old: str, new: str, actor: Actor) -> Model:
    """Give the model `old` the name `new`: its history, where it stands, and the name in its model.toml.

    Versions keep the name they were committed with, and remotes keep the model under the name `old`: nothing was seen of
    `new` there. Raises NoModel, BadModelKey, ModelExists, UnfinishedSwitch.
    """
    names.check_model_key(new)
    with repository.writing():
        repository.head(old)
        if new in (*repository.heads.models(), *repository.refs.models()):
            raise errors.ModelExists(model=new)
        apply.change(repository, Journal("models", old, refs=_unseen(repository, old, actor), rename=new))
    return _model(repository, new)


def _unseen(repository: Repository, model: str, actor: Actor) -> tuple[RefStep, ...]:
    """The ref entries by which nothing of a model is seen on any remote."""
    owns = [
        ref.tracking_ref(remote)
        for remote in repository.config.remotes()
        for ref, _ in tracking.all_refs(repository, remote, [model])
    ]
    move = actor.move("models: renamed")
    return tuple(RefStep(own, RefEntry.after(own, repository.refs.tip(own), None, move)) for own in owns)


def _model(repository: Repository, name: str) -> Model:
    head = repository.head(name)
    current = repository.current(name)
    if current is None:
        return Model(name, head.folder, head.branch)
    version = repository.objects.version(current)
    manifest = repository.objects.manifest(version.manifest)
    return Model(
        name,
        head.folder,
        head.branch,
        id=current,
        number=version.number,
        time=version.time,
        type=manifest.type,
        framework=manifest.framework,
    )
