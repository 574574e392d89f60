"""The common backend of object stores, on fsspec filesystems: S3, Google Cloud Storage, Azure.

A ref entry is one conditional PUT. Packs are uploaded by a call of the library that needs little memory. No listing is
cached. Each exception of a library is translated to one of the three results of a backend. Its text may contain a signed
URL, so only its class and the server's status are shown.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from mvc import errors, network
from mvc.deferred import dataclass
from mvc.model.ids import Buffer
from mvc.remotes.backends.address import Address
from mvc.remotes.backends.backend import Backend, Listed, Outcome
from mvc.storage.disk.workers import Workers

READ_SIZE = 16 * 1024 * 1024
"""Bytes of one read: every request costs a round trip, and often money."""
DELETES = 8
"""Concurrent deletions."""
_DENIED = (401, 403)
_TAKEN = (409, 412)
_PAST_END = 416
_NO_CREDENTIALS = {
    "NoCredentialsError", "PartialCredentialsError", "ProfileNotFound", "TokenRetrievalError", "SSOError",
    "UnauthorizedSSOTokenError", "CredentialRetrievalError", "DefaultCredentialsError", "RefreshError",
    "ClientAuthenticationError", "CredentialUnavailableError",
}  # fmt: skip
_MISTAKES = (TypeError, ValueError, AttributeError)


@dataclass(frozen=True)
class Dialect:
    """The differences between object stores.

    `modified` returns the time of an entry of a listing, in seconds since 1970. `put` uploads a file to a path. For
    messages, `credentials` says where they come from, `host` is the server, and `authorities` names the variable with the
    certificates of a private authority.
    """

    modified: Callable[[Mapping[str, Any]], float]
    credentials: str
    put: Callable[[Path, str], None]
    host: str
    authorities: str = "SSL_CERT_FILE"


class CloudBackend(Backend):
    """A prefix of a bucket."""

    def __init__(self, address: Address, filesystem: Any, dialect: Dialect) -> None:
        """Use the bucket that `address` names, by an fsspec `filesystem` that caches nothing."""
        super().__init__(address.text, READ_SIZE)
        self._filesystem = filesystem
        self._dialect = dialect
        self._root = f"{address.host}/{address.path}".rstrip("/")

    def create(self, name: str, body: bytes) -> Outcome:
        """As Backend, by a conditional PUT; the probe has tested that the store supports it."""
        if not body:
            raise errors.RemoteDenied(remote=self.where, reason="an empty file cannot be created exclusively")
        try:
            with self._answers(name, missing="the bucket does not exist"):
                self._filesystem.pipe_file(self._path(name), body, mode="create")
        except _TakenError:
            return Outcome.TAKEN
        return Outcome.CREATED

    def put(self, name: str, source: Path) -> None:
        """As Backend."""
        with self._answers(name, missing="the bucket does not exist"):
            self._dialect.put(source, self._path(name))

    def read(self, name: str, limit: int) -> bytes:
        """As Backend."""
        return self.read_range(name, 0, limit + 1)

    def read_range(self, name: str, offset: int, size: int) -> bytes:
        """As Backend. Servers answer "no such range" for one that begins at the end of the file."""
        try:
            with self._answers(name):
                return bytes(self._filesystem.cat_file(self._path(name), start=offset, end=offset + size))
        except _PastEndError:
            return b""

    def get(self, name: str, sink: Callable[[Buffer], None], limit: int) -> None:
        """As Backend. A short block counts as the end of the file; the caller's hash finds a truncated answer."""
        offset = 0
        while offset <= limit:
            want = min(READ_SIZE, limit + 1 - offset)
            block = self.read_range(name, offset, want)
            if block:
                sink(block)
            offset += len(block)
            if len(block) < want:
                return

    def list(self, folder: str) -> Iterator[Listed]:
        """As Backend."""
        path = self._path(folder) if folder else self._root
        found: Mapping[str, Any] = {}
        with contextlib.suppress(FileNotFoundError), self._answers(folder):
            found = self._filesystem.find(path, detail=True)
        return iter([self._listed(path, info) for path, info in found.items() if info.get("type") != "directory"])

    def delete(self, names: Sequence[str]) -> None:
        """As Backend."""
        with Workers(DELETES) as workers:
            for _ in workers.ahead(self._delete, names, 4 * DELETES):
                pass

    def close(self) -> None:
        """Do nothing: the library pools its connections until the process ends."""

    def _delete(self, name: str) -> None:
        with contextlib.suppress(FileNotFoundError), self._answers(name):
            self._filesystem.rm_file(self._path(name))

    def _path(self, name: str) -> str:
        return f"{self._root}/{name}"

    def _listed(self, path: str, info: Mapping[str, Any]) -> Listed:
        return Listed(path[len(self._root) + 1 :], int(info["size"] or 0), self._dialect.modified(info))

    @contextlib.contextmanager
    def _answers(self, name: str, *, missing: str = "") -> Iterator[None]:
        """Translate the exceptions of the library.

        With `missing`, an absent name is denied with that reason: the bucket does not exist.
        """
        try:
            yield
        except errors.MvcError:
            raise
        except FileNotFoundError:
            if missing:
                raise errors.RemoteDenied(remote=self.where, reason=missing) from None
            raise FileNotFoundError(name) from None
        except Exception as error:
            raise self._failure(error) from error

    def _failure(self, error: Exception) -> Exception:
        refusal = next((each for each in _chain(error) if isinstance(each, errors.RemoteDenied)), None)
        if refusal is not None:  # mvc's own error for a redirect, wrapped by a library
            return refusal
        status, headers = _status(error)
        if isinstance(error, FileExistsError) or status in _TAKEN:
            return _TakenError()
        if status == _PAST_END:
            return _PastEndError()
        kind = next((type(each).__name__ for each in _chain(error) if type(each).__name__ in _NO_CREDENTIALS), None)
        refused = isinstance(error, PermissionError) or str(error).startswith("Forbidden")  # gcsfs's error
        if status in _DENIED or refused or kind:
            what = f"the server answered {status}" if status in _DENIED else kind or "permission denied"
            return errors.RemoteDenied(
                remote=self.where, reason=f"{what}; credentials come from {self._dialect.credentials}"
            )
        where, dialect = self.where, self._dialect
        fault = network.fault(error, where, dialect.host, authorities=dialect.authorities) if status is None else None
        if fault is not None:
            return fault
        root = [*_chain(error)][-1]
        reason = f"the server answered {status}" if status else type(root).__name__
        failed = errors.RemoteUnreachable(remote=self.where, reason=reason)
        failed.after = _seconds(headers.get("retry-after"))
        return failed


