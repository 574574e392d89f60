"""S3 and compatible stores, by s3fs.

`create` is a PUT with `If-None-Match: *`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mvc import errors, lazy
from mvc.remotes.backends.address import Address
from mvc.remotes.backends.backend import Backend
from mvc.remotes.backends.cloud import CloudBackend, Dialect
from mvc.remotes.backends.destination import server

_TIMEOUT = 30
_READ_TIMEOUT = 120
_REDIRECTS = range(300, 400)


def connect(address: Address, options: Mapping[str, str]) -> Backend:
    """Return the backend for the bucket of an address. Raises ImportError."""
    filesystem = lazy.load("s3fs").S3FileSystem(
        anon=options.get("anonymous") == "true",
        profile=options.get("profile"),
        endpoint_url=options.get("endpoint"),
        client_kwargs={"region_name": options["region"]} if "region" in options else None,
        s3_additional_kwargs=_encryption(options),
        # One attempt: `retry` decides which calls are retried.
        config_kwargs={
            "retries": {"total_max_attempts": 1, "mode": "standard"},
            "connect_timeout": _TIMEOUT,
            "read_timeout": _READ_TIMEOUT,
            "max_pool_connections": 64,
            "http_session_cls": _session(address.text),
        },
        use_listings_cache=False,
        skip_instance_cache=True,
        default_fill_cache=False,
    )
    filesystem.retries = 1
    more = {"StorageClass": options["storage-class"]} if "storage-class" in options else {}

    def put(source: Path, path: str) -> None:
        """Upload a file in one request, read in blocks: s3fs itself would hold it in memory, or upload it in parts."""
        bucket, key, _ = filesystem.split_path(path)
        with open(source, "rb") as body:
            filesystem.call_s3("put_object", Bucket=bucket, Key=key, Body=body, **more)

    return CloudBackend(
        address, filesystem, Dialect(_modified, _credentials(options), put, server(address, options), "AWS_CA_BUNDLE")
    )


def _session(where: str) -> type:
    """Return a class of aiobotocore's HTTP sessions that refuses redirects by the remote `where`.

    aiohttp would follow a redirect to any host, without the signature but with the token of a temporary login.
    """
    base: Any = lazy.load("aiobotocore.httpsession").AIOHTTPSession

    class Session(base):  # type: ignore[misc]  # it has no types
        async def _get_session(self, proxy_url: str | None) -> _Direct:
            return _Direct(await super()._get_session(proxy_url), where)

    return Session


class _Direct:
    """An aiohttp session without redirects, with the methods that aiobotocore uses."""

    def __init__(self, session: Any, where: str) -> None:
        self._session = session
        self._where = where

    async def request(self, *arguments: Any, **options: Any) -> Any:
        """As aiohttp's. A redirect without an address, by which S3 names a bucket's region, is left to botocore."""
        answer = await self._session.request(*arguments, allow_redirects=False, **options)
        if answer.status in _REDIRECTS and "Location" in answer.headers:
            answer.close()
            raise errors.RemoteDenied(
                remote=self._where, reason="it redirects to another address; set that as the remote's option endpoint"
            )
        return answer


def _encryption(options: Mapping[str, str]) -> dict[str, str] | None:
    """Return the parameters of `AES256`, `aws:kms` or `aws:kms:KEY`."""
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
