"""The key `scan` of a rule, and the table `[scan]`: verdicts of files decide, and whose list of classes counts where."""

from __future__ import annotations

import json
import os
import pickle
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

import mvc
from mvc import errors
from mvc.porcelain import attest
from mvc.repository.model import Model
from mvc.repository.policy.gate import NAME
from tests.cli.shell import Said, Shell, begin


class Network:
    """A class that a pickle refers to, as a trainer's checkpoint does to its module."""


FILES = {
    "plain": pickle.dumps({"a": 1}, 2),
    "data": pickle.dumps({"a": PurePosixPath("x")}, 2),
    "unknown": b"\x07\x00\x01 what is this \xff\xfe" * 9,
    "damaged": pickle.dumps({"a": 1}, 2)[:-1],
    "code": pickle.dumps(Network(), 2),
}
"""Files by their verdicts."""
CLASS = f"{__name__}.Network"


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """A version of one file that needs code; the user's settings are in `tmp_path/own`."""
    (tmp_path / "ana").mkdir()
    monkeypatch.setenv("MVC_CONFIG", str(tmp_path / "own" / "config.toml"))
    (tmp_path / "own").mkdir()
    shell = begin(tmp_path / "ana", monkeypatch)
    shell.write("w.pt", FILES["code"])
    shell.ok("add", "w.pt", "--as", "model-latest")
    shell.commit("code")
    return shell


def policy(shell: Shell, *lines: str, on: str = "tag:*") -> None:
    text = "\n".join((*lines, ""))
    (shell.folder / NAME).write_text(text.replace("RULE", f'[[rule]]\non = ["{on}"]'), encoding="utf-8")


def refused(said: Said, *words: str) -> None:
    assert said.code == 17, said
    assert all(word in said.err for word in ("  scan: ", *words)), said


def scan_of(shell: Shell, *words: str) -> Any:
    return json.loads(shell("scan", "--json", *words).out)


def test_a_rule_lets_pass_its_verdict_and_better_ones(shell: Shell) -> None:
    verdicts = ["plain", "data", "unknown", "damaged", "code"]
    for verdict, content in FILES.items():
        shell.write("w.pt", content)
        assert scan_of(shell)["verdict"] == verdict
        shell("commit", "-m", verdict)
        for worst in (*verdicts, "unreadable"):
            policy(shell, "RULE", f'scan = "{worst}"', on=f"tag:{verdict}")
            said = shell("tag", verdict)
            if verdict not in verdicts[: verdicts.index(worst) + 1 if worst in verdicts else 9]:
                refused(said, f"w.pt is {verdict}, worse than {worst} (policy.toml, line 3)", "mvc scan --explain ")
            else:
                assert said.code == 0, said
                shell.ok("tag", "-d", verdict)


def test_hostile_files_that_a_commit_lets_pass_are_stopped_by_a_rule(shell: Shell) -> None:
    policy(shell, "RULE", 'scan = "code"', on="commit")
    shell.write("w.pt", b"cos\nsystem\n(S'true'\ntR.")
    before = _store(shell)
    refused(shell("commit", "-m", "x", "--allow-unsafe"), "w.pt is hostile")
    assert _store(shell) == before
    assert shell("policy", "check", "--json").json["breaches"][0]["key"] == "scan"
    (shell.folder / NAME).unlink()
    shell.ok("commit", "-m", "x", "--allow-unsafe")
    policy(shell, "RULE", 'scan = "code"', "force = true", on="alias:prod")
    refused(shell("alias", "set", "prod"), "w.pt is hostile")
    shell.ok("alias", "set", "prod", "HEAD~1")
    shell.ok("alias", "set", "prod", "--force-policy", "in quarantine")


def test_a_rule_counts_only_classes_that_its_own_file_allows(shell: Shell, tmp_path: Path) -> None:
    rule = ("RULE", 'scan = "data"')
    policy(shell, *rule)
    refused(shell("tag", "t"), "w.pt is code")
    shell.ok("config", "--global", "scan.allow", CLASS)
    refused(shell("tag", "t"), "w.pt is code")
    own = tmp_path / "own" / NAME
    own.write_text(f'[scan]\nallow = ["{CLASS}"]\n', encoding="utf-8")
    refused(shell("tag", "t"), "w.pt is code")
    policy(shell, "[scan]", f'allow = ["{CLASS}"]', *rule)
    shell.ok("tag", "t")
    own.write_text('[[rule]]\non = ["tag:*"]\nscan = "data"\n', encoding="utf-8")
    refused(shell("tag", "u"), f"({own}, line 3)")


