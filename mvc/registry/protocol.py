"""The interface of a registry (a typing protocol): read and create models, their versions and their files.

    organization ─► RemoteModel ─► RemoteVersion ─► RemoteFile
                                        └─► RemoteContext: its experiment and dataset versions

It changes and deletes nothing, except that a version which was just exported is completed. `raw` keeps the answers
unchanged: they may have values and keys that this release does not know.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from pathlib import Path
from typing import Any, Protocol

from mvc.deferred import dataclass
from mvc.registry.experiments.protocol import Experiments, RemoteExperiment

Raw = Mapping[str, Any]
"""An unchanged answer; `without_addresses` removes the signed addresses, which must not be stored."""
_SIGNED = re.compile(r"(https?://[^\s?#]*)[?#]\S*")
TIMES = ("created_at", "creation_date")
"""Keys of an answer that may have the time of creation."""
Sink = Callable[[bytes], object]
"""A consumer of the bytes of a download, block by block."""


@dataclass(frozen=True, slots=True)
class RemoteModel:
    """A model of a registry."""

    id: str
    name: str
    raw: Raw = field(default_factory=dict, compare=False)

    @property
    def description(self) -> str:
        """The model's description; empty for none."""
        return text(self.raw, "description") or ""


@dataclass(frozen=True, slots=True)
class RemoteVersion:
    """A registry version: `number` is assigned by the registry, for display; `name` is unique in its model."""

    id: str
    model: RemoteModel
    number: int
    name: str
    raw: Raw = field(default_factory=dict, compare=False)


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file of a registry version: `name` is its role, `filename` its base name; neither can be trusted."""

    id: str
    name: str
    filename: str
    object_name: str
    large: bool
    raw: Raw = field(default_factory=dict, compare=False)


@dataclass(frozen=True, slots=True)
class RemoteDataset:
    """A dataset version: `alias` is its name in the experiment; `name` and `version` are None if they were not asked for."""

    id: str
    alias: str
    name: str | None = None
    version: str | None = None


@dataclass(frozen=True, slots=True)
class RemoteDatasetVersion:
    """A dataset version: the id and name of its dataset, and the text that names the version in it.

    `type` is None if it was never set; `created` is in milliseconds since 1970, None if it is not known.
    """

    id: str
    dataset: str
    name: str
    version: str
    type: str | None = None
    created: int | None = None

    @property
    def label(self) -> str:
        """The names of the dataset and of the version, as a user writes them."""
        return f"{self.name}@{self.version}"


@dataclass(frozen=True, slots=True)
class RemoteContext:
    """The experiment, dataset versions and parameters that a version was trained with."""

    experiment: str | None
    datasets: Sequence[RemoteDataset] = ()
    parameters: Raw = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RemoteTag:
    """A tag of registry versions. It is the organization's: any number of versions may have it, of any model."""

    id: str
    name: str


class VersionTags(Protocol):
    """The tags of registry versions; to add one twice, or to remove an absent one, changes nothing.

    Every method may raise as those of Registry.
    """

    def of(self, version: RemoteVersion) -> Sequence[RemoteTag]:
        """Return the tags of a version: from its answer, if that has them, else from a new one."""

    def ensure(self, name: str) -> RemoteTag:
        """Return the tag of that name; create it if it is absent."""

    def add(self, tag: RemoteTag, version: RemoteVersion) -> None:
        """Add a tag to a version."""

    def remove(self, tag: RemoteTag, version: RemoteVersion) -> None:
        """Remove a tag from a version."""


