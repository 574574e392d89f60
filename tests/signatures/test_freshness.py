"""A remote that was put back to an older signed state, fields of `mvc log --format`, and where a signed move holds."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import mvc
from tests.cli.shell import MODEL, Shell, begin
from tests.signatures.keys import Keys, run

REWRITTEN = 14
"""The exit code for a remote whose logs lack what was there."""


@pytest.fixture
def ana(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, keys: Keys) -> Shell:
    """v1 as prod on 2026-02-03, settings of the user that sign with Ana's key and trust it, and a remote."""
    (tmp_path / "ana").mkdir()
    monkeypatch.setenv("MVC_CONFIG", str(tmp_path / "user" / "config.toml"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    shell = begin(tmp_path / "ana", monkeypatch)
    shell.commit("one", "--alias", "prod")
    shell.ok("config", "--global", "sign.key", str(keys.folder / "ana"))
    shell.ok("config", "--global", "trust.allowed-signers", str(keys.allowed("ana")))
    shell.ok("remote", "add", "origin", str(tmp_path / "origin"))
    return shell


def test_a_remote_that_was_put_back_is_noticed(ana: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ana.ok("sign")
    said = ana.ok("push", "--signed", "origin", "main", "prod")
    assert "Signed the move of aliases/prod on origin with SHA256:" in said.out
    shutil.copytree(tmp_path / "origin", tmp_path / "older")
    ana.tick(30 * 86_400)
    ana.set(metrics__mAP50=0.9)
    ana.commit("two")
    ana.ok("alias", "set", "prod", "v2", "--sign")
    found = ana.ok("push", "--json", "origin", "main", "prod").json["signed"]
    assert [(each["ref"], each["remote"], each["new"]) for each in found] == [("aliases/prod", "origin", True)]
    ana.ok("clone", "-q", str(tmp_path / "origin"), str(tmp_path / "ben"))
    ben = Shell(tmp_path / "ben", monkeypatch)
    assert ben("verify", "prod", "--newer-than", "2026-03-01").code == 0

    shutil.rmtree(tmp_path / "origin")
    shutil.copytree(tmp_path / "older", tmp_path / "origin")
    for shell in (ana, ben):  # who has seen the newer state
        before = (shell.ok("rev-parse", "prod").out, shell.ok("rev-parse", "origin/main").out)
        said = shell("fetch")
        assert (said.code, "lost history" in said.err) == (REWRITTEN, True), said.err
        assert (shell.ok("rev-parse", "prod").out, shell.ok("rev-parse", "origin/main").out) == before
    ana.ok("clone", "-q", str(tmp_path / "origin"), str(tmp_path / "eve"))
    eve = Shell(tmp_path / "eve", monkeypatch)
    assert eve("verify", "prod").code == 0  # all that it sees was signed then
    stale = eve("verify", "prod", "--newer-than", "2026-03-01", "--json")
    assert (stale.code, stale.json["status"], stale.json["version"]["status"]) == (1, "stale", "good")
    assert "of 2026-02-04T09:00:00Z, before 2026-03-01" in stale.json["stale"]
    assert "stale: " in eve("verify", "prod", "--newer-than", "2026-03-01").out
    assert eve("verify", "prod", "--newer-than", "2026-02-03").code == 0
    assert mvc.open(eve.folder).model(MODEL).aliases.verify("prod", newer_than="2 days ago").status == "stale"
    # a version that is known to have been prod is not there
    assert eve("verify", "prod", "--newer-than", ben.ok("rev-parse", "v2").out.strip()).code == 2


def test_a_renewed_signature_says_that_prod_still_holds(ana: Shell, keys: Keys) -> None:
    ana.ok("sign", "prod")
    ana.tick(60 * 86_400)
    assert ana("verify", "prod", "--newer-than", "2026-03-01").code == 1
    assert "Already signed" in ana.ok("sign", "prod").out
    assert ana("verify", "prod", "--newer-than", "2026-03-01").code == 1
    ana.ok("sign", "prod", "--renew", "--key", str(keys.folder / "ben"))  # by nobody who is trusted
    assert ana("verify", "prod", "--newer-than", "2026-03-01").code == 1
    assert "Already" not in ana.ok("sign", "prod", "--renew").out
    assert ana("verify", "prod", "--newer-than", "2026-03-01").code == 0
    assert ana("sign", "--renew", "--remove", "1").code == 2


def test_an_ancestor_is_older(ana: Shell) -> None:
    ana.ok("sign")
    for at, message in enumerate(("two", "three")):
        ana.set(metrics__mAP50=0.5 + at / 10)
        ana.commit(message, "--sign")
    assert ana("verify", "v2", "--newer-than", "v1").code == 0
    assert ana("verify", "v2", "--newer-than", "v2").code == 0
    said = ana("verify", "v2", "--newer-than", "v3")
    assert (said.code, " is not among its ancestors" in said.out) == (1, True), said.out
    version = mvc.open(ana.folder).model(MODEL)["v2"]
    assert version.verify(newer_than=mvc.open(ana.folder).model(MODEL)["v3"]).status == "stale"
    assert ana("verify", "v2", "--newer-than", "nobody").code == 2


def test_a_format_has_the_signature_as_git_has_it(ana: Shell, keys: Keys, tmp_path: Path) -> None:
    template = "%G?|%GS|%GK|%GF|%GP|%GT"

    def shown(text: str = template) -> list[str]:
        return ana.ok("log", "-n1", "--format", text).out.strip("\n").split("|")

    key = run("ssh-keygen", "-l", "-f", str(keys.folder / "ana")).stdout.split()[1].decode()
    assert shown() == ["N", "", "", "", "", ""]
    ana.ok("sign")
    assert shown() == ["G", "ana@example.org", key, key, key, "fully"]
    assert shown("{signature}|{signer}|{key}") == ["good", "ana@example.org", key]
    ana.ok("config", "--global", "trust.allowed-signers", str(keys.allowed("ben", name="of-ben")))
    assert shown() == ["U", "", key, key, key, "undefined"]
    ana.ok("sign", "--key", str(keys.folder / "ben"))  # one that is trusted decides
    assert shown("%G?|%GS") == ["G", "ben@example.org"]
    ana.ok("config", "--global", "trust.allowed-signers", str(keys.allowed('ana valid-before="20200101"')))
    assert shown("%G?|%GS") == ["Y", "ana@example.org"]
    ana.ok("config", "--global", "trust.allowed-signers", str(keys.allowed("ana", "ben")))
    ana.ok("config", "--global", "trust.revoked", str(keys.folder / "ana.pub"))
    assert shown("%G?|%GS") == ["G", "ben@example.org"]
    ana.ok("sign", "--remove", "2")
    assert shown("%G?|%GS") == ["R", "ana@example.org"]
    log = ana.folder / ".mvc" / "signatures" / MODEL / ana.ok("rev-parse", "HEAD").out.strip()
    path = log / "0000000001"
    path.write_bytes(path.read_bytes()[:-1])
    assert shown("%G?") == ["B"]
    said = ana("log", "--format", "%GG")
    assert (said.code, "%GG" in said.err, "signature.letter" in said.err) == (2, True, False)
