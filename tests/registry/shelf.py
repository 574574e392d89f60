"""A registry in memory with scripted contents, for tests of the verbs that read its answers."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mvc.model.ids import VersionId
from mvc.registry import fields, marker, published
from mvc.registry.experiments.protocol import Experiments, RemoteExperiment
from mvc.registry.marker import Marker
from mvc.registry.protocol import (
    RemoteContext,
    RemoteDataset,
    RemoteDatasetVersion,
    RemoteFile,
    RemoteModel,
    RemoteTag,
    RemoteVersion,
    Sink,
)
from mvc.repository.repository import Repository


@dataclass
class Shelf:
    """One organization, kept in lists; `calls` are the names of the called methods."""

    organization: str = "acme"
    host: str = "https://app.example.org"
    shelf: dict[str, list[RemoteVersion]] = field(default_factory=dict)
    held: dict[str, list[RemoteFile]] = field(default_factory=dict)
    data: dict[str, bytes] = field(default_factory=dict)
    contexts: dict[str, RemoteContext] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    ids: Any = field(default_factory=lambda: (f"id-{number}" for number in itertools.count(1)))

    # --- for the tests

    def made_model(self, name: str = "Helmets") -> RemoteModel:
        """Return the model of that name; create it if it is missing."""
        self.shelf.setdefault(name, [])
        return RemoteModel(f"model-{name}", name, {"name": name})

    def make(
        self,
        name: str,
        files: Mapping[str, bytes] | Sequence[tuple[str, str, bytes]] = (),
        model: str = "Helmets",
        **raw: Any,
    ) -> RemoteVersion:
        """Create a version by hand; files by name, or as (name, file name, bytes)."""
        there = self.made_model(model)
        number = self.shelf[model][-1].number + 1 if self.shelf[model] else 0
        made = RemoteVersion(next(self.ids), there, number, name, {"name": name, "version": number, **raw})
        self.shelf[model].append(made)
        rows = [(key, f"{key}.bin", data) for key, data in files.items()] if isinstance(files, Mapping) else files
        for row in rows:
            self.put(made, *row)
        return made

    def publish(self, repository: Repository, id_: VersionId, model: str = "Helmets") -> RemoteVersion:
        """Create a version as `mvc publish` does."""
        objects = repository.objects
        version = objects.version(id_)
        manifest, tree = objects.manifest(version.manifest), objects.tree(version.tree)
        made = self.make(published.version_name(version.number, id_), (), model, **fields.request(manifest))
        for entry in tree.entries:
            data = b"".join(map(bytes, repository.extract.stream(entry.file)))
            self.put(made, entry.role, entry.path.rpartition("/")[2], data)
        toml = repository.extract.small(version.model_toml)
        self.put(made, marker.NAME, marker.FILENAME, Marker(made.id, version, manifest, tree, toml).encode())
        return made

    def put(self, version: RemoteVersion, name: str, filename: str, data: bytes) -> RemoteFile:
        """Add a file."""
        file = RemoteFile(next(self.ids), name, filename, f"objects/{name}", large=False)
        self.held.setdefault(version.id, []).append(file)
        self.data[file.id] = data
        return file

    def replace(self, version: RemoteVersion, name: str, data: bytes) -> None:
        """Replace the file of that name."""
        (old,) = [file for file in self.held[version.id] if file.name == name]
        self.held[version.id].remove(old)
        self.put(version, name, old.filename, data)

    def edit(self, version: RemoteVersion, **raw: Any) -> None:
        """Change fields of a version."""
        row = self.shelf[version.model.name]
        place = [each.id for each in row].index(version.id)
        row[place] = RemoteVersion(
            version.id, version.model, version.number, raw.get("name", row[place].name), {**row[place].raw, **raw}
        )

    def delete(self, version: RemoteVersion) -> None:
        """Delete a version."""
        row = self.shelf[version.model.name]
        row[:] = [each for each in row if each.id != version.id]

    # --- as Registry

    @property
    def tags(self) -> ShelfTags:
        return ShelfTags()

    @property
    def experiments(self) -> Experiments:
        raise AssertionError("no project is read here")

    def page(self, version_id: str) -> str:
        return f"{self.host}/version/{version_id}"

    def check_storage(self) -> None:
        return None

    def models(self) -> Sequence[RemoteModel]:
        return [self.made_model(name) for name in sorted(self.shelf)]

    def model(self, model_id: str) -> RemoteModel | None:
        return next((model for model in self.models() if model.id == model_id), None)

    def find_model(self, name: str) -> RemoteModel | None:
        return self.made_model(name) if name in self.shelf else None

    def create_model(self, name: str, description: str) -> RemoteModel:
        return self.made_model(name)

    def versions(self, model: RemoteModel) -> Sequence[RemoteVersion]:
        return tuple(self.shelf[model.name])

    def find_version(self, model: RemoteModel, name: str) -> RemoteVersion | None:
        return next((each for each in self.shelf[model.name] if each.name == name), None)

    def version(self, version_id: str) -> RemoteVersion | None:
        return next((each for row in self.shelf.values() for each in row if each.id == version_id), None)

    def files(self, version: RemoteVersion) -> Sequence[RemoteFile]:
        self.calls.append(f"files {version.name}")
        return tuple(self.held.get(version.id, ()))

    def download(self, file: RemoteFile, sink: Sink, *, limit: int | None = None) -> int:
        self.calls.append(f"download {file.name}")
        data = self.data[file.id]
        for at in range(0, len(data), 1000):
            sink(data[at : at + 1000])
        return len(data)

    def context(self, version: RemoteVersion) -> RemoteContext | None:
        return self.contexts.get(version.id)

    def create_version(self, model: RemoteModel, fields: Mapping[str, Any]) -> RemoteVersion:
        raise AssertionError("nothing is written here")

    def upload(
        self, version: RemoteVersion, name: str, filename: str, path: Path, *, allow_memory: bool = False
    ) -> RemoteFile:
        raise AssertionError("nothing is written here")

    def upload_thumbnail(self, version: RemoteVersion, filename: str, path: Path) -> None:
        raise AssertionError("nothing is written here")

    def experiment(self, experiment_id: str) -> RemoteExperiment | None:
        return None

    def datasets(self, experiment_id: str) -> Sequence[RemoteDataset]:
        return ()

    def dataset(self, alias: str, dataset_version_id: str) -> RemoteDataset | None:
        return None

    def dataset_version(self, dataset_version_id: str) -> RemoteDatasetVersion | None:
        return None

    def find_dataset_version(self, name: str, version: str) -> RemoteDatasetVersion | None:
        return None

    def dataset_versions(self, dataset_id: str) -> Sequence[RemoteDatasetVersion]:
        return ()

    def dataset_labels(self, dataset_version_id: str) -> Sequence[str]:
        return ()

    def artifacts(self, experiment_id: str) -> Sequence[RemoteFile]:
        return ()

    def run_parameters(self, experiment_id: str) -> Mapping[str, Any] | None:
        return None

    def export(self, experiment_id: str, model: RemoteModel, after: int) -> RemoteVersion:
        raise AssertionError("nothing is written here")

    def update_version(self, version: RemoteVersion, fields: Mapping[str, Any]) -> RemoteVersion:
        raise AssertionError("nothing is written here")

    def delete_file(self, file: RemoteFile) -> None:
        raise AssertionError("nothing is written here")

    def close(self) -> None:
        return None


class ShelfTags:
    """The tags in the answers; nothing is written here."""

    def of(self, version: RemoteVersion) -> Sequence[RemoteTag]:
        return [RemoteTag(name, name) for name in version.raw.get("tags", ())]

    def ensure(self, name: str) -> RemoteTag:
        raise AssertionError("nothing is written here")

    def add(self, tag: RemoteTag, version: RemoteVersion) -> None:
        raise AssertionError("nothing is written here")

    def remove(self, tag: RemoteTag, version: RemoteVersion) -> None:
        raise AssertionError("nothing is written here")
