"""A connection to an SSH server, after the check of its host key.

paramiko, and fsspec on top of it, accept any key by default. Here a server that known_hosts does not have, or has with
another key, is refused before it learns a user's name. Only keys and the agent are used: there is no password.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NoReturn

import paramiko
from paramiko.sftp import CMD_EXTENDED

from mvc import errors, network
from mvc.deferred import dataclass
from mvc.remotes.backends import destination
from mvc.remotes.backends.address import Address

_KNOWN_HOSTS = "~/.ssh/known_hosts"
_SECONDS = 30.0
_NO_ANSWER = ("timeout", "transport shut down")
"""Texts of paramiko's authentication errors that mean no answer."""


@dataclass(frozen=True, slots=True)
class Login:
    """The login on a server.

    The default `user` is the local one; without a `key`, the agent and the usual key files are used.
    """

    where: str
    host: str
    port: int
    user: str | None
    key: str | None
    known_hosts: Path

    @classmethod
    def of(cls, address: Address, options: Mapping[str, str]) -> Login:
        """Return the login of an address and its options; the address has precedence. Raises BadSetting."""
        port = destination.port(options)
        key = options.get("key-file")
        return cls(
            where=address.text,
            host=address.host,
            port=address.port or port,
            user=address.user or options.get("user"),
            key=str(Path(key).expanduser()) if key else None,
            known_hosts=Path(options.get("known-hosts", _KNOWN_HOSTS)).expanduser(),
        )


class _Refuse:
    """A paramiko policy that refuses any host key that known_hosts does not have."""

    def __init__(self, login: Login) -> None:
        self._login = login

    def missing_host_key(self, _client: Any, _hostname: str, key: Any) -> NoReturn:
        """Raise UnknownHostKey with the key that the server showed."""
        raise errors.UnknownHostKey(remote=self._login.where, key=key.fingerprint, known_hosts=self._login.known_hosts)


class Session:
    """A connection, for one thread at a time."""

    def __init__(self, login: Login) -> None:
        """Connect. Raises UnknownHostKey, ChangedHostKey, RemoteDenied, RemoteUnreachable."""
        self._client = paramiko.SSHClient()
        try:
            with failures(login.where, login):
                self.files = self._connect(login)
        except BaseException:
            self._client.close()
            raise

    def sync(self, file: Any) -> None:
        """Make a file durable, where the server supports it."""
        try:
            self.files._request(CMD_EXTENDED, "fsync@openssh.com", file.handle)  # noqa: SLF001 - paramiko has no public name for it
        except OSError as error:
            if "unsupported" not in str(error).lower():
                raise

    def is_alive(self) -> bool:
        """True while the connection is open."""
        transport = self._client.get_transport()
        return transport is not None and bool(transport.is_active())

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    def _connect(self, login: Login) -> Any:
        if login.known_hosts.exists():
            self._client.load_host_keys(str(login.known_hosts))
        self._client.set_missing_host_key_policy(_Refuse(login))
        self._client.connect(
            login.host,
            login.port,
            login.user,
            key_filename=login.key,
            allow_agent=login.key is None,
            look_for_keys=login.key is None,
            timeout=_SECONDS,
            banner_timeout=_SECONDS,
            auth_timeout=_SECONDS,
        )
        files = self._open()
        files.get_channel().settimeout(_SECONDS)
        return files

    def _open(self) -> Any:
        """Open the SFTP channel.

        A timer ends the wait for a silent server, since paramiko has no timeout for it.
        """
        alarm = threading.Timer(_SECONDS, self._client.close)
        alarm.daemon = True
        alarm.start()
        try:
            return self._client.open_sftp()
        finally:
            alarm.cancel()


@contextlib.contextmanager
def failures(where: str, login: Login | None = None) -> Iterator[None]:
    """Translate paramiko's exceptions into those of a backend; FileNotFoundError passes."""
    try:
        yield
    except FileNotFoundError:
        raise
    except paramiko.BadHostKeyException as error:
        known = login.known_hosts if login else _KNOWN_HOSTS
        raise errors.ChangedHostKey(remote=where, key=error.key.fingerprint, known_hosts=known) from error
    except (paramiko.AuthenticationException, PermissionError) as error:
        if any(said in str(error) for said in _NO_ANSWER):
            raise errors.RemoteUnreachable(remote=where, reason=str(error).rstrip(".")) from error
        raise errors.RemoteDenied(remote=where, reason=str(error).rstrip(".")) from error
    except (paramiko.SSHException, OSError, EOFError) as error:
        fault = network.fault(error, where, f"{login.host}:{login.port}" if login else "the server")
        if fault is not None:
            raise fault from error
        raise errors.RemoteUnreachable(remote=where, reason=str(error) or "the connection ended") from error
