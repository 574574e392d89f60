"""`mvc show`: one version in full."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import TYPE_CHECKING, Any

from mvc import lazy
from mvc.deferred import dataclass
from mvc.formats.known import WEIGHT_SUFFIXES
from mvc.model.compare.diff import VersionDiff, compare
from mvc.model.compare.text import CONTEXT, TextDiff
from mvc.model.document import Document, keys, rows
from mvc.model.ids import VersionId
from mvc.model.manifest import Manifest
from mvc.model.roles import roles_of
from mvc.model.tensor_count import TensorCount, count
from mvc.model.tree import Tree, TreeEntry
from mvc.model.version import Version
from mvc.porcelain import eval as evaluations
from mvc.porcelain import sign
from mvc.porcelain.eval import ListedEvaluation
from mvc.porcelain.log import NOTE
from mvc.porcelain.sign import ListedSignature
from mvc.registry.tags import notes as registry_notes
from mvc.repository import disk_usage, history, refnames, tensors
from mvc.repository import places as publications
from mvc.repository.compare import texts
from mvc.repository.lineage import Child, Lineage, ModelParent
from mvc.repository.model import Model
from mvc.repository.repository import Repository
from mvc.storage.chunks.recipes import MAX_INLINE
from mvc.storage.records.annotations.remarks import Note
from mvc.storage.records.promised import State
from mvc.storage.records.reflog import Place

if TYPE_CHECKING:
    from mvc.repository.signatures import verify
    from mvc.repository.signatures.trust import Signers
else:
    verify = lazy.Module("mvc.repository.signatures.verify")


@dataclass(frozen=True, slots=True)
class ShownFile(Document):
    """A file, with its state and the tensors that are known of it."""

    KEYS = keys("*entry roles state tensors")
    OPTIONAL = ("tensors",)

    entry: TreeEntry
    roles: tuple[str, ...]
    state: State
    tensors: TensorCount | None


@dataclass(frozen=True)
class Shown(Document):
    """A version in full, with its refs and its changes against its first parent.

    `absent` are the parents recorded as never published, `places` its registry versions, `registry_tags` the tags that these
    had when they were last read; `states` says where the
    content of each path is, `tensors` lists the tensors of files in which they are known. `notes` and `evaluations` are those of the
    version, `tag_messages` the messages of its tags by name. `model_parent` is what `model.parent` names; `children` are the versions made from it, None unless requested.
    `signatures` are as recorded, `verified` their verdict, None unless requested.
    """

    KEYS = keys(
        "model id number=version.number parents=version.parents author=version.author time=version.time",
        "message=version.message code=version.code",
        {"registry": rows("places", "* page")},
        "registry_tags",
        {"names": rows("names", "kind=0 name=1")},
        "manifest_id=version.manifest tree_id=version.tree manifest=sections docker_digest=manifest.docker_digest",
        "model_parent labelmap=manifest.labelmap files changes=difference texts",
        {"notes": rows("notes", NOTE)},
        "evaluations",
        "tag_messages children signatures verified",
    )
    OPTIONAL = ("texts", "verified")

    model: str
    id: VersionId
    version: Version
    manifest: Manifest
    tree: Tree
    names: tuple[tuple[str, str], ...]
    difference: VersionDiff
    absent: frozenset[VersionId]
    places: tuple[Place, ...]
    registry_tags: tuple[str, ...]
    states: dict[str, State]
    tensors: dict[str, TensorCount]
    texts: tuple[TextDiff, ...] = ()
    notes: tuple[Note, ...] = ()
    evaluations: tuple[ListedEvaluation, ...] = ()
    tag_messages: Mapping[str, str] = field(default_factory=dict)
    model_parent: ModelParent | None = None
    children: tuple[Child, ...] | None = None
    signatures: tuple[ListedSignature, ...] = ()
    verified: verify.Verdict | None = None

    @property
    def sections(self) -> dict[str, Any]:
        """The sections of model.toml other than the labelmap."""
        return {key: value for key, value in self.manifest.resolved().items() if key != "labelmap"}

    @property
    def files(self) -> tuple[ShownFile, ...]:
        """The files, with the state and the tensors of each."""
        return tuple(
            ShownFile(entry, roles_of(self.manifest, entry), self.states[entry.path], self.tensors.get(entry.path))
            for entry in self.tree.entries
        )


def show(
    model: Model,
    id_: VersionId,
    *,
    context: int | None = CONTEXT,
    children: bool = False,
    signers: Signers | None = None,
) -> Shown:
    """Return the version `id_` of `model`; raise Missing, Damaged.

    Its small text files are compared with its parent's by line, with `context` equal lines around a change, unless None.
    `children` reads every version of every model; with `signers`, the signatures are verified.
    """
    repository = model.repository
    version = repository.objects.version(id_)
    snapshot = history.snapshot(repository, id_)
    assert snapshot is not None  # noqa: S101 - of a version there always is one
    parent = history.snapshot(repository, history.first_parent(repository.objects, version))
    states, counts = states_and_tensors(repository, snapshot.tree)
    lineage = Lineage(repository)
    places = tuple(publications.places(model, id_))
    decorations = refnames.decorations(model)
    brought = disk_usage.added_bytes(repository, parent.tree if parent else None, snapshot.tree)
    difference = compare(parent, snapshot, new_bytes=brought)
    return Shown(
        model=model.key,
        id=id_,
        version=version,
        manifest=snapshot.manifest,
        tree=snapshot.tree,
        names=tuple(decorations.names.get(id_, ())),
        difference=difference,
        absent=frozenset(version.parents) - frozenset(repository.objects.parents(version)),
        places=places,
        registry_tags=registry_notes.of_places(repository, places),
        states=states,
        tensors=counts,
        texts=() if context is None else texts.differences(repository, difference.files, context=context),
        notes=tuple(repository.remarks.current(model.key, id_)) if id_ in model.noted() else (),
        evaluations=tuple(each.listed for each in evaluations.show(model, id_)),
        tag_messages=decorations.tag_messages(model, id_),
        model_parent=lineage.model_parent(model.key, snapshot.manifest),
        children=lineage.children(id_) if children else None,
        signatures=sign.listed(model, id_),
        verified=verify.version(model, id_, signers) if signers is not None else None,
    )


def states_and_tensors(repository: Repository, tree: Tree) -> tuple[dict[str, State], dict[str, TensorCount]]:
    """Return the state of each file, and the tensors of those in which they are known, by path. Raises Damaged."""
    states: dict[str, State] = {}
    counts: dict[str, TensorCount] = {}
    for entry in tree.entries:  # both of one file at a time, as a recipe stays decoded for a moment
        states[entry.path] = repository.promised.presumed_state(entry)
        found = count(tensors.stored(repository, entry)) if _may_have_tensors(repository, entry) else None
        if found is not None:
            counts[entry.path] = found
    return states, counts


def _may_have_tensors(repository: Repository, entry: TreeEntry) -> bool:
    """Return False for a file that is known without decoding its recipe to have no tensors.

    Such is a small file, as datasets have thousands of, that no trainer names like weights.
    """
    is_small = entry.size <= MAX_INLINE and not entry.path.lower().endswith(WEIGHT_SUFFIXES)
    return not is_small and repository.recipes.may_have_tensors(entry.file)
