"""S3 and what speaks its protocol, by s3fs: `create` is a PUT with `If-None-Match: *`."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Any

from mvc import lazy
from mvc.remotes.address import Address
from mvc.remotes.backend import Backend
from mvc.remotes.cloud import PART, CloudBackend, Dialect

_TIMEOUT = 30
_READ_TIMEOUT = 120


def connect(address: Address, options: Mapping[str, str]) -> Backend:
    """The bucket of an address. Raises ImportError."""
    filesystem = lazy.load("s3fs").S3FileSystem(
        anon=options.get("anonymous") == "true",
        profile=options.get("profile"),
        endpoint_url=options.get("endpoint"),
        client_kwargs={"region_name": options["region"]} if "region" in options else None,
        s3_additional_kwargs=_encryption(options),
        # One try: who calls knows which calls may be tried again.
        config_kwargs={
            "retries": {"total_max_attempts": 1, "mode": "standard"},
            "connect_timeout": _TIMEOUT,
            "read_timeout": _READ_TIMEOUT,
            "max_pool_connections": 64,
        },
        use_listings_cache=False,
        skip_instance_cache=True,
        default_fill_cache=False,
    )
    filesystem.retries = 1
    _keep_first_error(filesystem)
    packs: dict[str, Any] = {"chunksize": PART, "max_concurrency": 1}
    if "storage-class" in options:
        packs["StorageClass"] = options["storage-class"]
    return CloudBackend(address, filesystem, Dialect(_modified, _credentials(options), packs))


def _keep_first_error(filesystem: Any) -> None:
    """Have what goes wrong in an upload of parts be told, and not that a key which may delete nothing cannot give it up.

    s3fs has no setting for it. The parts go by the bucket's lifecycle rule.
    """
    give_up = filesystem._abort_mpu  # noqa: SLF001

    async def silently(*arguments: Any) -> None:
        with contextlib.suppress(Exception):
            await give_up(*arguments)

    filesystem._abort_mpu = silently  # noqa: SLF001


def _encryption(options: Mapping[str, str]) -> dict[str, str] | None:
    """`AES256`, `aws:kms`, or `aws:kms:KEY`."""
    given = options.get("server-side-encryption")
    if given is None:
        return None
    kind, _, key = given.partition("aws:kms:")
    return {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key} if key else {"ServerSideEncryption": kind or given}


def _credentials(options: Mapping[str, str]) -> str:
    profile = options.get("profile")
    return f"the profile {profile}" if profile else "the environment and the usual places of AWS"


def _modified(info: Mapping[str, Any]) -> float:
    return float(info["LastModified"].timestamp())
