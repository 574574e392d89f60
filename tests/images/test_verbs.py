"""`mvc docker resolve`, `commit` with `digest = "auto"`, and `mvc drift --docker`, with a real registry behind them."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from mvc.cli.app.main import VERBS
from tests.cli.shell import MODEL, Shell, begin
from tests.images.conftest import environ, helper, logged_in
from tests.servers.registry import IDENTITY, PASSWORD, USER, Registry
from tests.servers.scripted import Reply, scripted

PLATFORMS = {"linux/amd64": b"for a desk", "linux/arm64": b"for a camera"}


@pytest.fixture
def shell(tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    (tmp_path / "work").mkdir()
    for name, value in environ(home).items():
        monkeypatch.setenv(name, value)
    return begin(tmp_path / "work", monkeypatch)


def image(shell: Shell, registry: Registry, repository: str, tag: str, *more: str) -> None:
    shell.ok("set", f"docker.image={registry.name(repository)}", f"docker.tag={tag}", *more)


def recorded(shell: Shell, revision: str = "HEAD") -> Any:
    """What the manifest of a version has as docker.digest."""
    version = shell.repository.objects.version(shell.ok("show", revision, "-q").out.strip())  # type: ignore[arg-type]
    return shell.repository.objects.manifest(version.manifest).docker.get("digest")


# --- mvc docker resolve


@pytest.mark.parametrize("several", [False, True])
def test_resolve_writes_the_digest_into_model_toml_and_keeps_comments(
    shell: Shell, registry: Registry, several: bool
) -> None:
    pushed = registry.push_index("v/a", "1", PLATFORMS) if several else registry.push("v/a", "1", b"one")
    image(shell, registry, "v/a", "1")
    path = shell.folder / "model.toml"
    path.write_text(path.read_text(encoding="utf-8") + "# ours\n", encoding="utf-8")
    said = shell.ok("docker", "resolve")
    assert said.lines[0] == f"{registry.name('v/a:1')} -> {pushed}"
    assert said.lines[1:] == (["  platforms: linux/amd64, linux/arm64"] if several else [])
    text = path.read_text(encoding="utf-8")
    assert f'digest = "{pushed}"\n' in text
    assert "# ours\n" in text
    shell.commit("pinned")
    assert recorded(shell) == pushed
    assert shell.ok("docker", "resolve", "-q").out == f"{pushed}\n"


def test_resolve_replaces_the_old_digest_and_reports_it(shell: Shell, registry: Registry) -> None:
    first = registry.push("v/b", "1", b"one")
    image(shell, registry, "v/b", "1", "docker.digest=auto")
    assert f"-> {first} (was auto)" in shell.ok("docker", "resolve").out
    second = registry.push("v/b", "1", b"two")
    assert f"-> {second} (was {first})" in shell.ok("docker", "resolve", "-n").out
    assert shell.ok("get", "docker.digest").out.strip() == first
    found = shell.ok("docker", "resolve", "--json").json
    assert (found["schema"], found["digest"], found["old"]) == ("mvc.docker/1", second, first)
    assert shell.ok("get", "docker.digest").out.strip() == second


def test_a_digest_in_the_name_needs_no_registry(shell: Shell) -> None:
    named = f"sha256:{'ab' * 32}"
    shell.ok("set", f"docker.image=acme/yolo@{named}")
    shell.ok("docker", "resolve")
    assert shell.ok("get", "docker.digest").out.strip() == named


@pytest.mark.parametrize(
    ("setting", "code", "said"),
    [
        (None, 2, "model.toml names no docker image"),
        ("docker.image=https://ghcr.io/x", 2, "it is a URL"),
        ("docker.image=127.0.0.1:1/acme/yolo", 15, "Cannot reach 127.0.0.1:1"),
    ],
)
def test_a_failed_lookup_leaves_model_toml_unchanged(shell: Shell, setting: str | None, code: int, said: str) -> None:
    if setting:
        shell.ok("set", setting)
    before = (shell.folder / "model.toml").read_bytes()
    done = shell("docker", "resolve")
    assert (done.code, said in done.err, done.out) == (code, True, "")
    assert (shell.folder / "model.toml").read_bytes() == before


def test_an_unknown_tag_is_named_and_a_refusal_ends_with_12(shell: Shell, registry: Registry, locked: Registry) -> None:
    image(shell, registry, "v/nothing", "7")
    done = shell("docker", "resolve")
    assert (done.code, registry.name("v/nothing:7") in done.err) == (2, True)
    locked.push("v/private", "1", b"x")
    image(shell, locked, "v/private", "1")
    done = shell("docker", "resolve", "--json")
    assert (done.code, json.loads(done.err)["kind"]) == (12, "image-denied")
    assert f"`docker login {locked.host}`" in done.err


@pytest.mark.parametrize("way", ["--offline", "MVC_OFFLINE"])
def test_offline_sends_no_request(shell: Shell, registry: Registry, monkeypatch: pytest.MonkeyPatch, way: str) -> None:
    pushed = registry.push("v/c", "1", b"one")
    image(shell, registry, "v/c", "1")
    if way == "MVC_OFFLINE":
        monkeypatch.setenv(way, "1")
    given = ["--offline"] if way == "--offline" else []
    for command in (["docker", "resolve"], ["drift", "--docker"]):
        shell.ok("set", f"docker.digest={pushed}")
        shell.ok("commit", "--allow-empty", "-m", "x", *given)
        done = shell(*command, *given)
        assert (done.code, "MVC_OFFLINE is set" in done.err) == (15, True)
    monkeypatch.setenv("MVC_OFFLINE", "0")
    shell.ok("drift", "--docker")


def test_without_its_library_it_says_what_to_install(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "requests", None)
    for name in [each for each in sys.modules if each.startswith("mvc.images.")]:
        monkeypatch.delitem(sys.modules, name)
    shell.ok("set", "docker.image=acme/yolo", "docker.digest=auto")
    done = shell("docker", "resolve")
    assert (done.code, "pip install 'modelvc[docker]'" in done.err) == (2, True)
    done = shell.ok("commit", "-m", "all the same")
    assert "requests, which is not installed" in done.err


def test_the_verb_alone_prints_its_help(shell: Shell) -> None:
    done = shell("docker")
    assert (done.code, "mvc docker resolve" in done.err) == (2, True)
    assert {"docker", "drift"} <= VERBS.keys()


# --- digest = "auto"


def test_auto_is_resolved_at_commit_and_status_is_clean_afterwards(shell: Shell, registry: Registry) -> None:
    first = registry.push("v/d", "1", b"one")
    image(shell, registry, "v/d", "1", "docker.digest=auto")
    done = shell.ok("commit", "-m", "one")
    assert f"digest auto ({first[:20]}" in done.out
    assert recorded(shell) == {"asked": "auto", "resolved": first}
    assert f"docker      digest = auto ({first})" in shell.ok("show").out
    assert shell.ok("show", "--json").json["docker_digest"] == first
    assert shell.ok("get", "docker.digest").out.strip() == "auto"
    assert shell.ok("status", "--json").json["clean"]
    # A tag that moved is nothing to commit: the registry is asked only when there is something.
    second = registry.push("v/d", "1", b"two")
    assert shell.ok("status", "--json").json["clean"]
    assert shell("commit", "-m", "nothing").code == 1
    shell.set(parameters__lr=2)
    shell.commit("two")
    assert recorded(shell) == {"asked": "auto", "resolved": second}
    assert first[:20] in shell.ok("diff", "v1", "v2").out
    assert second[:20] in shell.ok("diff", "v1", "v2").out


@pytest.mark.parametrize("offline", [True, False])
def test_without_a_response_auto_is_recorded_as_unresolved(
    shell: Shell, registry: Registry, monkeypatch: pytest.MonkeyPatch, offline: bool
) -> None:
    registry.push("v/e", "1", b"one")
    image(shell, registry, "v/e", "1", "docker.digest=auto")
    if not offline:
        shell.ok("set", "docker.image=127.0.0.1:1/v/e")
    done = shell.ok("commit", "-m", "one", *(["--offline"] if offline else []))
    reason = "MVC_OFFLINE is set" if offline else "Cannot reach 127.0.0.1:1"
    assert "docker.digest: auto is recorded as not resolved" in done.err
    assert reason in done.err
    assert recorded(shell) == {"asked": "auto", "resolved": None}
    assert "digest = auto (not resolved)" in shell.ok("show").out
    assert shell.ok("status", "--json").json["clean"]
    done = shell("drift", "--docker")
    assert (done.code, "has no digest of" in done.err) == (2, True)


def test_a_refusal_or_wrong_digest_stops_no_commit_and_pins_nothing(shell: Shell, locked: Registry) -> None:
    locked.push("v/f", "1", b"one")
    image(shell, locked, "v/f", "1", "docker.digest=auto")
    warnings = shell.ok("commit", "-m", "refused", "--json").json["warnings"]
    assert any("docker has none" in each["message"] for each in warnings)
    assert recorded(shell)["resolved"] is None
    with scripted() as liar:
        liar.reply = lambda _: Reply(200, {"Docker-Content-Digest": f"sha256:{'0' * 64}"}, b'{"schemaVersion": 2}')
        shell.ok("set", f"docker.image={liar.host}/v/f")
        assert "Invalid answer from" in shell.ok("commit", "-m", "lied to").err
    assert recorded(shell)["resolved"] is None


def test_a_dry_run_sends_no_request(shell: Shell) -> None:
    with scripted() as watched:
        shell.ok("set", f"docker.image={watched.host}/v/g", "docker.digest=auto")
        shell.ok("commit", "--dry-run")
        assert watched.asked == []
        shell.ok("commit", "-m", "asks")
        assert [each.method for each in watched.asked] == ["HEAD"]


def test_an_explicit_digest_is_not_looked_up(shell: Shell) -> None:
    with scripted() as watched:
        shell.ok("set", f"docker.image={watched.host}/v/g", f"docker.digest=sha256:{'ab' * 32}")
        shell.ok("commit", "-m", "pinned")
        assert watched.asked == []


# --- mvc drift --docker


@pytest.mark.parametrize("several", [False, True])
@pytest.mark.parametrize("auto", [False, True])
def test_a_moved_tag_is_drift(shell: Shell, registry: Registry, several: bool, auto: bool) -> None:
    name = f"v/moved-{several:d}{auto:d}"

    def push(text: bytes) -> str:
        if several:
            return registry.push_index(name, "stable", {**PLATFORMS, "linux/riscv64": text})
        return registry.push(name, "stable", text)

    first = push(b"one")
    image(shell, registry, name, "stable", *(["docker.digest=auto"] if auto else []))
    if not auto:
        shell.ok("docker", "resolve")
    shell.commit("pinned")
    same = shell.ok("drift", "--docker")
    assert same.lines == [
        f"{registry.name(name)}:stable has not moved since v1 {shell.ok('show', '-q').out[:10]}: {first}"
    ]
    second = push(b"two")
    moved = shell("drift", "--docker")
    assert moved.code == 1
    assert moved.lines[1:] == [f"  recorded  {first}", f"  now       {second}"]
    found = shell("drift", "--docker", "--json")
    assert found.code == 1
    assert found.json["docker"]["moved"]
    assert (found.json["docker"]["recorded"], found.json["docker"]["now"]) == (first, second)
    shell.ok("docker", "resolve")
    shell.commit("pinned again")
    shell.ok("drift", "--docker")
    assert shell("drift", "--docker", "--at", "v1").code == 1


def test_a_deleted_tag_is_drift(shell: Shell, registry: Registry) -> None:
    pushed = registry.push("v/gone", "1", b"one")
    image(shell, registry, "v/gone", "1")
    shell.ok("docker", "resolve")
    shell.commit("pinned")
    registry.delete("v/gone", pushed)
    moved = shell("drift", "--docker")
    assert (moved.code, moved.lines[-1]) == (1, "  now       no such tag")


def test_drift_ends_with_15_out_of_reach_and_12_refused(shell: Shell, locked: Registry) -> None:
    digest = f"docker.digest=sha256:{'ab' * 32}"
    shell.ok("set", "docker.image=127.0.0.1:1/v/h", digest)
    shell.commit("nowhere")
    assert shell("drift", "--docker").code == 15
    locked.push("v/h", "1", b"x")
    image(shell, locked, "v/h", "1", digest)
    shell.commit("locked")
    assert shell("drift", "--docker").code == 12


def test_an_image_with_a_digest_in_its_name_cannot_drift(shell: Shell) -> None:
    shell.ok("set", f"docker.image=127.0.0.1:1/v/h@sha256:{'ab' * 32}")
    shell.commit("by digest")
    shell.ok("drift", "--docker")


def test_drift_without_an_image(shell: Shell) -> None:
    shell.commit("nothing")
    done = shell("drift", "--docker")
    assert (done.code, "names no docker image" in done.err) == (2, True)


# --- secrets


def everything(folder: Path) -> bytes:
    return b"".join(
        b"\n".join([os.fsencode(path), path.read_bytes()]) for path in sorted(folder.rglob("*")) if path.is_file()
    )


def test_no_login_or_token_is_printed_or_stored(
    shell: Shell,
    home: Path,
    locked: Registry,
    guarded: Registry,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MVC_TRACE", "1")
    monkeypatch.setenv("MVC_TRUSTED_HOSTS", "127.0.0.1:*")  # where the token server of `guarded` is
    said = []

    def run(*arguments: str) -> None:
        for form in ((), ("--json",)):
            done = shell(*arguments, *form)
            said.append(done.out + done.err)

    helper(home, "vault", f"print(json.dumps(dict(Username='<token>', Secret={IDENTITY!r})))")
    helper(home, "broken", f"print({IDENTITY!r}); sys.stderr.write({PASSWORD!r}); sys.exit(1)")
    configs = [
        logged_in(locked.host),
        logged_in(guarded.host),
        {"auths": {**logged_in(locked.host, USER, "canary-wrong")["auths"], **logged_in(guarded.host, "canary-user")["auths"]}},
        {"credsStore": "vault"},
        {"credsStore": "broken"},
        f'{{"auths": "{PASSWORD}"',
    ]  # fmt: skip
    for number, config in enumerate(configs):
        environ(home, config)
        for registry in (locked, guarded):
            registry.push("v/secret", "1", b"x")
            image(shell, registry, "v/secret", "1", "docker.digest=auto", f"parameters.n={number}")
            run("commit", "-m", "with a login")
            run("docker", "resolve")
            run("drift", "--docker")
            run("show")
            run("status")
    with scripted() as echo:  # says back whatever it is told
        echo.reply = lambda asked: Reply(
            401, {"WWW-Authenticate": f'Basic realm="{asked.headers.get("authorization")}"'}, json.dumps(dict(asked.headers)).encode()
        )  # fmt: skip
        environ(home, logged_in(echo.host))
        shell.ok("set", f"docker.image={echo.host}/v/secret")
        run("docker", "resolve")
    text = "".join(said)
    kept = everything(shell.folder)
    basic = logged_in("x")["auths"]["x"]["auth"]  # type: ignore[index]
    for canary in (PASSWORD, IDENTITY, "canary", str(basic), "eyJ"):
        assert canary not in text
        assert canary.encode() not in kept
    assert "docker has" in text
    assert MODEL in text
