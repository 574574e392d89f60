"""Every kind of remote: its entry in the table says all that the rest of mvc needs."""

from __future__ import annotations

import errno
import importlib
import os
import tomllib
from pathlib import Path
from typing import NoReturn

import pytest

from mvc import errors, lazy
from mvc.model.remote_kinds import KINDS, Kind, Shape
from mvc.remotes.backends import address, connect
from mvc.remotes.backends.local import LocalBackend
from mvc.storage.records.config import Config

ROOT = Path("/")
PROJECT = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8"))
STORES = [kind for kind in KINDS.values() if kind.shape is not Shape.REGISTRY]


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_its_example_is_an_address_of_it(kind: Kind) -> None:
    assert address.parse(kind.example, ROOT).kind is kind


@pytest.mark.parametrize(("kind", "alias"), [(kind, alias) for kind in KINDS.values() for alias in kind.aliases])
def test_its_aliases_are_addresses_of_it(kind: Kind, alias: str) -> None:
    assert address.parse(alias + kind.example.removeprefix(kind.scheme), ROOT).kind is kind


@pytest.mark.parametrize("kind", STORES, ids=lambda kind: kind.scheme)
def test_its_module_connects_and_needs_no_library_to_be_imported(kind: Kind) -> None:
    assert callable(importlib.import_module(kind.module).connect)


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_its_extra_is_one_of_the_package(kind: Kind) -> None:
    assert not kind.extra or kind.extra in PROJECT["project"]["optional-dependencies"]


def test_an_unknown_scheme_is_refused_with_those_that_are_known() -> None:
    with pytest.raises(errors.BadRemoteUrl) as raised:
        address.parse("ftp://host/path", ROOT)
    assert [kind for kind in KINDS if f"{kind}://" not in raised.value.message] == []


def test_two_remotes_in_one_process_share_no_connection(tmp_path: Path) -> None:
    """The library keeps a connection for each set of options; the address, which is none of these, is in our messages."""
    pytest.importorskip("s3fs")
    options = {"anonymous": "true", "endpoint": "http://127.0.0.1:1", "region": "eu-west-1"}
    one, other = (connect.connect(address.parse(f"s3://{bucket}/models", tmp_path), options) for bucket in ("a", "b"))
    assert vars(one)["_filesystem"] is not vars(other)["_filesystem"]


@pytest.mark.parametrize(
    ("missing", "reason"),
    [(ImportError("No module named 's3fs'", name="s3fs"), "s3fs"), (ImportError("no symbol"), "no symbol")],
    ids=["named", "unnamed"],
)
def test_a_missing_library_is_named_and_otherwise_the_fault(
    missing: ImportError, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def load(_: str) -> NoReturn:
        raise missing

    monkeypatch.setattr(lazy, "load", load)
    with pytest.raises(errors.MissingExtra, match=f"s3 URLs need {reason},"):
        connect.connect(address.parse("s3://bucket/models", ROOT), {})


def test_a_folder_that_fails_says_why_in_the_words_of_the_system(tmp_path: Path) -> None:
    name = "x" * 300
    with pytest.raises(errors.RemoteUnreachable) as raised:
        LocalBackend(tmp_path).read(name, 10)
    assert raised.value.fields["reason"] == f"{name}: {os.strerror(errno.ENAMETOOLONG)}"


def test_a_setting_of_a_remote_may_have_spaces_and_no_control_characters(tmp_path: Path) -> None:
    key, path = "remote.origin.known-hosts", "/home/ana/my hosts"
    settings = Config(None, tmp_path / "config.toml")
    settings.set(key, path, user=True)
    assert settings.get(key) == path
    with pytest.raises(errors.BadSetting, match="control characters"):
        settings.set(key, "/home/ana\n", user=True)
