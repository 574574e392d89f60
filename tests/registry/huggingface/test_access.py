"""The token goes to the Hub or to an approved host only; private and gated repositories are named as such."""

from __future__ import annotations

from pathlib import Path

import pytest
from huggingface_hub import constants

from tests.cli.shell import Shell
from tests.registry import histories
from tests.registry.huggingface.published import URL
from tests.servers.huggingface import TOKEN, Hub, Repository


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hub: Hub) -> Shell:
    made = hub.repositories["acme/helmet"] = Repository()
    made.commit({"model.safetensors": b"w" * 3000}, "Weights")
    return histories.small(tmp_path / "ana", monkeypatch)


def _sent(hub: Hub) -> set[str | None]:
    return {call.headers.get("authorization") for call in hub.calls}


def test_the_token_goes_to_the_approved_host_and_never_to_its_storage(shell: Shell, hub: Hub) -> None:
    shell.ok("import", URL)
    by_host = {(call.headers["host"].partition(":")[0], "authorization" in call.headers) for call in hub.calls}
    assert by_host == {("127.0.0.1", True), ("localhost", False)}


def test_a_host_that_is_not_approved_gets_no_token_and_no_version(
    shell: Shell, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MVC_TRUSTED_HOSTS")
    shell.ok("import", URL)
    refused = shell("publish", URL)
    assert refused.code == 12
    assert "MVC_TRUSTED_HOSTS=127.0.0.1" in refused.err
    assert _sent(hub) == {None}


def test_an_approval_in_the_users_settings_counts(shell: Shell, hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MVC_TRUSTED_HOSTS")
    host = hub.host.removeprefix("http://")
    monkeypatch.setenv("MVC_CONFIG", str(shell.folder / "own.toml"))
    (shell.folder / "own.toml").write_text(f'[host."{host}"]\ntrust = ["hf"]\n', encoding="utf-8")
    shell.ok("publish", URL)
    assert f"Bearer {TOKEN}" in _sent(hub)


def test_plain_http_to_another_machine_is_refused(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://hub.example.org")
    monkeypatch.setenv("MVC_CONFIG", str(shell.folder / "own.toml"))
    (shell.folder / "own.toml").write_text('[host."hub.example.org:80"]\ntrust = ["hf"]\n', encoding="utf-8")
    refused = shell("import", URL)
    assert refused.code == 12
    assert "unencrypted HTTP" in refused.err


def test_the_token_of_the_login_is_used(shell: Shell, hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    token = shell.folder / "token"
    token.write_text(TOKEN, encoding="ascii")
    monkeypatch.delenv("HF_TOKEN")
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(token))
    shell.ok("publish", URL)
    assert f"Bearer {TOKEN}" in _sent(hub)


def test_without_a_token_nothing_is_published_and_the_login_is_named(
    shell: Shell, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HF_TOKEN")
    refused = shell("publish", URL)
    assert refused.code == 12
    assert "it requires a token" in refused.err
    assert "hf auth login" in refused.err


def test_a_private_repository_is_absent_without_a_token(
    shell: Shell, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.repositories["acme/helmet"].private = True
    shell.ok("import", URL)
    monkeypatch.delenv("HF_TOKEN")
    refused = shell("import", URL)
    assert refused.code == 12
    assert "HF_TOKEN" in refused.err


def test_a_gated_repository_names_its_page(shell: Shell, hub: Hub) -> None:
    hub.repositories["acme/helmet"].gated = True
    refused = shell("import", URL)
    assert refused.code == 12
    assert f"Accept its conditions on {hub.host}/acme/helmet" in refused.err


def test_a_wrong_token_and_an_absent_repository_are_clear(
    shell: Shell, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    absent = shell("import", "hf://acme/absent")
    assert absent.code == 2
    assert "Not found on hf://acme/absent" in absent.err
    unknown = shell("import", f"{URL}@v9")
    assert unknown.code == 2
    assert "v9" in unknown.err
    monkeypatch.setenv("HF_TOKEN", "hf_wrong")
    wrong = shell("import", URL)
    assert wrong.code == 12
    assert "the token does not have the right" in wrong.err
    assert "hf_wrong" not in wrong.err


def test_offline_nothing_is_asked(shell: Shell, hub: Hub) -> None:
    assert shell("--offline", "import", URL).code != 0
    assert shell("--offline", "publish", URL).code != 0
    assert not hub.calls


def test_nothing_but_the_repository_is_asked_for(shell: Shell, hub: Hub) -> None:
    shell.ok("publish", URL)
    shell.ok("import", URL, "--model", "again")
    others = {call.path for call in hub.calls if "acme/helmet" not in call.path}
    assert others == {"/api/validate-yaml"}
