"""`mvc publish` under rules of a policy: refused before the platform is asked to write, and done once they are followed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from mvc.repository.policy.gate import NAME
from tests.cli.shell import MODEL
from tests.registry import histories
from tests.servers.picsellia import Platform
from tests.signatures.keys import Keys


def test_a_version_is_published_once_a_principal_signed_it(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    platform: Platform,
    naps: list[float],
    requires: Callable[[str], str],
) -> None:
    requires("ssh-keygen")
    keys = Keys(tmp_path / "keys")
    keys.make("ana")
    keys.make("eve")
    monkeypatch.setenv("MVC_CONFIG", str(tmp_path / "user" / "config.toml"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    shell = histories.small(tmp_path / "ana", monkeypatch)
    histories.register(shell, platform, monkeypatch)
    shell.ok("config", "--global", "trust.allowed-signers", str(keys.allowed("ana", "eve")))
    text = '[[rule]]\non = ["publish:*"]\nsigned-by = ["ana@example.org"]\n'
    (shell.folder / NAME).write_text(text, encoding="utf-8")
    before = histories.state(platform)

    def refused() -> None:
        said = shell("publish")
        assert said.code == 17, said
        assert "  signed-by: " in said.err, said
        assert "(policy.toml, line 3)" in said.err, said
        assert histories.state(platform) == before

    refused()
    shell.ok("sign", "--key", str(keys.folder / "eve"))
    refused()
    shell.ok("sign", "--key", str(keys.folder / "ana"))
    shell.ok("publish")
    assert [row["name"] for row in platform.versions_of(MODEL)]
    assert histories.state(platform) != before
    shell.set(parameters__epochs=101)
    shell.commit("unsigned again")
    before = histories.state(platform)
    refused()


def test_the_log_of_the_place_keeps_the_reason_for_which_a_rule_was_passed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, platform: Platform, naps: list[float]
) -> None:
    shell = histories.small(tmp_path / "ana", monkeypatch)
    histories.register(shell, platform, monkeypatch)
    (shell.folder / NAME).write_text('[[rule]]\non = ["publish:*"]\nmax-version = 0\nforce = true\n', encoding="utf-8")
    assert shell("publish").code == 17
    shell.ok("publish", "--force-policy", "agreed")
    (kind,) = (each for each in shell.repository.refs.kinds(MODEL, published=True) if each.startswith("published/"))
    (place,) = (shell.repository.refs.tip(ref) for ref in shell.repository.refs.all(MODEL, kind))
    assert place is not None
    assert place.move.reason == "publish (policy overridden: max-version of policy.toml, line 3: agreed)"
