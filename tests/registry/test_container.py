"""In a container of Picsellia every verb uses the container's platform, organization and token, and sends it nowhere else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import mvc
from mvc.registry import container
from mvc.registry.container import Container
from mvc.remotes.backends.registry_address import HOST
from tests.cli.shell import MODEL, Shell
from tests.registry import histories
from tests.servers.picsellia import ORGANIZATION, TOKEN, Platform
from tests.servers.scripted import Reply, Scripted, scripted

pytestmark = pytest.mark.usefixtures("naps")
MINE = "canary-of-mine"


@pytest.fixture(params=["experiment_id", "job_id"])
def kind(request: pytest.FixtureRequest) -> str:
    """What the container runs."""
    return str(request.param)


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, platform: Platform) -> Shell:
    """A repository without a remote, in a processing container."""
    shell = histories.small(tmp_path / "ana", monkeypatch)
    enter(monkeypatch, platform.host, "job_id")
    return shell


def enter(monkeypatch: pytest.MonkeyPatch, host: str, kind: str) -> None:
    variables = {"api_token": TOKEN, "host": host, "organization_name": ORGANIZATION, kind: "0197a2c4"}
    monkeypatch.delenv("PICSELLIA_TOKEN", raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)


def test_publish_works_without_a_remote(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, platform: Platform, kind: str
) -> None:
    shell = histories.small(tmp_path / "ana", monkeypatch)
    enter(monkeypatch, platform.host, kind)
    said = shell.ok("publish")
    assert f"To picsellia://{ORGANIZATION}, model {MODEL}" in said.out
    assert [row["name"][:3] for row in platform.versions_of(MODEL)] == ["v1-"]
    assert TOKEN not in "".join(path.read_text(errors="ignore") for path in shell.folder.rglob("*") if path.is_file())


def test_every_verb_reaches_the_container_s_platform(shell: Shell, platform: Platform, tmp_path: Path) -> None:
    shell.ok("publish", "--to", f"picsellia://{ORGANIZATION}")
    assert "no differences" in shell.ok("drift").out
    shell.ok("source", "check")
    shell.ok("remote", "check", f"picsellia://{ORGANIZATION}")
    assert shell("remote", "check", "picsellia://elsewhere").code == 2
    project = platform.add_project("hats")
    platform.add_dataset_version("traffic", "12")
    shell.ok("experiment", "create", "--project", project["name"], "--dataset", "train=traffic@12", "--name", "exp-88")
    assert "exp-88" in shell.ok("experiment", "show", "exp-88", "--project", project["name"]).out
    assert "exp-88" in shell.ok("experiment").out
    assert "already imported" in shell.ok("import", f"picsellia://{ORGANIZATION}/{MODEL}").out
    assert mvc.open(shell.folder).model(MODEL).drift().is_empty


def test_rules_about_datasets_are_answered_on_the_container_s_platform(shell: Shell, platform: Platform) -> None:
    dataset = platform.add_dataset_version("traffic", "12", "helmet", "head")
    arguments = ("--for", "pre-annotation/legacy", "--online", "--dataset", dataset["id"], "--json")
    findings = shell("check", *arguments).json["uses"][0]["findings"]
    assert [each["result"] for each in findings if each["rule"].startswith("dataset-")] == ["ok", "ok"]


def test_a_clone_goes_on_with_the_container_s_platform(
    shell: Shell, platform: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shell.ok("publish")
    Shell(tmp_path, monkeypatch).ok("clone", "-q", f"picsellia://{ORGANIZATION}/{MODEL}", "ben")
    ben = Shell(tmp_path / "ben", monkeypatch)
    assert f"host={platform.host}" in ben.ok("remote", "show", "picsellia").out.replace(" = ", "=").replace(": ", "=")
    ben.ok("drift")
    monkeypatch.delenv("api_token")
    monkeypatch.setenv("PICSELLIA_TOKEN", MINE)
    platform.calls.clear()
    assert "which you have not approved" in ben("drift").err  # outside, the container approves nothing
    assert platform.calls == []


def test_a_remote_on_the_container_s_platform_gets_its_token(shell: Shell, platform: Platform) -> None:
    shell.ok("remote", "add", "acme", f"picsellia://{ORGANIZATION}", "-o", f"host={platform.host}")
    assert "0 models" in shell.ok("remote", "check", "acme").out
    shell.ok("publish")


def test_a_token_of_the_user_s_settings_takes_precedence(
    shell: Shell, platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    shell.ok("remote", "add", "acme", f"picsellia://{ORGANIZATION}", "-o", f"host={platform.host}")
    shell.ok("config", "--global", "remote.acme.token-env", "MY_TOKEN")
    monkeypatch.setenv("MY_TOKEN", MINE)
    said = shell("publish")
    assert (said.code, "environment variable MY_TOKEN" in said.err) == (12, True)
    monkeypatch.setenv("PICSELLIA_TOKEN", MINE)
    monkeypatch.delenv("MY_TOKEN")
    shell.ok("publish")  # PICSELLIA_TOKEN is named by no setting


@pytest.fixture
def other() -> Iterator[Scripted]:
    """Another platform, which refuses everybody and keeps what it was sent."""
    with scripted("127.0.0.2") as server:
        server.reply = lambda _: Reply(403)
        yield server


def test_the_container_s_token_goes_to_its_platform_only(
    shell: Shell, platform: Platform, other: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    shell.ok("remote", "add", "other", "picsellia://acme", "-o", f"host={other.url}")
    for arguments in (("publish",), ("drift", "other"), ("source", "check"), ("remote", "check", "other")):
        said = shell(*arguments)
        assert (said.code, "PICSELLIA_TOKEN is not set" in said.err) == (12, True), said
    assert shell("import", f"picsellia://acme/{MODEL}", "-o", f"host={other.url}").code == 12
    assert shell("clone", f"picsellia://acme/{MODEL}", "new", "-o", f"host={other.url}").code == 12
    assert other.asked == []
    monkeypatch.setenv("PICSELLIA_TOKEN", MINE)
    assert shell("publish").code == 12
    sent = "".join(str(dict(call.headers)) for call in other.asked)
    assert (MINE in sent, TOKEN in sent) == (True, False)
    assert MINE not in "".join(str(call.headers) for call in platform.calls)


def test_of_several_remotes_the_one_on_the_container_s_platform_is_used(shell: Shell, platform: Platform) -> None:
    shell.ok("remote", "add", "public", "picsellia://acme")
    shell.ok("remote", "add", "private", "picsellia://acme", "-o", f"host={platform.host}")
    shell.ok("publish")
    shell.ok("remote", "add", "again", "picsellia://acme", "-o", f"host={platform.host}")
    assert "again, private" in shell("publish").err


def test_offline_nothing_is_asked(shell: Shell, platform: Platform) -> None:
    platform.calls.clear()
    for arguments in (("publish",), ("drift",), ("source", "check"), ("check", "--online")):
        assert shell("--offline", *arguments).code == 15
    assert platform.calls == []


def test_the_variables_of_a_container() -> None:
    assert container.from_environment({"experiment_id": "1"}) is None
    assert container.from_environment({"api_token": "t"}) is None
    assert container.from_environment({"api_token": "t", "experiment_id": " "}) is None
    variables = {"api_token": "secret-value", "experiment_id": "1", "organization_name": "acme"}
    training = container.from_environment(variables)
    assert training == Container(HOST, "acme", "secret-value", experiment="1")
    assert "secret-value" not in repr(training)
    both = container.from_environment(
        {**variables, "organization_id": "7", "job_id": "2", "host": "https://p.example/"}
    )
    assert both == Container("https://p.example/", "7", "secret-value", experiment="1", job="2")
    assert both.is_at("https://P.example:443")
    assert not both.is_at("http://p.example")
    assert not Container("not a host", "", "t").is_at(HOST)
