"""Logins of docker: stored by `docker login` in config.json or in a credential helper that config.json names.

    {"auths": {"ghcr.io": {"auth": "<base64 of user:password>"}}, "credHelpers": {"ghcr.io": "pass"}, "credsStore": "desktop"}

As in docker, the helper of a registry (`credHelpers`), else the one for all (`credsStore`), takes precedence over
`auths`. A helper, `docker-credential-NAME`, reads the registry from its input and prints `Username` and `Secret`; the
user `<token>` marks an identity token, which is exchanged for others. No part of a login is ever printed.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import field
from typing import Any

from mvc import errors
from mvc.deferred import dataclass
from mvc.model.image import HUB

MAX_CONFIG = 4 << 20
"""The largest config.json, in bytes."""
HELPER_TIMEOUT = 30.0
"""Seconds that a credential helper may take."""
_HUB_KEY = f"https://index.{HUB}/v1/"
_TOKEN_USER = "<token>"  # noqa: S105 - a helper's marker for "no user"
_HELPER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*\Z")
_NOT_FOUND = b"credentials not found"


@dataclass(frozen=True, slots=True)
class Login:
    """A login: user and password, an identity token to exchange, or a token that the registry accepts as it is."""

    user: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    identity_token: str = field(default="", repr=False)
    registry_token: str = field(default="", repr=False)

    @property
    def basic(self) -> str | None:
        """The Basic authorization header of user and password; None without a user."""
        text = base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
        return f"Basic {text}" if self.user else None


class Credentials:
    """The logins of the user with the environment `environ`: DOCKER_CONFIG or HOME locates them."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        """Remember the location; nothing is read yet."""
        self._environ = environ
        home = environ.get("HOME")
        folder = environ.get("DOCKER_CONFIG") or (os.path.join(home, ".docker") if home else "")
        self._path = os.path.join(folder, "config.json") if folder else ""

    def login(self, registry: str) -> Login | None:
        """Return the login to a registry, or None; raise BadDockerConfig, HelperFailed."""
        config = self._read()
        keys = (_HUB_KEY, f"index.{HUB}", HUB) if registry == HUB else (registry, f"https://{registry}")
        helpers = self._table(config, "credHelpers")
        helper = next((helpers[key] for key in keys if key in helpers), config.get("credsStore"))
        if helper:
            return self._run_helper(helper, keys[0], registry)
        auths = self._table(config, "auths")
        by_host = {_host(key): entry for key, entry in reversed(auths.items())}
        entry = next((auths[key] for key in keys if key in auths), None) or by_host.get(_host(keys[0]))
        return self._from_entry(entry, registry) if entry else None

    def _read(self) -> dict[str, Any]:
        """Return config.json; empty if it does not exist."""
        try:
            with open(self._path, "rb") as file:
                data = file.read(MAX_CONFIG + 1)
        except (FileNotFoundError, NotADirectoryError):
            return {}
        except OSError as error:
            raise self._bad_config(error.strerror or "it cannot be opened") from None
        if len(data) > MAX_CONFIG:
            raise self._bad_config(f"it is larger than {MAX_CONFIG >> 20} MiB")
        try:
            config = json.loads(data)
        except (ValueError, RecursionError):
            raise self._bad_config("it is not JSON") from None
        if not isinstance(config, dict):
            raise self._bad_config("it is not a JSON object")
        return config

    def _table(self, config: Mapping[str, Any], name: str) -> dict[str, Any]:
        table = config.get(name) or {}
        if not isinstance(table, dict):
            raise self._bad_config(f"{name} is not an object")
        return table

    def _from_entry(self, entry: Any, registry: str) -> Login | None:
        """Return the login in an entry of `auths`."""
        if not isinstance(entry, dict) or not all(isinstance(value, str) for value in entry.values()):
            raise self._bad_config(f"the entry of {registry} in auths is not an object of strings")
        user, password = entry.get("username", ""), entry.get("password", "")
        if entry.get("auth"):
            try:
                text = base64.b64decode(entry["auth"], validate=True).decode()
            except (binascii.Error, ValueError):
                raise self._bad_config(f"the auth of {registry} is not base64 of USER:PASSWORD") from None
            user, _, password = text.rstrip("\0").partition(":")
        login = Login(user, password, entry.get("identitytoken", ""), entry.get("registrytoken", ""))
        return login if login != Login() else None

    def _run_helper(self, name: Any, key: str, registry: str) -> Login | None:
        """Return the login that a credential helper prints; None if it has none."""
        if not isinstance(name, str) or not _HELPER.match(name):
            raise self._bad_config(f"the credential helper for {registry} has an invalid name")
        program = f"docker-credential-{name}"
        try:
            done = subprocess.run(
                [program, "get"], input=key.encode(), capture_output=True, env=dict(self._environ),
                timeout=HELPER_TIMEOUT, check=False,
            )  # fmt: skip
        except FileNotFoundError:
            raise self._helper_failed(program, registry, "it is not installed") from None
        except subprocess.TimeoutExpired:
            raise self._helper_failed(program, registry, f"it took longer than {HELPER_TIMEOUT:.0f} s") from None
        except OSError as error:
            raise self._helper_failed(program, registry, error.strerror or "it cannot be run") from None
        if done.returncode:
            if _NOT_FOUND in done.stdout + done.stderr:
                return None
            raise self._helper_failed(program, registry, f"it exited with {done.returncode}")
        return self._parse_output(done.stdout, program, registry)

    def _parse_output(self, output: bytes, program: str, registry: str) -> Login | None:
        try:
            document = json.loads(output)
            user, secret = document["Username"], document["Secret"]
        except (ValueError, RecursionError, KeyError, TypeError):
            user = secret = None
        if not isinstance(user, str) or not isinstance(secret, str):
            raise self._helper_failed(program, registry, "it did not print Username and Secret")
        if not secret:
            return None
        return Login(identity_token=secret) if user == _TOKEN_USER else Login(user, secret)

    def _bad_config(self, reason: str) -> errors.BadDockerConfig:
        return errors.BadDockerConfig(path=self._path, reason=reason)

    def _helper_failed(self, program: str, registry: str, reason: str) -> errors.HelperFailed:
        return errors.HelperFailed(helper=program, registry=registry, reason=reason, path=self._path)


def _host(key: str) -> str:
    """Return the host of a key of `auths`, which may be a URL."""
    return key.removeprefix("https://").removeprefix("http://").partition("/")[0]