class _TakenError(Exception):
    """The name exists, or another client is creating it."""


class _PastEndError(Exception):
    """A range begins past the end of the file."""


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield an exception and its causes."""
    seen: set[int] = set()
    each: BaseException | None = error
    while each is not None and id(each) not in seen:
        seen.add(id(each))
        yield each
        each = each.__cause__ or each.__context__


def _status(error: BaseException) -> tuple[int | None, Mapping[str, str]]:
    """Return the server's status and headers from a library's exception; None for no answer."""
    for each in _chain(error):
        response = getattr(each, "response", None)
        if isinstance(response, Mapping):  # botocore
            metadata = response.get("ResponseMetadata", {})
            return metadata.get("HTTPStatusCode"), _lower(metadata.get("HTTPHeaders", {}))
        status = getattr(each, "status_code", None) or getattr(each, "status", None) or getattr(each, "code", None)
        if isinstance(status, int) or (isinstance(status, str) and status.isdecimal()):
            return int(status), _lower(getattr(response, "headers", None) or {})
    return None, {}


def _lower(headers: Any) -> dict[str, str]:
    with contextlib.suppress(*_MISTAKES):
        return {str(key).lower(): str(value) for key, value in dict(headers).items()}
    return {}


def _seconds(text: str | None) -> float | None:
    return float(text) if text and text.isdecimal() else None
