"""The keys `signed-by` and `signers`, with signatures by the real ssh-keygen: who counts, how often, and what never does."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from mvc import errors
from mvc.model.ids import VersionId
from mvc.repository.policy import gate
from mvc.repository.policy.gate import NAME
from mvc.repository.signatures.verify import _assigned
from tests.cli.shell import MODEL, Shell, begin
from tests.remotes.clones import clone
from tests.signatures.keys import Keys, read, write

ANA, BEN = "ana@example.org", "ben@example.org"


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory, requires: Callable[[str], str]) -> Keys:
    """Keys of Ana, who has two, of Ben, and of Eve."""
    requires("ssh-keygen")
    keys = Keys(tmp_path_factory.mktemp("keys"))
    for name in ("ana", "new", "ben", "eve"):
        keys.make(name)
    return keys


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, keys: Keys) -> Shell:
    """v1 on main, settings of the user that trust `allowed` of the keys, and a remote."""
    (tmp_path / "ana").mkdir()
    monkeypatch.setenv("MVC_CONFIG", str(tmp_path / "user" / "config.toml"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    shell = begin(tmp_path / "ana", monkeypatch)
    shell.commit("one")
    shell.ok("config", "--global", "trust.allowed-signers", str(keys.allowed("ana", "ben")))
    shell.ok("remote", "add", "origin", str(tmp_path / "origin"))
    return shell


def policy(shell: Shell, *on: str, signers: int = 1) -> None:
    events = ", ".join(f'"{event}"' for event in on)
    text = f'[[rule]]\non = [{events}]\nsigned-by = ["{ANA}", "{BEN}"]\nsigners = {signers}\n'
    (shell.folder / NAME).write_text(text, encoding="utf-8")


def refused(shell: Shell, *command: str) -> str:
    """Run a command that must be refused; return the line about `signed-by`."""
    said = shell(*command)
    assert said.code == 17, said
    lines = [line for line in said.err.splitlines() if line.startswith("  signed-by: ")]
    assert len(lines) == 1, said
    assert lines[0].endswith("(policy.toml, line 3)"), said
    return lines[0]


def sign(shell: Shell, keys: Keys, *names: str, revision: str = "HEAD") -> None:
    for name in names:
        shell.ok("sign", "--key", str(keys.folder / name), revision)


def log_of(shell: Shell, revision: str) -> Path:
    return shell.folder / ".mvc" / "signatures" / MODEL / shell.ok("rev-parse", revision).out.strip()


@pytest.mark.parametrize("beside", ["user", "dotfiles"])
def test_a_rule_and_verify_trust_the_same_keys_where_the_settings_are_a_link(
    shell: Shell, keys: Keys, tmp_path: Path, beside: str
) -> None:
    shell.ok("config", "--global", "--unset", "trust.allowed-signers")
    settings, folder = tmp_path / "user" / "config.toml", tmp_path / "dotfiles"
    folder.mkdir()
    settings.rename(folder / "mvc.toml")
    settings.symlink_to(folder / "mvc.toml")
    (tmp_path / beside / "allowed_signers").write_bytes(keys.allowed("ana").read_bytes())
    sign(shell, keys, "ana")
    policy(shell, "alias:prod")
    shell.ok("verify")
    shell.ok("alias", "set", "prod")


def test_two_different_principals_of_the_list_have_to_sign(shell: Shell, keys: Keys) -> None:
    policy(shell, "alias:prod", signers=2)
    assert [line.split() for line in shell.ok("policy").lines][-2] == ["signers", "2"]
    move = ("alias", "set", "prod")
    assert "has 0 of 2 signatures: none by ana@example.org, ben@example.org (policy" in refused(shell, *move)
    refused(shell, "commit", "--allow-empty", "-m", "x", "--alias", "prod")
    sign(shell, keys, "eve", "ana")
    assert "has 1 of 2 signatures" in refused(shell, *move)
    trusted = keys.folder / "allowed"
    trusted.write_text(f"{ANA} {keys.public('ana')}\n{ANA} {keys.public('new')}\n*@example.org {keys.public('eve')}\n")
    shell.ok("alias", "set", "prod")  # Eve's key is trusted for everybody of example.org, so for Ben
    shell.ok("alias", "rm", "prod")  # a deletion needs no signature
    shell.ok("sign", "--remove", "1", "HEAD")
    sign(shell, keys, "new")
    assert "has 1 of 2 signatures: by ana@example.org, none by ben@example.org (policy" in refused(
        shell, *move
    )  # both of her keys
    trusted.write_text(f"{ANA},{BEN} {keys.public('ana')}\n")
    assert "has 1 of 2" in refused(shell, *move)  # one key with two names
    keys.allowed("ana", "ben")
    sign(shell, keys, "ben")
    shell.ok(*move)


def test_a_signature_counts_only_while_mvc_verify_would_trust_it(shell: Shell, keys: Keys, tmp_path: Path) -> None:
    policy(shell, "tag:*")
    shell.ok("alias", "set", "prod")
    shell.ok("sign", "--key", str(keys.folder / "ana"), "prod")
    for lines, reason in (
        (("eve",), "the key is not among the allowed signers"),
        (('ana valid-before="20200101"',), "the key was no longer valid at the time of the signature ("),
        (("ana until=tomorrow",), ":2: bad options: unknown key option)"),
        (('ana namespaces="mvc.ref"',), "the key is not trusted for this kind of statement ("),
        ((), "the key is not among the allowed signers"),
    ):
        keys.allowed(*lines)
        line = refused(shell, "tag", "t")
        assert ("; not counted: " in line, reason in line) == (True, True), line
    keys.allowed("ana")
    shell.ok("config", "--global", "trust.revoked", str(keys.folder / "ana.pub"))
    refused(shell, "tag", "t")
    shell.ok("config", "--global", "--unset", "trust.revoked")
    shell.ok("config", "--global", "--unset", "trust.allowed-signers")
    said = shell("tag", "t")
    assert (said.code, "trust.allowed-signers" in said.err) == (17, True)
    shell.ok("config", "--global", "trust.allowed-signers", str(tmp_path / "none"))
    assert shell("tag", "t").code == 2  # the file cannot be read, and nothing moves
    shell.ok("config", "--global", "trust.allowed-signers", str(keys.allowed("ana", "ben")))
    shell.ok("tag", "t")
    first = min(log_of(shell, "HEAD").iterdir())
    good = first.read_bytes()
    write(first, {**read(first), "format": "none"})  # a format that this mvc does not know
    refused(shell, "tag", "u")
    first.write_bytes(good)
    write(first.with_name("0000000009"), {**read(first), "nonce": "0" * 32, "seq": 9})
    assert "does not match" in refused(shell, "tag", "u")
    assert shell("verify", "HEAD").code == 14


def test_a_signature_of_the_move_or_of_another_version_is_none(shell: Shell, keys: Keys) -> None:
    shell.ok("alias", "set", "prod")
    shell.ok("sign", "--key", str(keys.folder / "ana"), "prod")
    shell.ok("sign", "--remove", "1", "HEAD")
    policy(shell, "tag:*")
    refused(shell, "tag", "t")
    sign(shell, keys, "ana")
    shell.set(metrics__mAP50=0.5)
    shell.commit("two")
    refused(shell, "tag", "t")
    shell.ok("tag", "t", "v1")


def test_branches_pushes_and_publications(
    shell: Shell, keys: Keys, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    policy(shell, "branch:main", "push:origin", "publish:*")
    assert "the new version has no signature yet" in refused(shell, "commit", "--allow-empty", "-m", "two")
    shell.ok("switch", "-c", "next")
    shell.set(metrics__mAP50=0.5)
    shell.commit("two")
    shell.set(metrics__mAP50=0.6)
    shell.commit("three")
    shell.ok("switch", "main")
    refused(shell, "merge", "next")
    refused(shell, "push", "origin", "next")
    checked = shell("policy", "check", "next", "--for", "publish:acme", "--json")
    assert (checked.code, [breach["key"] for breach in checked.json["breaches"]]) == (1, ["signed-by"])
    sign(shell, keys, "ben", revision="next")
    shell.ok("policy", "check", "next", "--for", "publish:acme")
    assert "has 0 of 1 signature: none by" in shell("policy", "check", "next~1", "--for", "publish:acme").out
    below, tip = (VersionId(shell.ok("rev-parse", name).out.strip()) for name in ("next~1", "next"))
    gate.sent(shell.repository, "publish:acme", MODEL, [tip])
    with pytest.raises(errors.PolicyRefused, match="signed-by"):
        gate.sent(shell.repository, "publish:acme", MODEL, [tip, below])
    shell.ok("merge", "next")
    shell.ok("push", "origin", "main")  # v2 below the tip is covered by the signature of the tip
    other = clone(tmp_path, monkeypatch, "other")
    (other.folder / NAME).write_bytes((shell.folder / NAME).read_bytes())
    shell.ok("switch", "next")
    shell.commit("four", "--allow-empty")
    sign(shell, keys, "ana")
    shell.ok("switch", "main")
    shell.ok("merge", "next")
    shell.ok("push", "origin", "main")
    other.ok("pull")  # the signature travels before the branch moves
    assert other.ok("rev-parse", "main").out == shell.ok("rev-parse", "main").out


def test_the_number_of_signers_is_that_of_a_largest_assignment(rng: random.Random) -> None:
    for _ in range(200):
        names = [f"p{number}" for number in range(rng.randrange(1, 5))]
        trusted = {f"k{number}": {name for name in names if rng.random() < 0.4} for number in range(rng.randrange(5))}
        found = _assigned(trusted)
        assert len({*found.values()}) == len(found)
        assert all(name in trusted[key] for name, key in found.items())
        assert len(found) == _most([*trusted.values()], frozenset())


def _most(keys: list[set[str]], taken: frozenset[str]) -> int:
    """The most keys with a name each, by trying all."""
    if not keys:
        return 0
    rest = keys[1:]
    return max(_most(rest, taken), *(1 + _most(rest, taken | {name}) for name in keys[0] - taken), 0)