class Registry(Protocol):
    """One organization of a registry.

    Its methods may be called from several threads. Each may raise RegistryUnreachable, RegistryDenied, CertificateRefused,
    RegistryFault; those that touch files also NoConnector. A create whose answer is lost is looked up before
    it is retried; it raises RegistryUncertain if the lookup has no answer either. A model or version that somebody else
    created meanwhile under the same name is returned as if it were new; a file raises RegistryConflict.
    """

    @property
    def organization(self) -> str:
        """The organization's name."""

    @property
    def host(self) -> str:
        """The address of the platform: `https://app.picsellia.com`."""

    @property
    def tags(self) -> VersionTags:
        """The tags of its versions."""

    @property
    def experiments(self) -> Experiments:
        """The organization's projects and experiments."""

    def page(self, version_id: str) -> str:
        """Return the address of a version's page."""

    def check_storage(self) -> None:
        """Raise NoConnector unless the organization can store files."""

    def models(self) -> Sequence[RemoteModel]:
        """Return every model, sorted by name."""

    def model(self, model_id: str) -> RemoteModel | None:
        """Return the model of that id; None for none."""

    def find_model(self, name: str) -> RemoteModel | None:
        """Return the model of that name; None for none."""

    def create_model(self, name: str, description: str) -> RemoteModel:
        """Create a model."""

    def versions(self, model: RemoteModel) -> Sequence[RemoteVersion]:
        """Return every version of a model, sorted by number."""

    def find_version(self, model: RemoteModel, name: str) -> RemoteVersion | None:
        """Return the version of that name, the one with the lowest number if there are several; None for none."""

    def version(self, version_id: str) -> RemoteVersion | None:
        """Return the version of that id with all its fields; None for none."""

    def create_version(self, model: RemoteModel, fields: Mapping[str, Any]) -> RemoteVersion:
        """Create a version; `fields` have the registry's keys (`docker_image`), its name among them."""

    def files(self, version: RemoteVersion) -> Sequence[RemoteFile]:
        """Return the files of a version, in the registry's order."""

    def upload(
        self, version: RemoteVersion, name: str, filename: str, path: Path, *, allow_memory: bool = False
    ) -> RemoteFile:
        """Upload the file at `path`, and attach it as `name` with the base name `filename`.

        Raises NeedsMemory if a large file would have to be held in memory, unless `allow_memory`; RegistryConflict if another
        file of that name is attached.
        """

    def upload_thumbnail(self, version: RemoteVersion, filename: str, path: Path) -> None:
        """Upload a picture, and set it as the thumbnail of the version."""

    def download(self, file: RemoteFile, sink: Sink, *, limit: int | None = None) -> int:
        """Download a file into `sink`; return its size. Raises RegistryFault if it is longer than `limit` bytes.

        Only the size is checked; a registry keeps no hash.
        """

    def context(self, version: RemoteVersion) -> RemoteContext | None:
        """Return the context of a version; None for none."""

    def experiment(self, experiment_id: str) -> RemoteExperiment | None:
        """Return an experiment with its name, page, project and base version; None for none."""

    def datasets(self, experiment_id: str) -> Sequence[RemoteDataset]:
        """Return the dataset versions that are attached to an experiment."""

    def dataset(self, alias: str, dataset_version_id: str) -> RemoteDataset | None:
        """Return a dataset version with its name and version; None for none."""

    def dataset_version(self, dataset_version_id: str) -> RemoteDatasetVersion | None:
        """Return the dataset version of that id; None for none."""

    def find_dataset_version(self, name: str, version: str) -> RemoteDatasetVersion | None:
        """Return the version of a dataset, both by name; None for none."""

    def dataset_versions(self, dataset_id: str) -> Sequence[RemoteDatasetVersion]:
        """Return every version of a dataset."""

    def dataset_labels(self, dataset_version_id: str) -> Sequence[str]:
        """Return the names of the classes of a dataset version."""

    def artifacts(self, experiment_id: str) -> Sequence[RemoteFile]:
        """Return the artifacts of an experiment."""

    def run_parameters(self, experiment_id: str) -> Raw | None:
        """Return the parameters that an experiment has logged; None for none."""

    def export(self, experiment_id: str, model: RemoteModel, after: int) -> RemoteVersion:
        """Export an experiment as a version of a model, unless a version above number `after` is an export of it."""

    def update_version(self, version: RemoteVersion, fields: Mapping[str, Any]) -> RemoteVersion:
        """Set fields of a version, with the registry's keys, and return it as it is then."""

    def delete_file(self, file: RemoteFile) -> None:
        """Delete a file of a version, if it is there."""

    def close(self) -> None:
        """Close the connections."""


def text(raw: Raw, *keys: str) -> str | None:
    """Return the first text of these keys; None for none."""
    return next((raw[key] for key in keys if isinstance(raw.get(key), str)), None)


def without_addresses(value: Any) -> Any:
    """Return `value` with every address cut at its query, which may hold a signature."""
    if isinstance(value, Mapping):
        return {str(name): without_addresses(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [without_addresses(item) for item in value]
    return _SIGNED.sub(r"\1", value) if isinstance(value, str) else value
