"""`mvc models`: list and rename the models of a repository."""

from __future__ import annotations

from dataclasses import fields

from mvc import errors
from mvc.deferred import dataclass
from mvc.model import names
from mvc.model.document import Document
from mvc.model.ids import VersionId
from mvc.model.version import Timestamp
from mvc.repository.model import Model
from mvc.repository.repository import Actor, Repository, writes
from mvc.repository.worktree import apply
from mvc.storage.records.journal import Journal, RefStep
from mvc.storage.records.reflog import RefEntry
from mvc.transport import tracking


@dataclass(frozen=True, slots=True)
class ListedModel(Document):
    """A model: its folder below the root, its HEAD (`branch` None: detached), and its type there.

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


@dataclass(frozen=True, slots=True)
class RenamedModel(ListedModel):
    """A renamed model, and the `remotes` on which it keeps its old name."""

    remotes: tuple[str, ...] = ()


def models(repository: Repository) -> list[ListedModel]:
    """Return the models of the repository by name; raise Missing, Damaged."""
    return [_model(repository, name) for name in repository.heads.models()]


@writes
def rename(repository: Repository, old: str, new: str, actor: Actor) -> RenamedModel:
    """Rename the model `old` to `new`: its history, its HEAD, and the name in its model.toml.

    Versions keep the name they were committed with, and remotes keep the model `old`, so the remote-tracking refs of
    `new` are empty. Raises NoModel, BadModelKey, ModelExists, UnfinishedSwitch.
    """
    names.check_model_key(new)
    with repository.writing():
        repository.head(old)
        if new in (*repository.heads.models(), *repository.refs.models()):
            raise errors.ModelExists(model=new)
        remotes = tuple(name for name in repository.config.remotes() if _is_on(repository, name, old))
        apply.change(repository, Journal("models", old, refs=_unseen(Model(repository, old), actor), rename=new))
    listed = _model(repository, new)
    return RenamedModel(**{field.name: getattr(listed, field.name) for field in fields(listed)}, remotes=remotes)


def _is_on(repository: Repository, remote: str, model: str) -> bool:
    """Return whether a ref of the model was seen on the remote, and not deleted since."""
    return any(
        repository.refs.target(ref.tracking_ref(remote)) is not None
        for ref, _ in tracking.all_refs(repository, remote, [model])
    )


def _unseen(model: Model, actor: Actor) -> tuple[RefStep, ...]:
    """Return the entries that empty a model's remote-tracking refs."""
    owns = [
        ref.tracking_ref(remote)
        for remote in model.repository.config.remotes()
        for ref, _ in tracking.all_refs(model.repository, remote, [model.key])
    ]
    move = actor.move("models: renamed")
    return tuple(RefStep(own, RefEntry.after(own, model.repository.refs.tip(own), None, move)) for own in owns)


def _model(repository: Repository, name: str) -> ListedModel:
    head = repository.head(name)
    current = repository.current(name)
    if current is None:
        return ListedModel(name, head.folder, head.branch)
    version = repository.objects.version(current)
    manifest = repository.objects.manifest(version.manifest)
    return ListedModel(
        name,
        head.folder,
        head.branch,
        id=current,
        number=version.number,
        time=version.time,
        type=manifest.type,
        framework=manifest.framework,
    )
