"""The export of a version's experiment: the only way to give a registry version a context.

    source.experiment.id ─► same parameters, datasets and artifacts as the version? ─ no ─► a plain version, with a warning
                                 └─ yes ─► export ─► remove copied files ─► set the fields ─► name it ─► as begun by mvc

Artifacts that the experiment only copied from its base version are not its results: they are removed where the version has
other files. The copied marker of the base is always removed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mvc import errors
from mvc.deferred import dataclass
from mvc.model.manifest import Manifest
from mvc.model.tree import Tree, TreeEntry
from mvc.registry import fields, marker
from mvc.registry.contents import Contents
from mvc.registry.experiments.protocol import RemoteExperiment
from mvc.registry.files import role_names
from mvc.registry.protocol import Registry, RemoteFile, RemoteModel, RemoteVersion


class CannotExportError(Exception):
    """The version cannot have the context of its experiment; the message is the reason."""


@dataclass(frozen=True, slots=True)
class Plan:
    """An experiment that may be exported as a version, and the artifacts that are only copies from its base."""

    experiment: str
    copies: frozenset[str]


def experiment_of(manifest: Manifest) -> str | None:
    """Return the id of the experiment that a version names; None for none."""
    experiment = manifest.source.get("experiment", {})
    id_ = experiment.get("id") if isinstance(experiment, Mapping) else None
    return id_ if isinstance(id_, str) and id_ else None


def plan(registry: Registry, id_: str, manifest: Manifest, files: Tree) -> Plan:
    """Return the plan to export an experiment as a version with these `files`; it changes nothing.

    Raises CannotExportError if the experiment has other values, and errors of the registry.
    """
    try:
        experiment = registry.experiment(id_)
    except errors.RegistryDenied as error:
        reason = f"experiment {id_} cannot be read"
        raise CannotExportError(reason) from error
    if experiment is None:
        reason = f"experiment {id_} is not on the registry"
        raise CannotExportError(reason)
    contents = Contents(registry, NOWHERE, (), {})
    copies = _Copies(registry, experiment, contents)
    changes = [*_parameters(registry, id_, manifest), *_datasets(registry, id_, manifest)]
    artifacts = marker.without(registry.artifacts(id_))
    names = role_names.assign(files.by_role, [file.name for file in artifacts])
    by_name = {names[role]: entry for role, entry in files.by_role.items()}
    differing = [file for file in artifacts if _differs(contents, file, by_name.get(file.name))]
    changes += [f"file {file.name}" for file in differing if not copies.has(file)]
    if changes:
        reason = f"experiment {experiment.name} has other values: {', '.join(changes)}"
        raise CannotExportError(reason)
    return Plan(id_, frozenset(file.name for file in differing))


def complete(
    registry: Registry, exported: RemoteVersion, planned: Plan, manifest: Manifest, name: str
) -> RemoteVersion:
    """Give an exported version the fields of a manifest, and last its name: then it is one that mvc has begun.

    Raises CannotExportError if the registry keeps other values, and errors of the registry.
    """
    listed = registry.files(exported)
    for file in (*marker.among(listed), *(file for file in listed if file.name in planned.copies)):
        registry.delete_file(file)
    request = fields.request(manifest)
    try:
        remote = registry.update_version(exported, {**_cleared(exported, request), **request})
    except errors.RegistryFault as error:
        raise CannotExportError(str(error.fields.get("reason", error.message))) from error
    changes = fields.changes(request, remote.raw)
    if changes:
        reason = (
            f"the exported version #{exported.number} keeps other values: {', '.join(change.key for change in changes)}"
        )
        raise CannotExportError(reason)
    return registry.update_version(remote, {"name": name})


def _cleared(exported: RemoteVersion, request: Mapping[str, Any]) -> dict[str, Any]:
    """Return empty values for the fields that the export has and the version has not."""
    live = {row.name: row.live(exported.raw) for row in fields.FIELDS if row.name not in request and not row.unset}
    return {name: type(value)() for name, value in live.items() if value is not None}


def _parameters(registry: Registry, id_: str, manifest: Manifest) -> list[str]:
    """Return the parameters of a run that differ from the version's; a run that logged none does not differ."""
    run = registry.run_parameters(id_)
    if run is None:
        return []
    request = {"parameters": fields.request(manifest).get("parameters", {})}
    return [change.key for change in fields.changes(request, {"parameters": run})]


def _datasets(registry: Registry, id_: str, manifest: Manifest) -> list[str]:
    """Return the datasets of an experiment that differ from the version's, if that names any by id."""
    recorded = {(row.get("alias", ""), row["id"]) for row in manifest.source.get("datasets", ()) if row.get("id")}
    attached = {(dataset.alias, dataset.id) for dataset in registry.datasets(id_)}
    aliases = {alias for alias, _ in recorded ^ attached} if recorded else set()
    return [f"dataset {alias}" for alias in sorted(aliases)]


def _differs(contents: Contents, file: RemoteFile, entry: TreeEntry | None) -> bool:
    """Return whether an artifact is not a file of the version, or has other bytes."""
    return entry is None or contents.read(file, entry) != entry.file


NOWHERE = RemoteVersion("", RemoteModel("", ""), 0, "")
"""Artifacts are files of no registry version."""


class _Copies:
    """The files that an experiment copied from its base version, as far as they are still its artifacts."""

    def __init__(self, registry: Registry, experiment: RemoteExperiment, contents: Contents) -> None:
        self._registry = registry
        self._contents = contents
        self._base = experiment.base
        self._files: dict[str, RemoteFile] | None = None

    def has(self, file: RemoteFile) -> bool:
        """Return whether an artifact is a copy: the same stored object, or the same bytes."""
        base = self._of_base().get(file.name)
        if base is None:
            return False
        if base.object_name == file.object_name:
            return True
        return self._contents.of(file) == self._contents.of(base)

    def _of_base(self) -> dict[str, RemoteFile]:
        if self._files is None:
            version = self._registry.version(self._base) if self._base is not None else None
            self._files = {file.name: file for file in self._registry.files(version)} if version is not None else {}
        return self._files
