"""Signatures among people: options of the verbs that sign, whom a machine trusts, and what travels with a remote."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import mvc
from mvc import errors
from mvc.model.ids import digest
from mvc.storage.records import config
from tests.cli.shell import MODEL, Shell, begin
from tests.signatures.keys import Keys, read, write


@pytest.fixture
def ana(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, keys: Keys) -> Shell:
    """v1, settings of the user that sign with Ana's key and trust it, and a remote."""
    (tmp_path / "ana").mkdir()
    monkeypatch.setenv("MVC_CONFIG", str(tmp_path / "user" / "config.toml"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    shell = begin(tmp_path / "ana", monkeypatch)
    shell.write("w.bin", b"weights")
    shell.ok("add", "w.bin", "--as", "weights")
    shell.commit("one")
    shell.ok("config", "--global", "sign.key", str(keys.folder / "ana"))
    shell.ok("config", "--global", "trust.allowed-signers", str(keys.allowed("ana", name="trusted")))
    shell.ok("remote", "add", "origin", str(tmp_path / "origin"))
    return shell


def statuses(shell: Shell, revision: str) -> tuple[int, str, str | None]:
    said = shell("verify", revision, "--json")
    move = said.json["move"]
    return said.code, said.json["version"]["status"], move["status"] if move else None


def records(folder: Path) -> list[Path]:
    return sorted(
        folder.glob(f"**/signatures/{MODEL}/*/*")
        if (folder / ".mvc").exists()
        else folder.glob("refs/*/signatures/*/*")
    )


def test_verbs_sign_when_asked_or_always(ana: Shell, keys: Keys, tmp_path: Path) -> None:
    assert statuses(ana, "HEAD") == (1, "unsigned", None)
    before = (ana.folder / ".mvc" / "config.toml").read_bytes()
    assert config.SIGNATURES.encode() not in before
    ana.set(metrics__mAP50=0.5)
    id_ = ana.commit("two", "-S", "--tag", "2026.1")
    assert config.SIGNATURES.encode() in (ana.folder / ".mvc" / "config.toml").read_bytes()  # an older mvc refuses it
    assert statuses(ana, "2026.1") == (0, "good", "good")
    ana.ok("tag", "-s", "2026.0", "v1")
    assert statuses(ana, "2026.0") == (0, "good", "good")
    assert statuses(ana, "main") == (0, "good", None)
    assert ana.ok("rev-parse", "HEAD").out.strip() == id_
    ana.ok("alias", "set", "prod", "v2")
    assert statuses(ana, "prod") == (1, "good", "unsigned")
    assert "Already signed" in ana.ok("sign", "prod").out  # the version, and not the move
    assert statuses(ana, "prod") == (0, "good", "good")
    count = len(records(ana.folder))
    ana.ok("sign", "prod")
    assert len(records(ana.folder)) == count

    ana.ok("config", "--global", "sign.always", "true")
    ana.set(metrics__mAP50=0.6)
    ana.commit("three", "--alias", "staging")
    assert statuses(ana, "staging") == (0, "good", "good")
    ana.set(metrics__mAP50=0.7)
    ana.commit("four", "--no-gpg-sign")
    assert statuses(ana, "HEAD") == (1, "unsigned", None)
    ana.ok("config", "--global", "sign.key", str(tmp_path / "lost"))
    ana.set(metrics__mAP50=0.8)
    assert ana("commit", "-m", "five").code == 2  # refused before anything is stored
    assert ana.ok("log", "--oneline", "-n1").out.endswith("four\n")
    locked = keys.make("locked", passphrase="unknown to everybody")
    said = ana("commit", "-m", "five", "--key", str(locked))
    assert said.code == 128
    assert "is committed, but not signed" in said.err
    assert f"mvc sign {ana.ok('rev-parse', '--short', 'HEAD').out.strip()}" in said.err
    assert ana("commit", "-m", "six", "--no-sign", "--key", str(locked)).code == 2
    said = ana("push", "origin", "prod", "--key", str(locked))
    assert said.code == 128
    assert "prod is on origin, but not signed" in said.err
    assert "`mvc push --signed origin prod`" in said.err


def test_signatures_are_shown_and_can_be_removed(ana: Shell, keys: Keys) -> None:
    ana.ok("sign", "--key", str(keys.folder / "ben"))
    ana.ok("sign")
    log = ana.ok("log", "--show-signature").out
    assert "signature 1: unknown, says it is Ana" in log
    assert "the key is not among the allowed signers" in log
    assert "signature 2: good, ana@example.org" in log
    assert "signature 2: good" not in ana.ok("log").out
    shown = ana.ok("show").out
    assert "(not verified)" in shown
    assert "1: unknown, says it is Ana" in ana.ok("show", "--show-signature").out
    found = ana.ok("show", "--json").json
    assert [each["number"] for each in found["signatures"]] == [1, 2]
    assert "verified" not in found
    assert ana.ok("log", "--show-signature", "--json").json["versions"][0]["verified"]["status"] == "good"
    version = mvc.open(ana.folder).model(MODEL)["HEAD"]
    assert version.verify().status == "good"
    assert version.sign().signatures[0].new is False
    ana.ok("sign", "--remove", "2")
    assert statuses(ana, "HEAD") == (1, "untrusted", None)
    assert ana("sign", "--remove", "2").code == 2
    path = records(ana.folder)[0]
    path.write_bytes(path.read_bytes().replace(b"SHA256", b"SHA257"))
    assert statuses(ana, "HEAD") == (14, "mismatch", None)
    assert [finding["kind"] for finding in ana("fsck", "--json").json["findings"]] == ["signature"]
    ana.ok("sign", "--remove", "1")
    assert ana("fsck").code == 0
    assert statuses(ana, "HEAD") == (1, "unsigned", None)


def test_nothing_in_a_repository_says_whom_to_trust(
    ana: Shell, keys: Keys, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ana.ok("sign")
    for key in ("sign.key", "sign.always", "trust.allowed-signers", "trust.revoked"):
        assert ana("config", key, "x").code == 2
    inside = ana.folder / "allowed"
    shutil.copy(keys.folder / "trusted", inside)
    ana.ok("config", "--global", "trust.allowed-signers", str(inside))
    assert "in the repository" in ana("verify").err
    (tmp_path / "link").symlink_to(inside)
    ana.ok("config", "--global", "trust.allowed-signers", str(tmp_path / "link"))
    assert ana("verify").code == 2
    assert ana("verify", "--signers", "allowed").code == 0  # named by the person
    assert "must be absolute" in ana("config", "--global", "trust.allowed-signers", "allowed").err
    ana.ok("config", "--global", "--unset", "trust.allowed-signers")
    said = ana("verify")
    assert (said.code, "no keys are trusted" in said.err) == (1, True)
    git = tmp_path / "gitconfig"
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(git))
    git.write_text('[gpg "ssh"]\n\tallowedSignersFile = ~/signers\n')
    (tmp_path / "home").mkdir()
    shutil.copy(keys.folder / "trusted", tmp_path / "home" / "signers")
    assert ana("verify").code == 0
    (ana.folder / ".git").mkdir(exist_ok=True)
    shutil.copy(keys.allowed("ben", name="of-ben"), tmp_path / "user" / "allowed_signers")
    assert ana("verify").code == 1  # the person's own file comes first


def test_a_remote_carries_signatures_of_its_own_moves(
    ana: Shell, keys: Keys, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ana.ok("alias", "set", "prod", "--sign")
    ana.ok("config", "--global", "--unset", "sign.key")
    said = ana("push", "origin", "main", "prod")
    assert (said.code, "the move of prod is signed here" in said.err) == (2, True)
    assert not (tmp_path / "origin" / "format").exists()  # refused before anything is sent
    said = ana.ok("push", "origin", "main", "prod", "--key", str(keys.folder / "ana"))
    assert "Uploaded 3 signatures" in said.out  # of the version, of the move here, and of that there
    ana.ok("clone", "-q", str(tmp_path / "origin"), str(tmp_path / "ben"))
    ben = Shell(tmp_path / "ben", monkeypatch)
    assert statuses(ben, "prod") == (0, "good", "good")
    assert ben("fsck").code == 0
    assert ana("fsck", "--remote", "origin").code == 0

    ben.tick()
    ben.set(metrics__mAP50=0.9)
    ben.commit("two")
    ben.ok("alias", "set", "prod", "-m", "better")
    ben.ok("push", "origin", "main", "prod")  # a move that nobody signed
    ana.ok("fetch")
    ana.ok("pull")
    ana.ok("alias", "set", "prod", "v2")
    assert statuses(ana, "prod") == (1, "unsigned", "unsigned")
    ana.ok("sign", "prod", "--key", str(keys.folder / "ana"))  # after the fact
    ana.ok("push", "origin", "main")
    assert "new signature" in ben.ok("fetch").out
    assert statuses(ben, "prod") == (0, "good", "good")

    # another remote: the record of this one proves nothing there, also if it names the move there
    ben.ok("remote", "add", "other", str(tmp_path / "other"))
    ben.ok("push", "other", "main", "prod")
    ben.ok("clone", "-q", str(tmp_path / "other"), str(tmp_path / "eve"))
    eve = Shell(tmp_path / "eve", monkeypatch)
    assert statuses(eve, "prod") == (1, "good", "unsigned")
    there = next(path for path in records(tmp_path / "other") if b'"what":"ref"' in path.read_bytes())
    record = read(there)
    entry = (tmp_path / "other" / "refs" / MODEL / "aliases" / "prod" / "0000000001").read_bytes()
    write(there, {**record, "move": {**record["move"], "seq": 1, "entry": digest(entry)}})
    shutil.rmtree(tmp_path / "eve")
    ben.ok("clone", "-q", str(tmp_path / "other"), str(tmp_path / "eve"))
    assert statuses(eve, "prod") == (14, "good", "mismatch")

    # a renamed model keeps the signatures of its versions, and its names are signed again
    ana.ok("models", "rename", MODEL, "hats")
    assert statuses(ana, "prod") == (1, "good", "unsigned")
    ana.ok("sign", "prod", "--key", str(keys.folder / "ana"))
    assert statuses(ana, "prod") == (0, "good", "good")


def test_a_setting_takes_back_no_feature(ana: Shell) -> None:
    repository = ana.repository
    with repository.locked():
        config.require(repository.door, [config.SIGNATURES])
    repository.config.set("core.lock-timeout", "5", user=False)
    repository.config.set_upstream(MODEL, "main", "origin", "main")
    assert config.requires(repository.door, config.SIGNATURES)


def test_gc_keeps_signatures_as_long_as_their_version(ana: Shell) -> None:
    ana.ok("switch", "-c", "night")
    ana.set(metrics__mAP50=0.4)
    ana.commit("two", "--sign")
    ana.ok("gc", "--grace", "0")
    assert statuses(ana, "HEAD") == (0, "good", None)
    ana.ok("switch", "main")
    ana.ok("branch", "-D", "night")
    ana.tick(100 * 86_400)
    ana.ok("config", "gc.reflog-expire", "1")
    ana.ok("gc", "--grace", "0")
    assert not records(ana.folder)
    assert not config.requires(ana.repository.door, config.SIGNATURES)
    with pytest.raises(errors.NoSigningKey):
        mvc.open(ana.folder).model(MODEL)["HEAD"].sign(key=ana.folder / "lost")
