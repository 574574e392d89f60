"""The tags of model versions on Picsellia: objects of the organization, of the target MODEL_VERSION.

There is no get-or-create: a tag is looked up, then created. Adding and removing are repeated after a lost answer.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from mvc.registry.picsellia import decode
from mvc.registry.picsellia.client import Client
from mvc.registry.picsellia.translate import translated_errors
from mvc.registry.protocol import RemoteTag, RemoteVersion

TARGET = "MODEL_VERSION"
"""The kind of object that these tags are for."""


class PicselliaTags:
    """The tags of an organization's model versions; implements `mvc.registry.protocol.VersionTags`."""

    def __init__(self, client: Client) -> None:
        """Use the connection of `client`."""
        self._client = client

    def of(self, version: RemoteVersion) -> Sequence[RemoteTag]:
        """As VersionTags."""
        rows = version.raw.get("tags")
        if not isinstance(rows, list):
            row = self._client.find(f"/api/model/version/{decode.path_part(version.id)}") or {}
            rows = row.get("tags")
        return decode.tags(rows)

    def ensure(self, name: str) -> RemoteTag:
        """Find or create as `client.find_model_version_tag` and `create_model_version_tag` do."""

        def find() -> RemoteTag | None:
            path = f"/api/organization/{self._client.id}/tags/find"
            row = self._client.find(path, {"name": name, "target_type": TARGET})
            with translated_errors(self._client.session):
                return decode.tag(row) if row is not None else None

        def create() -> RemoteTag:
            with translated_errors(self._client.session):
                tag = self._client.sdk_client.create_model_version_tag(name)
                return RemoteTag(str(tag.id), str(tag.name))

        return find() or self._client.create_once(create, find)

    def add(self, tag: RemoteTag, version: RemoteVersion) -> None:
        """Attach as `version.add_tags` does."""
        self._post(tag, "attach", version)

    def remove(self, tag: RemoteTag, version: RemoteVersion) -> None:
        """Detach as `version.remove_tags` does."""
        self._post(tag, "detach", version)

    def _post(self, tag: RemoteTag, action: str, version: RemoteVersion) -> None:
        def post() -> None:
            with translated_errors(self._client.session):
                path = f"/api/tag/{decode.path_part(tag.id)}/{action}"
                self._client.connection.post(path, data=json.dumps([version.id]).encode())

        self._client.with_retries(post)
