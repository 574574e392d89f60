"""`mvc restore`: restore files of the working tree from a version, and the entries of roles in model.toml."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

from mvc import errors
from mvc.deferred import dataclass
from mvc.model.document import Document, keys
from mvc.model.ids import VersionId
from mvc.model.manifest import Manifest
from mvc.model.tree import Tree, TreeEntry
from mvc.porcelain.edit import Edited, edits_of
from mvc.repository import history, revisions
from mvc.repository.model import Model
from mvc.repository.repository import Repository, writes
from mvc.repository.worktree import checkout, model_file, role_entry, typed
from mvc.storage.progress import Progress
from mvc.transport import promises


@dataclass(frozen=True, slots=True)
class Restored(Document):
    """The files that were written, and the changed keys of model.toml: the paths of roles that were moved or removed."""

    KEYS = keys("written changes")

    written: tuple[str, ...]
    changes: tuple[Edited, ...] = ()
    deleted: tuple[str, ...] = ()


@writes
def restore(
    model: Model,
    names: Sequence[str],
    *,
    source: VersionId | None = None,
    below: str = "",
    discard: bool = False,
    progress: Progress | None = None,
) -> Restored:
    """Overwrite the files named by `names` with those of `source`, by default the current version.

    Edits come back with `mvc undo`, unless they are to `discard`.

    A name is a role, a glob's role, a path or a folder, relative to the folder `below` the model's, or `model.toml`; no
    names mean all files. A role gets the path that `source` has for it in model.toml, too. Raises NoVersionYet, NotInVersion,
    TooMuchToKeep, BadToml, CannotEdit, Damaged.
    """
    repository = model.repository
    source = source or model.current
    if source is None:
        raise errors.NoVersionYet(model=model.key)
    version = repository.objects.version(source)
    folder = repository.root / model.folder
    files = promises.entries_by_role(repository, source)
    named = _named(repository, files, names, source, folder, below)
    promises.ensure_present(repository, named, progress)
    with repository.writing():
        tree = repository.objects.tree(version.tree)
        changes: tuple[Edited, ...] = ()
        toml: tuple[TreeEntry, ...] = ()
        old: tuple[TreeEntry, ...] = ()
        if any(entry.path == model_file.NAME for entry in named):
            tree = checkout.files_of(model, source)
        else:
            manifest = repository.objects.manifest(version.manifest)
            old, toml, changes = _entries(model, manifest, _roles(manifest, names, folder, below))
        chosen = {entry.path for entry in named}
        entries = [entry for entry in tree.entries if entry.path in chosen]
        base, wanted = Tree((*entries, *old)), Tree((*entries, *toml))
        moved = checkout.move(
            model, "restore", base=base, wanted=wanted, force=True, discard=discard, progress=progress
        )
    written = tuple(path for path in moved.written if not toml or path != model_file.NAME)
    return Restored(written, changes)


def _roles(manifest: Manifest, names: Sequence[str], folder: Path, below: str) -> list[str]:
    """Return the names that are roles of model.toml."""
    known = role_entry.roles(manifest)
    meanings = ([candidate.name for candidate in typed.candidates(folder, below, name)] for name in names)
    return [role for role in (next((each for each in names if each in known), None) for names in meanings) if role]


def _entries(
    model: Model, source: Manifest, roles: Collection[str]
) -> tuple[tuple[TreeEntry, ...], tuple[TreeEntry, ...], tuple[Edited, ...]]:
    """Return model.toml as it is, and stored with the entries of `roles` in `source`, and the changes; nothing for none."""
    data = model_file.read(model.repository, model.folder) if roles else None
    text, changed = role_entry.restored(data.decode(), source, roles) if data is not None else ("", [])
    if data is None or not changed:
        return (), (), ()
    after = text.encode()
    entry = model_file.entry(data)
    stored = entry._replace(size=len(after), file=checkout.store_small(model.repository, after))
    return (entry,), (stored,), edits_of(data, after, changed)


def _named(
    repository: Repository,
    files: Sequence[TreeEntry],
    names: Sequence[str],
    source: VersionId,
    folder: Path,
    below: str,
) -> list[TreeEntry]:
    if not names:
        return list({entry.path: entry for entry in files}.values())
    found: dict[str, TreeEntry] = {}
    for name in names:
        tried = ([entry for entry in files if _matches(entry, each)] for each in typed.candidates(folder, below, name))
        matching = next(filter(None, tried), [])
        if not matching:
            version = history.label(repository, source)
            raise revisions.not_in_version(version, name)
        found |= {entry.path: entry for entry in matching}
    return list(found.values())


def _matches(entry: TreeEntry, candidate: typed.Candidate) -> bool:
    name = candidate.name
    if candidate.is_role:
        return name == entry.role or entry.role.startswith(f"{name}/")
    plain = name.removeprefix("./").rstrip("/")
    below = plain in {"", "."} or entry.path.startswith(f"{plain}/")
    return name == entry.role or plain == entry.path or below or entry.role.startswith(f"{name}/")
