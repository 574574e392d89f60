"""A registry as a remote: added, listed, and refused where a store is needed."""

from __future__ import annotations

from pathlib import Path

import pytest

from mvc import errors
from mvc.remotes.backends import registry_address
from tests.cli.shell import Shell, begin


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    (tmp_path / "ana").mkdir()
    shell = begin(tmp_path / "ana", monkeypatch)
    shell.set(parameters__lr=1)
    shell.commit("one")
    return shell


def test_a_registry_is_added_and_its_kind_is_shown(shell: Shell) -> None:
    shell.ok("remote", "add", "picsellia", "picsellia://Acme Vision", "-o", "host=https://picsellia.example.org/")
    assert shell.ok("remote", "-v").lines == [
        "picsellia  picsellia://Acme Vision  picsellia  picsellia.example.org approved"
    ]
    [found] = shell.ok("remote", "--json").json["remotes"]
    assert (found["kind"], found["options"]) == ("picsellia", {"host": "https://picsellia.example.org/"})
    shell.ok("remote", "add", "two", "picsellia://acme")
    assert "picsellia://acme" in shell.ok("remote", "show", "two").out


@pytest.mark.parametrize("verb", ["push", "pull", "fetch"])
def test_versions_are_not_pushed_to_a_registry(shell: Shell, verb: str) -> None:
    shell.ok("remote", "add", "picsellia", "picsellia://acme")
    result = shell(verb, "picsellia")
    assert result.code == 2
    assert "mvc publish --to picsellia" in result.err
    assert "mvc import picsellia://acme/MODEL" in result.err


@pytest.mark.parametrize(
    ("url", "options", "reason"),
    [
        ("picsellia://", {}, "no organization"),
        ("picsellia://acme/helmets", {}, "mvc import"),
        ("picsellia://ana:canary-pw@acme", {}, "the token is read from the environment"),
        ("picsellia://acme?token=canary-pw", {}, "query"),
        ("picsellia://acme", {"host": "https://ana:canary-pw@picsellia.example.org"}, "write only an address"),
        ("picsellia://acme", {"host": "https://picsellia.example.org/vision"}, "must not have a path"),
        ("picsellia://acme", {"host": "picsellia.example.org"}, "write only an address"),
        ("picsellia://acme", {"host": "https://x:port"}, "write only an address"),
        ("picsellia://acme", {"token": "canary-pw"}, "options of picsellia remotes: host"),
    ],
)
def test_an_invalid_registry_is_refused_without_showing_secrets(
    shell: Shell, url: str, options: dict[str, str], reason: str
) -> None:
    given = [word for key, value in options.items() for word in ("-o", f"{key}={value}")]
    result = shell("remote", "add", "picsellia", url, *given)
    assert (result.code, result.out) == (2, "")
    assert reason in result.err
    assert "canary-pw" not in result.err
    assert shell.ok("remote").out == ""


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("picsellia://acme", ("acme", None, None)),
        ("picsellia://acme/", ("acme", None, None)),
        ("picsellia://acme/helmets", ("acme", "helmets", None)),
        ("picsellia://acme/helmets@3", ("acme", "helmets", "3")),
        ("picsellia://acme/night/helmets@v7-3f9c2ab1d0f4", ("acme", "night/helmets", "v7-3f9c2ab1d0f4")),
        ("picsellia://Acme%20Vision/ana%40home@1", ("Acme Vision", "ana@home", "1")),
    ],
)
def test_an_address_is_parsed_and_formatted(text: str, parts: tuple[str, str | None, str | None]) -> None:
    found = registry_address.parse(text)
    assert (found.organization, found.model, found.version) == parts
    assert registry_address.parse(found.text) == found


@pytest.mark.parametrize("text", ["picsellia://acme/@3", "picsellia://acme/helmets@", "picsellia:acme", "s3://acme/x"])
def test_an_invalid_address_is_refused(text: str) -> None:
    with pytest.raises(errors.BadRegistryUrl):
        registry_address.parse(text)
