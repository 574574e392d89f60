"""What a registry is to a verb: models, their versions and the files of these, read as they are and created one at a time.

    organization ─► RemoteModel ─► RemoteVersion ─► RemoteFile
                                        └─► RemoteContext: the experiment and the dataset versions it was trained from

Nothing is ever changed or deleted through it. What was answered is kept as it came in `raw`: an answer may have a
vocabulary, or keys, that nobody here knows yet.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

Raw = Mapping[str, Any]
"""An answer as it came; `without_addresses` makes of it what may be kept."""
_SIGNED = re.compile(r"(https?://[^\s?#]*)[?#]\S*")
Sink = Callable[[bytes], object]
"""Takes the bytes of a download, piece by piece."""


@dataclass(frozen=True, slots=True)
class RemoteModel:
    """A model there."""

    id: str
    name: str
    raw: Raw = field(default_factory=dict, compare=False)

    @property
    def description(self) -> str:
        """What is said of it; empty where nothing is."""
        return text(self.raw, "description") or ""


@dataclass(frozen=True, slots=True)
class RemoteVersion:
    """A version there: `number` is the registry's own, for display; `name` is unique in its model."""

    id: str
    model: RemoteModel
    number: int
    name: str
    raw: Raw = field(default_factory=dict, compare=False)

    def get(self, *keys: str) -> Any:
        """The value of the first of these keys that the answer has and that is not null, else None."""
        return next((self.raw[key] for key in keys if self.raw.get(key) is not None), None)


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file of a version there: `name` is its role, `filename` the base name it was sent under; neither can be trusted."""

    id: str
    name: str
    filename: str
    object_name: str
    large: bool
    raw: Raw = field(default_factory=dict, compare=False)


@dataclass(frozen=True, slots=True)
class RemoteDataset:
    """A dataset version: `alias` is what the experiment calls it; `name` and `version` are known where they were asked for."""

    id: str
    alias: str
    name: str | None = None
    version: str | None = None


@dataclass(frozen=True, slots=True)
class RemoteExperiment:
    """An experiment, by id; its name where it was asked for, and its page."""

    id: str
    name: str | None = None
    url: str | None = None


@dataclass(frozen=True, slots=True)
class RemoteContext:
    """What a version was trained from, as far as the registry knows."""

    experiment: str | None
    datasets: Sequence[RemoteDataset] = ()
    parameters: Raw = field(default_factory=dict)


class Registry(Protocol):
    """One organization of a registry.

    Whatever is asked of it may raise RegistryUnreachable, RegistryDenied, RegistryFault. A create whose answer is lost is
    looked up before it is repeated; when that gets no answer either, RegistryUncertain. What others made meanwhile under the
    same name is given as if it had been made now, but for files: RegistryConflict.
    """

    @property
    def organization(self) -> str:
        """Its name."""

    @property
    def host(self) -> str:
        """Where its pages are: `https://app.picsellia.com`."""

    def page(self, version_id: str) -> str:
        """The page of a version."""

    def models(self) -> Sequence[RemoteModel]:
        """Every model, by name."""

    def find_model(self, name: str) -> RemoteModel | None:
        """The model of that name."""

    def create_model(self, name: str, description: str) -> RemoteModel:
        """A new model."""

    def versions(self, model: RemoteModel) -> Sequence[RemoteVersion]:
        """Every version of a model, by number."""

    def find_version(self, model: RemoteModel, name: str) -> RemoteVersion | None:
        """The version of that name; of several, the one with the lowest number."""

    def version(self, version_id: str) -> RemoteVersion | None:
        """The version of that id, with all that the registry tells of it."""

    def create_version(self, model: RemoteModel, fields: Mapping[str, Any]) -> RemoteVersion:
        """A new version; `fields` are in the registry's words (`docker_image`), its name among them."""

    def files(self, version: RemoteVersion) -> Sequence[RemoteFile]:
        """Its files, in the order they are listed."""

    def upload(
        self, version: RemoteVersion, name: str, filename: str, path: Path, *, allow_memory: bool = False
    ) -> RemoteFile:
        """Send the file at `path`, and attach it as `name`, with `filename` for its file name.

        Raises NeedsMemory where a big file would have to be held in memory whole, unless `allow_memory`; RegistryConflict
        when another file of that name is attached.
        """

    def upload_thumbnail(self, version: RemoteVersion, filename: str, path: Path) -> None:
        """Send a picture, and have it be what stands for the version."""

    def download(self, file: RemoteFile, sink: Sink, *, limit: int | None = None) -> int:
        """Give a file's bytes to `sink`; how many there were. Past `limit` bytes it raises RegistryFault.

        Nothing is checked but the length that was announced; raises RegistryFault where it is another.
        """

    def size(self, file: RemoteFile) -> int | None:
        """How many bytes a download of it would announce; None where none are announced."""

    def context(self, version: RemoteVersion) -> RemoteContext | None:
        """What it was trained from; None where the registry tells nothing."""

    def experiment(self, experiment_id: str) -> RemoteExperiment | None:
        """An experiment with its name and page."""

    def datasets(self, experiment_id: str) -> Sequence[RemoteDataset]:
        """The dataset versions that are attached to an experiment."""

    def dataset(self, alias: str, dataset_version_id: str) -> RemoteDataset | None:
        """A dataset version with its name and version."""

    def close(self) -> None:
        """Let go of connections."""


def text(raw: Raw, *keys: str) -> str | None:
    """The text under the first of these keys that has one."""
    return next((raw[key] for key in keys if isinstance(raw.get(key), str)), None)


def without_addresses(value: Any) -> Any:
    """`value` with each address in it cut at its query: there lies what gives access to something."""
    if isinstance(value, Mapping):
        return {str(name): without_addresses(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [without_addresses(each) for each in value]
    return _SIGNED.sub(r"\1", value) if isinstance(value, str) else value
