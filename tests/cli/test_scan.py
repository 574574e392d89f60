"""`mvc scan`: versions, the working tree and plain files, its exit codes and its forms of output."""

from __future__ import annotations

import io
import json
import random
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

import mvc
from tests.cli.shell import Shell, begin
from tests.formats.pickles import STOP
from tests.scan import containers
from tests.scan.structures import RUN

MODULE = Path(__file__).parents[1] / "formats" / "data" / "module.pth"


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    shell = begin(tmp_path / "ana", monkeypatch)
    shell.write("best.pt", containers.PLAIN)
    shell.write("module.pt", MODULE.read_bytes())
    shell.ok("add", "best.pt", "--as", "model-latest")
    shell.ok("add", "module.pt", "--as", "module")
    shell.ok("commit", "-m", "one")
    shell.write("best.pt", RUN + STOP)
    return shell


def _verdicts(shell: Shell, *words: str) -> tuple[int, dict[str, str | None]]:
    done = shell("scan", "--format", "json", *words)
    return done.code, {file["path"]: file["verdict"] for file in json.loads(done.out)["files"]}


def test_versions_the_working_tree_roles_and_plain_files_are_scanned(shell: Shell) -> None:
    assert _verdicts(shell) == (1, {"best.pt": "hostile", "module.pt": "code"})
    assert _verdicts(shell, "HEAD") == (1, {"best.pt": "plain", "module.pt": "code"})
    assert _verdicts(shell, "v1:model-latest") == (0, {"best.pt": "plain"})
    assert _verdicts(shell, "v1:./module.pt") == (1, {"module.pt": "code"})
    assert _verdicts(shell, "module") == (1, {"module.pt": "code"})
    assert _verdicts(shell, "model-latest", "HEAD") == (
        1,
        {"best.pt": "hostile", "HEAD:best.pt": "plain", "HEAD:module.pt": "code"},
    )
    shell.write("other/cut.pt", containers.PLAIN[:-30])
    assert _verdicts(shell, "other") == (14, {"other/cut.pt": "damaged"})
    assert _verdicts(shell, "--", "other/cut.pt") == (14, {"other/cut.pt": "damaged"})
    assert shell("scan", "nothing").code == 2
    assert shell("scan", "--", "nothing").code == 2
    twice = ("module", "module.pt", ".", "v1", "v1:module")  # of the working tree and of v1, once each
    assert sum("module.pt" in line for line in shell("scan", *twice).lines) == 2
    shell.write("main", containers.PLAIN)
    shell.write("module", containers.PLAIN)
    assert "hint: this is the version main; `mvc scan -- main` scans the file" in shell("scan", "main").err
    assert "hint: this is the file module; `mvc scan HEAD:module` scans the role" in shell("scan", "module").err
    for name in ("main", "module"):
        (shell.folder / name).unlink()
    shutil.rmtree(shell.folder / ".mvc")
    (shell.folder / "model.toml").unlink()
    assert _verdicts(shell) == (1, {"best.pt": "hostile", "module.pt": "code", "other/cut.pt": "damaged"})


def test_classes_are_allowed_by_option_and_by_the_users_setting_only(shell: Shell) -> None:
    out = shell("scan", "module", "--explain").out
    assert "__main__.Network" in out
    command = next(line for line in out.splitlines() if "scan.allow" in line)
    assert shell("scan", "module", "--allow", "__main__.Network").code == 1
    assert shell("scan", "module", "--allow", "__main__.Network", "--allow", "torch.nn.modules.*").code == 0
    value = command.partition('"')[2].rstrip('"')
    assert shell("scan", "module", "--allow", value).code == 0
    refused = shell("config", "scan.allow", value)
    assert (refused.code, "may be somebody else's" in refused.err, "remote" in refused.err) == (2, True, False)
    shell.ok("config", "--global", "scan.allow", value)
    assert _verdicts(shell, "module") == (0, {"module.pt": "plain"})
    out = shell.ok("scan", "module", "--explain").out
    assert "Classes allowed by the setting scan.allow: __main__.Network" in out
    assert "a loader makes objects of the allowed classes" in out
    assert "Classes allowed by --allow: __main__.Network" in shell("scan", "module", "--allow", "__main__.*").out


