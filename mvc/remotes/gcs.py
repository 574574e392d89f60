"""Google Cloud Storage, by gcsfs: `create` is an upload with `ifGenerationMatch=0`, which ordinary buckets keep and zonal ones drop."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from mvc import lazy
from mvc.remotes.address import Address
from mvc.remotes.backend import Backend
from mvc.remotes.cloud import PART, CloudBackend, Dialect


def connect(address: Address, options: Mapping[str, str]) -> Backend:
    """The bucket of an address. Raises ImportError."""
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
    return CloudBackend(address, filesystem, Dialect(_modified, credentials, {"chunksize": PART}))


def _modified(info: Mapping[str, Any]) -> float:
    found = info.get("mtime") or info.get("updated") or info["timeCreated"]
    moment = found if isinstance(found, datetime) else datetime.fromisoformat(str(found))
    return moment.timestamp()
