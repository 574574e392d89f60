"""Which token goes to which registry: one for each host, or remote, by the person's settings; and logins of images."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mvc import errors
from mvc.images import realms
from mvc.images.registries import Registries
from mvc.model.hosts import Approvals
from mvc.model.image import Image
from tests.cli.shell import Shell
from tests.servers.scripted import Reply, Scripted, scripted
from tests.trust.conftest import CANARY, given, seen

ACME = "canary-of-acme"


@pytest.fixture
def acme(shell: Shell, monkeypatch: Any) -> Iterator[Scripted]:
    """A platform that the remote `acme` leads to, approved; ACME_TOKEN holds a token for it."""
    monkeypatch.setenv("ACME_TOKEN", ACME)
    with scripted() as server:
        server.reply = lambda _: Reply(403)
        shell.ok("remote", "add", "acme", "picsellia://acme", "-o", f"host={server.url}")
        yield server


def test_two_hosts_need_not_share_a_token(shell: Shell, acme: Scripted, evil: Scripted, monkeypatch: Any) -> None:
    shell.ok("remote", "add", "other", "picsellia://acme", "-o", f"host={evil.url}")
    shell.ok("config", "--global", f"host.{acme.host}.token-env", "ACME_TOKEN")
    for name in ("acme", "other"):
        assert shell("remote", "check", name).code == 12
    assert f"Bearer {ACME}" in seen(acme)
    assert CANARY not in seen(acme)
    assert f"Bearer {CANARY}" in seen(evil)
    assert ACME not in seen(evil)
    monkeypatch.delenv("ACME_TOKEN")
    said = shell("remote", "check", "acme")
    assert (said.code, "environment variable ACME_TOKEN is not set" in said.err) == (12, True)


def test_a_remote_has_a_token_of_its_own(shell: Shell, acme: Scripted) -> None:
    shell.ok("remote", "add", "beta", "picsellia://beta", "-o", f"host={acme.url}")
    shell.ok("config", "--global", "remote.acme.token-env", "ACME_TOKEN")
    said = shell("publish", "--to", "acme")
    assert "mvc read the token from the environment variable ACME_TOKEN" in said.err
    assert f"Bearer {ACME}" in seen(acme)
    assert CANARY not in seen(acme)
    acme.asked.clear()
    assert "PICSELLIA_TOKEN" in shell("publish", "--to", "beta").err
    assert ACME not in seen(acme)
    acme.asked.clear()
    shell("import", "picsellia://acme/x")
    assert f"Bearer {ACME}" in seen(acme), "an import of the organization that is that remote"


def test_a_token_of_a_remote_is_for_the_host_that_the_person_names(
    shell: Shell, acme: Scripted, evil: Scripted
) -> None:
    shell.ok("config", "--global", "remote.acme.token-env", "ACME_TOKEN")
    shell.ok("config", "--global", "remote.acme.host", acme.url)
    shell.ok("remote", "add", "other", "picsellia://x", "-o", f"host={evil.url}")
    given(shell, "acme", "picsellia://acme", host=evil.url)
    assert shell("remote", "check", "acme").code == 12
    assert ACME not in seen(evil)


def test_a_repository_names_no_variable(shell: Shell, acme: Scripted, monkeypatch: Any) -> None:
    monkeypatch.setenv("MY_SECRET", "canary-of-mine")
    given(shell, "acme", "picsellia://acme", host=acme.url, token_env="MY_SECRET")
    said = shell("remote", "check", "acme")
    assert (said.code, "canary-of-mine" in seen(acme)) == (12, False)
    said = shell("remote", "add", "two", "picsellia://acme", "-o", "token-env=MY_SECRET")
    assert (said.code, "mvc config --global remote.NAME.token-env" in said.err) == (2, True)


@pytest.mark.parametrize("key", ["remote.acme.token-env", "host.acme.example.token-env"])
def test_a_token_itself_is_no_setting(shell: Shell, key: str) -> None:
    said = shell("config", "--global", key, "3f9c-canary")
    assert (said.code, "not the token itself" in said.err, "canary" in said.err) == (2, True, False)
    assert not Path(os.environ["MVC_CONFIG"]).exists()


@pytest.mark.parametrize(
    ("key", "value", "reason"),
    [
        ("host.acme.example.trust", "everything", "the kinds are s3"),
        ("host.acme.example.allow", "profile=x", "mvc remote trust"),
        ("host.acme.example.insecure", "perhaps", "true or false"),
        ("host.a/b.trust", "s3", "not HOST"),
        ("host.acme.example.trusts", "s3", "Did you mean trust"),
    ],
)
def test_settings_of_hosts_are_checked(shell: Shell, key: str, value: str, reason: str) -> None:
    said = shell("config", "--global", key, value)
    assert (said.code, reason in said.err) == (2, True), said


def test_a_training_container_trusts_its_own_platform_for_its_own_token(
    shell: Shell, evil: Scripted, monkeypatch: Any
) -> None:
    for name, value in (("api_token", ACME), ("experiment_id", "e1"), ("host", evil.url)):
        monkeypatch.setenv(name, value)
    shell.set(parameters__lr=2)
    shell.commit("trained")
    assert f"Bearer {ACME}" in seen(evil)
    assert CANARY not in seen(evil)
    evil.asked.clear()
    given(shell, "reg", "picsellia://acme", host=evil.url)
    assert "mvc read the token from the environment variable api_token" in shell("publish").err
    assert CANARY not in seen(evil)
    evil.asked.clear()
    given(shell, "reg", "picsellia://acme", host="http://127.0.0.3:9")
    assert "which you have not approved" in shell("publish").err
    monkeypatch.delenv("experiment_id")
    given(shell, "reg", "picsellia://acme", host=evil.url)
    assert "which you have not approved" in shell("publish").err
    assert evil.asked == []


# --- registries of images


def look_up(server: Scripted, home: Path, **environ: str) -> None:
    """Ask a registry that Ana is logged in to for an image."""
    auth = base64.b64encode(f"ana:{CANARY}".encode()).decode()
    (home / "config.json").write_text(json.dumps({"auths": {server.host: {"auth": auth}}}))
    Registries({"DOCKER_CONFIG": str(home), **environ}).resolve(Image.parse(f"{server.host}/acme/yolo:1"))


def test_a_login_goes_to_no_token_server_on_another_host_or_port(tmp_path: Path, evil: Scripted) -> None:
    with scripted() as registry, scripted() as neighbour:
        neighbour.reply = lambda _: Reply(403)
        for other in (evil, neighbour):
            registry.reply = lambda _, url=other.url: Reply(401, {"WWW-Authenticate": f'Bearer realm="{url}/token"'})  # type: ignore[misc]
            with pytest.raises(errors.RealmNotTrusted) as caught:
                look_up(registry, tmp_path)
            assert (caught.value.exit_code, other.asked) == (12, [])
            assert f"mvc config --global host.{other.host}.trust docker" in caught.value.hint
            with pytest.raises(errors.ImageDenied):
                look_up(registry, tmp_path, MVC_TRUSTED_HOSTS=other.host)
            assert "authorization" in other.asked[0].headers


def test_a_token_server_is_approved_in_the_persons_settings(tmp_path: Path, evil: Scripted, shell: Shell) -> None:
    shell.ok("config", "--global", f"host.{evil.host}.trust", "docker")
    with scripted() as registry:
        registry.reply = lambda _: Reply(401, {"WWW-Authenticate": f'Bearer realm="{evil.url}/token"'})
        with pytest.raises(errors.ImageDenied):
            look_up(registry, tmp_path, MVC_CONFIG=os.environ["MVC_CONFIG"])
    assert "authorization" in evil.asked[0].headers


@pytest.mark.parametrize(
    ("image", "realm", "own"),
    [
        ("acme/yolo", "https://auth.docker.io/token", True),
        ("acme/yolo", "https://auth.docker.io.evil.example/token", False),
        ("acme/yolo", "https://docker.io:444/token", False),
        ("ghcr.io/acme/yolo", "https://ghcr.io/token", True),
        ("ghcr.io/acme/yolo", "https://GHCR.io./token", True),
        ("ghcr.io/acme/yolo", "https://ghcr.io:8443/token", False),
        ("ghcr.io/acme/yolo", "https://io/token", False),
        ("ghcr.io/acme/yolo", "https://auth.docker.io/token", False),
        ("gitlab.acme.org:5050/a/b", "https://gitlab.acme.org/jwt/auth", True),
        ("registry.gitlab.com/a/b", "https://gitlab.com/jwt/auth", True),
        ("registry.acme.org/a/b", "https://login.acme.org/token", False),
        ("10.0.0.1/a/b", "https://0.0.1/token", False),
        ("evil.example/a/b", "https://ghcr.io/token", False),
    ],
)
def test_a_registrys_own_token_server_needs_no_approval(image: str, realm: str, own: bool) -> None:
    try:
        realms.check(Image.parse(f"{image}:1"), realm, Approvals({}))
    except errors.RealmNotTrusted:
        assert not own
    else:
        assert own
