"""Google Cloud Storage, by gcsfs.

`create` is an upload with `ifGenerationMatch=0`, which ordinary buckets honour and zonal ones ignore.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from mvc import lazy
from mvc.remotes.backends.address import Address
from mvc.remotes.backends.backend import Backend
from mvc.remotes.backends.cloud import CloudBackend, Dialect
from mvc.remotes.backends.destination import server

PART = 16 * 1024 * 1024
"""Bytes of a pack that are in memory at a time: longer packs are uploaded in parts, one after the other."""


def connect(address: Address, options: Mapping[str, str]) -> Backend:
    """Return the backend for the bucket of an address. Raises ImportError."""
    anonymous = options.get("anonymous") == "true"
    filesystem = lazy.load("gcsfs.core").GCSFileSystem(
        project=options.get("project", ""),
        token="anon" if anonymous else options.get("key-file"),
        endpoint_url=options.get("endpoint"),
        consistency="md5",
        use_listings_cache=False,
        skip_instance_cache=True,
        default_fill_cache=False,
    )
    key_file = options.get("key-file")
    credentials = f"the key file {key_file}" if key_file else "the environment and Google's default credentials"

    def put(source: Path, path: str) -> None:
        filesystem.put_file(str(source), path, chunksize=PART)

    return CloudBackend(address, filesystem, Dialect(_modified, credentials, put, server(address, options)))


def _modified(info: Mapping[str, Any]) -> float:
    found = info.get("mtime") or info.get("updated") or info["timeCreated"]
    moment = found if isinstance(found, datetime) else datetime.fromisoformat(str(found))
    return moment.timestamp()
