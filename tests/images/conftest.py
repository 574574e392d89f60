"""Registries, one of each kind per worker, and homes with and without a docker login."""

from __future__ import annotations

import base64
import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.servers.registry import PASSWORD, USER, Registry, serve, serve_with_password, serve_with_tokens

Environ = dict[str, str]


@pytest.fixture(scope="session")
def program(requires: Callable[[str], str]) -> str:
    return requires("docker-registry")


@pytest.fixture(scope="session")
def registry(program: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """One that anybody may read and push to."""
    with serve(program, tmp_path_factory.mktemp("registry")) as running:
        yield running


@pytest.fixture(scope="session")
def locked(program: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """One that asks for a password."""
    with serve_with_password(program, tmp_path_factory.mktemp("locked")) as running:
        yield running


@pytest.fixture(scope="session")
def guarded(program: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """One that takes tokens."""
    with serve_with_tokens(program, tmp_path_factory.mktemp("guarded")) as running:
        yield running


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home without anything in it."""
    (tmp_path / "home").mkdir()
    return tmp_path / "home"


def environ(home: Path, config: object | None = None) -> Environ:
    """The environment of who has this home, with `config` as docker's config.json."""
    if config is not None:
        (home / ".docker").mkdir(exist_ok=True)
        text = config if isinstance(config, str) else json.dumps(config)
        (home / ".docker" / "config.json").write_text(text, encoding="utf-8")
    path = f"{home}{os.pathsep}{os.environ['PATH']}"
    return {"HOME": str(home), "PATH": path, "MVC_TRUSTED_HOSTS": "127.0.0.1:*"}  # where `guarded` has its token server


def logged_in(registry: str, user: str = USER, password: str = PASSWORD) -> dict[str, dict[str, object]]:
    """A config.json after `docker login`."""
    return {"auths": {registry: {"auth": base64.b64encode(f"{user}:{password}".encode()).decode()}}}


def helper(home: Path, name: str, script: str) -> None:
    """A program that keeps logins: `script` in Python, which has the registry asked for as `registry`."""
    path = home / f"docker-credential-{name}"
    text = (
        f"#!{sys.executable}\nimport json, sys\nregistry = sys.stdin.read()\nassert sys.argv[1:] == ['get']\n{script}"
    )
    path.write_text(text, encoding="utf-8")
    path.chmod(0o755)
