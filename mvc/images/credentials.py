"""The logins that `docker login` keeps: in config.json, or with a program of the user's that config.json names.

    {"auths": {"ghcr.io": {"auth": "<base64 of user:password>"}}, "credHelpers": {"ghcr.io": "pass"}, "credsStore": "desktop"}

As docker has it, a program that is named for a registry (`credHelpers`), else the one for all (`credsStore`), goes before
`auths`. Such a program, `docker-credential-NAME`, is told the registry and answers with `Username` and `Secret`; the
user `<token>` says that the secret is an identity token, which is traded for others. Nothing of a login is ever shown.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mvc import errors
from mvc.model.image import HUB

MAX_CONFIG = 4 << 20
"""The largest config.json, in bytes."""
HELPER_PATIENCE = 30.0
"""Seconds that a program may take to give a login."""
_HUB_KEY = f"https://index.{HUB}/v1/"
_TOKEN_USER = "<token>"  # noqa: S105 - how a helper says that there is no user
_HELPER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*\Z")
_NOT_FOUND = b"credentials not found"


@dataclass(frozen=True, slots=True)
class Login:
    """A login: user and password, an identity token to trade, or a token that the registry itself takes."""

    user: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    identity_token: str = field(default="", repr=False)
    registry_token: str = field(default="", repr=False)

    @property
    def basic(self) -> str | None:
        """The value of a header that gives user and password; None without a user."""
        text = base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
        return f"Basic {text}" if self.user else None


class Credentials:
    """The logins of whoever has the environment `environ`: DOCKER_CONFIG or HOME says where they are kept."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        """Nothing is read yet."""
        self._environ = environ
        home = environ.get("HOME")
        folder = environ.get("DOCKER_CONFIG") or (os.path.join(home, ".docker") if home else "")
        self._path = os.path.join(folder, "config.json") if folder else ""

    def login(self, registry: str) -> Login | None:
        """The login to a registry, if there is one. Raises BadDockerConfig, HelperFailed."""
        config = self._read()
        keys = (_HUB_KEY, f"index.{HUB}", HUB) if registry == HUB else (registry, f"https://{registry}")
        helpers = self._table(config, "credHelpers")
        helper = next((helpers[key] for key in keys if key in helpers), config.get("credsStore"))
        if helper:
            return self._ask(helper, keys[0], registry)
        auths = self._table(config, "auths")
        named = {_host(key): entry for key, entry in reversed(auths.items())}
        entry = next((auths[key] for key in keys if key in auths), None) or named.get(_host(keys[0]))
        return self._of(entry, registry) if entry else None

    def _read(self) -> dict[str, Any]:
        """config.json; what is not there is empty."""
        try:
            with open(self._path, "rb") as file:
                data = file.read(MAX_CONFIG + 1)
        except (FileNotFoundError, NotADirectoryError):
            return {}
        except OSError as error:
            raise self._bad(error.strerror or "it cannot be opened") from None
        if len(data) > MAX_CONFIG:
            raise self._bad(f"it is larger than {MAX_CONFIG >> 20} MiB")
        try:
            found = json.loads(data)
        except (ValueError, RecursionError):
            raise self._bad("it is not JSON") from None
        if not isinstance(found, dict):
            raise self._bad("it is not a JSON object")
        return found

    def _table(self, config: Mapping[str, Any], name: str) -> dict[str, Any]:
        found = config.get(name) or {}
        if not isinstance(found, dict):
            raise self._bad(f"{name} is not an object")
        return found

    def _of(self, entry: Any, registry: str) -> Login | None:
        """The login that an entry of `auths` holds."""
        if not isinstance(entry, dict) or not all(isinstance(value, str) for value in entry.values()):
            raise self._bad(f"what auths has for {registry} is not an object of texts")
        user, password = entry.get("username", ""), entry.get("password", "")
        if entry.get("auth"):
            try:
                text = base64.b64decode(entry["auth"], validate=True).decode()
            except (binascii.Error, ValueError):
                raise self._bad(f"the auth of {registry} is not base64 of USER:PASSWORD") from None
            user, _, password = text.rstrip("\0").partition(":")
        login = Login(user, password, entry.get("identitytoken", ""), entry.get("registrytoken", ""))
        return login if login != Login() else None

    def _ask(self, name: Any, key: str, registry: str) -> Login | None:
        """The login that a helper program gives; None when it has none."""
        if not isinstance(name, str) or not _HELPER.match(name):
            raise self._bad(f"the name of the program for {registry} is none")
        program = f"docker-credential-{name}"
        try:
            done = subprocess.run(
                [program, "get"], input=key.encode(), capture_output=True, env=dict(self._environ),
                timeout=HELPER_PATIENCE, check=False,
            )  # fmt: skip
        except FileNotFoundError:
            raise self._failed(program, registry, "it is not installed") from None
        except subprocess.TimeoutExpired:
            raise self._failed(program, registry, f"it took longer than {HELPER_PATIENCE:.0f} s") from None
        except OSError as error:
            raise self._failed(program, registry, error.strerror or "it cannot be run") from None
        if done.returncode:
            if _NOT_FOUND in done.stdout + done.stderr:
                return None
            raise self._failed(program, registry, f"it ended with {done.returncode}")
        return self._given(done.stdout, program, registry)

    def _given(self, answer: bytes, program: str, registry: str) -> Login | None:
        try:
            found = json.loads(answer)
            user, secret = found["Username"], found["Secret"]
        except (ValueError, RecursionError, KeyError, TypeError):
            user = secret = None
        if not isinstance(user, str) or not isinstance(secret, str):
            raise self._failed(program, registry, "it did not answer with Username and Secret")
        if not secret:
            return None
        return Login(identity_token=secret) if user == _TOKEN_USER else Login(user, secret)

    def _bad(self, reason: str) -> errors.BadDockerConfig:
        return errors.BadDockerConfig(path=self._path, reason=reason)

    def _failed(self, program: str, registry: str, reason: str) -> errors.HelperFailed:
        return errors.HelperFailed(helper=program, registry=registry, reason=reason, path=self._path)


def _host(key: str) -> str:
    """The host of a key of `auths`, which may be a whole address."""
    return key.removeprefix("https://").removeprefix("http://").partition("/")[0]