def test_classes_that_a_policy_allows_are_named_and_count_for_its_repository_only(shell: Shell, tmp_path: Path) -> None:
    assert scan_of(shell)["verdict"] == "code"
    policy(shell, "[scan]", f'allow = ["{CLASS}"]')
    out = shell.ok("scan").out
    assert f"Classes allowed by policy.toml: {CLASS}" in out
    assert scan_of(shell, "v1")["allowed"] == [CLASS]
    assert scan_of(shell, "--", "w.pt")["verdict"] == "plain"
    (tmp_path / "download.pt").write_bytes(FILES["code"])
    assert scan_of(shell, "--", "../download.pt")["verdict"] == "code"
    os.symlink(tmp_path / "download.pt", shell.folder / "link.pt")
    assert scan_of(shell, "--", "link.pt")["verdict"] == "code"
    shell.write("w.pt", b"cos\nsystem\n(S'true'\ntR.")
    policy(shell, "[scan]", 'allow = ["os.system", "os.*"]')
    said = shell("scan")
    assert (said.code, said.out) == (2, "")
    assert "os.system" in said.err
    shell.ok("config", "--global", "scan.allow", "a.B")
    policy(shell, "[scan]", 'level = "code"', 'allow = ["a.B"]')
    assert [line.split() for line in shell.ok("policy").lines[:-1]] == [
        ["policy.toml,", "line", "1", "[scan]"],
        ["level", "code"],
        ["allow", "a.B"],
    ]


def test_the_strictest_level_counts(shell: Shell, tmp_path: Path) -> None:
    def code(own: str, team: str, mine: str = "") -> int:
        shell.ok("config", "--global", "scan.level", own)
        policy(shell, "[scan]", *([f'level = "{team}"'] if team else []))
        (tmp_path / "own" / NAME).write_text(f'[scan]\nlevel = "{mine}"\n' if mine else "", encoding="utf-8")
        shell.write("w.pt", FILES["code"] if "code" in (own, team, mine) else b"cos\nsystem\n(S'true'\ntR.")
        return shell("commit", "--dry-run", "--allow-empty", "-m", "x").code

    shell.write("w.pt", FILES["plain"])
    shell.commit("plain")
    shell("config", "--global", "--unset", "scan.level")
    assert [code("unreadable", "hostile"), code("off", "hostile"), code("off", "")] == [17, 17, 0]
    assert [code("off", "code"), code("code", "hostile"), code("hostile", "unreadable", "code")] == [17, 17, 17]


def test_a_version_whose_bytes_are_not_here_is_not_judged(
    shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shell.write("w.pt", FILES["plain"] * 3_000)
    shell.commit("large")
    shell.ok("remote", "add", "origin", str(tmp_path / "origin"))
    shell.ok("push", "-u", "origin", "main")
    Shell(tmp_path, monkeypatch).ok("clone", "--meta", "origin", "other")
    other = Shell(tmp_path / "other", monkeypatch)
    policy(other, "RULE", 'scan = "plain"')
    said = other("tag", "t")
    assert said.code == 15, said
    assert "scan: not scanned: w.pt" in said.err
    assert "`mvc export " in said.err
    policy(other, "RULE", 'scan = "plain"', 'licenses.allow = ["MIT"]')
    assert other("tag", "t").code == 17
    policy(other, "RULE", 'scan = "plain"')
    other.ok("export", "HEAD", str(tmp_path / "exported"))
    other.ok("tag", "t")


def _store(shell: Shell) -> dict[str, bytes]:
    top = shell.folder / ".mvc"
    skipped = ("cache/", "tmp/", "lock")
    found = {path.relative_to(top).as_posix(): path for path in top.rglob("*") if path.is_file()}
    return {name: path.read_bytes() for name, path in found.items() if not name.startswith(skipped)}


def test_python_and_attestations_judge_as_the_command_does(
    shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(shell.folder)
    model = mvc.open(shell.folder).model()

    def answers() -> list[tuple[str | None, tuple[str, ...]]]:
        head = model["HEAD"]
        found = [model.scan(), head.scan(), mvc.scan_files("w.pt"), mvc.scan_files(shell.folder / "w.pt")]
        stated = attest.of_scan(Model(shell.repository, "helmets"), head.id)
        said = [(each.verdict, each.allowed) for each in found]
        return [*said, (stated["verdict"], tuple(stated["allowed"]))]

    def commands() -> list[tuple[str | None, tuple[str, ...]]]:
        said = [scan_of(shell, *words) for words in ([], ["HEAD"], ["--", "w.pt"])]
        return [(each["verdict"], tuple(each["allowed"])) for each in said]

    assert set(answers()) == set(commands()) == {("code", ())}
    policy(shell, "[scan]", f'allow = ["{CLASS}"]')
    assert set(answers()) == set(commands()) == {("plain", (CLASS,))}
    monkeypatch.chdir(tmp_path)
    assert mvc.scan_files(shell.folder / "w.pt").verdict == "code"  # as of the command, which is in no repository
    monkeypatch.chdir(shell.folder)
    (shell.folder / NAME).unlink()
    shell.ok("config", "--global", "scan.allow", CLASS)
    assert set(answers()) == set(commands()) == {("plain", (CLASS,))}
    assert mvc.scan_files("w.pt", allow=["a.B"]).allowed == (CLASS, "a.B")
    shell.ok("config", "--global", "scan.command", "false {}")
    assert set(answers()[:-1]) == set(commands()) == {("hostile", (CLASS,))}
    assert answers()[-1][0] == "plain"  # an attestation states what the rules of mvc find
    (tmp_path / "own" / NAME).write_text("[scan]\nlevel = 1\n", encoding="utf-8")
    with pytest.raises(errors.BadPolicy):
        model.scan()
    with pytest.raises(errors.BadPolicy):
        mvc.scan_files("w.pt")
