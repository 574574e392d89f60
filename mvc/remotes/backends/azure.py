"""Azure Blob Storage, by adlfs.

`create` is an upload with `If-None-Match: *`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mvc import lazy
from mvc.remotes.backends.address import Address
from mvc.remotes.backends.backend import Backend
from mvc.remotes.backends.cloud import CloudBackend, Dialect
from mvc.remotes.backends.destination import server

SINGLE = 128 * 1024 * 1024
"""Bytes of a pack that is uploaded in one request. Parts need the right to overwrite, which a create-only key lacks."""


def connect(address: Address, options: Mapping[str, str]) -> Backend:
    """Return the backend for the container of an address. Raises ImportError.

    Keys and connection strings come from the environment (AZURE_STORAGE_...), else the default Azure credential is
    used.
    """
    filesystem = lazy.load("adlfs").AzureBlobFileSystem(
        account_name=options.get("account"),
        account_host=options.get("endpoint"),
        anon=options.get("anonymous") == "true" or None,
        max_concurrency=1,
        use_listings_cache=False,
        skip_instance_cache=True,
        default_fill_cache=False,
    )
    filesystem.service_client._config.max_single_put_size = SINGLE  # noqa: SLF001 - adlfs has no setting for it
    credentials = "the environment (AZURE_STORAGE_...) and Azure's default credential"

    def put(source: Path, path: str) -> None:
        filesystem.put_file(str(source), path)

    return CloudBackend(address, filesystem, Dialect(_modified, credentials, put, server(address, options)))


def _modified(info: Mapping[str, Any]) -> float:
    return float(info["last_modified"].timestamp())
