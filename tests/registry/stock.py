"""Versions on the fake platform as `mvc publish` leaves them, without publishing."""

from __future__ import annotations

from mvc.model.ids import VersionId
from mvc.registry import fields, marker, published
from mvc.registry.marker import Marker
from mvc.repository.repository import Repository
from tests.servers.picsellia import Platform, Row


def stock(platform: Platform, repository: Repository, id_: VersionId, model: str = "helmets") -> Row:
    """Add the complete version `id_` to the platform; return its row."""
    objects = repository.objects
    version = objects.version(id_)
    manifest, tree = objects.manifest(version.manifest), objects.tree(version.tree)
    there = next((row for row in platform.models.values() if row["name"] == model), None) or platform.add_model(model)
    row = platform.add_version(there, name=published.version_name(version.number, id_), **fields.request(manifest))
    for entry in tree.entries:
        data = b"".join(map(bytes, repository.extract.stream(entry.file)))
        platform.add_file(row, entry.role, data, entry.path.rpartition("/")[2])
    toml = repository.extract.small(version.model_toml)
    data = Marker(row["id"], version, manifest, tree, toml).encode()
    platform.add_file(row, marker.NAME, data, marker.FILENAME)
    return row