def test_only_classes_that_may_be_harmless_can_be_allowed(shell: Shell) -> None:
    for name in ("*", "torch*", "os.*", "os.system", "subprocess.Popen", "builtins.eval"):
        said = shell("scan", "--allow", name)
        assert (said.code, f"Cannot allow '{name}'" in said.err, "mvc config" in said.err) == (2, True, False), said.err
    shell.write("policy.toml", b'[scan]\nallow = ["os.*"]\n')
    said = shell("scan")
    assert (said.code, "is a list of classes, and 'os.*' is hostile" in said.err) == (2, True), said.err
    (shell.folder / "policy.toml").unlink()
    shell.write("made.pkl", b"cnumpy._core.multiarray\n_reconstruct\n(csubprocess\nPopen\n(I0\ntS'b'\ntR.")
    out = shell("scan", "--explain", "--", "made.pkl").out
    assert ("subprocess.Popen" in out, "allow = " in out) == (True, False), out
    shell.write("both.pkl", b"c__main__\nNetwork\n)\x810cos\nsystem\n(S'true'\ntR.")
    out = shell("scan", "--explain", "--", "both.pkl").out
    assert ("__main__.Network" in out, "To allow" in out) == (True, False), out
    said = shell("config", "--global", "scan.allow", "torch.nn.*,torch*")
    assert (said.code, "Invalid value 'torch*' for scan.allow" in said.err) == (2, True)
    assert shell("config", "--global", "scan.allow").code == 1  # not set


def test_an_explanation_shows_the_calls_and_what_to_do(shell: Shell) -> None:
    out = shell("scan", "--explain").out
    assert re.search(r"\n    os\.system\('[^\n]*'\)\n", out), out
    assert "Do not load a hostile file." in out
    assert "os.system('" not in shell("scan").out
    shell.write("long.pkl", b"cos\nsystem\n(V" + b"\\u001b[31m" + b"x" * 500 + b"\n\x8a\x01\x07ctime\ntime\n)RtR.")
    shown = shell("scan", "--explain", "--", "long.pkl").out
    assert "\x1b" not in shown
    (call,) = (line for line in shown.splitlines() if line.startswith("    os.system("))
    assert call.endswith("'…, 7, time.time())")
    findings = shell("scan", "--json", "--", "long.pkl").json["files"][0]["findings"]
    assert [finding["rule"] for finding in findings if call.strip() in finding["calls"]] == ["pickle-call"]


def test_findings_have_a_place_and_a_document_for_code_hosts(shell: Shell) -> None:
    out = shell("scan").out
    assert "pickle-call (byte 28): A loader would call functions" in out
    assert "os.system" in out
    assert "2 files: 1 hostile, 1 code" in out
    assert shell("scan", "-q").out.split() == ["best.pt", "module.pt"]
    sarif = json.loads(shell("scan", "--format", "sarif").out)
    (run,) = sarif["runs"]
    assert {result["ruleId"] for result in run["results"]} == {"pickle-call", "pickle-class"}
    assert {rule["id"] for rule in run["tool"]["driver"]["rules"]} == {"pickle-call", "pickle-class"}
    assert run["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "best.pt"
    called, other = (
        next(each for each in run["results"] if each["ruleId"] == f"pickle-{of}") for of in ("call", "class")
    )
    (call,) = called["properties"]["calls"]
    assert call.startswith("os.system('")
    assert called["message"]["text"].endswith(f"os.system\n    {call}")
    assert "properties" not in other


def test_bytes_that_are_damaged_or_not_here_are_named(
    shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights = io.BytesIO()
    np.save(weights, np.frombuffer(random.Random(1).randbytes(1 << 20), "f4"))
    shell.write("best.pt", weights.getvalue())
    shell.ok("commit", "-m", "two")
    shell.ok("remote", "add", "origin", str(tmp_path / "remote"))
    shell.ok("push", "origin")
    Shell(tmp_path, monkeypatch).ok("clone", str(tmp_path / "remote"), "partial", "--meta")
    partial = Shell(tmp_path / "partial", monkeypatch)
    assert _verdicts(partial, "HEAD:model-latest") == (15, {"best.pt": None})
    assert "not here: promised" in partial("scan", "HEAD").out
    shutil.rmtree(shell.folder / ".mvc" / "packs")
    assert _verdicts(shell, "HEAD:model-latest") == (14, {"best.pt": None})


def test_python_scans_too(shell: Shell) -> None:
    model = mvc.open(shell.folder).model("helmets")
    head = model.head
    assert head is not None
    assert [file.verdict for file in head.scan().files] == ["plain", "code"]
    assert model.scan().verdict == "hostile"
    assert (
        mvc.scan_files(shell.folder / "module.pt", allow=["__main__.Network", "torch.nn.modules.*"]).verdict == "plain"
    )
