"""switch, restore, checkout, reset: where the files stand."""

from __future__ import annotations

import stat

import pytest

from mvc.storage.disk import process
from tests.cli.conftest import History
from tests.cli.shell import Shell

WEIGHTS = "weights/best.onnx"


def weights(shell: Shell) -> bytes:
    return (shell.folder / WEIGHTS).read_bytes()[:3]


def test_switch_brings_the_files_of_a_branch(shell: Shell, history: History) -> None:
    said = shell.ok("switch", "side")
    assert said.lines[0] == f"Switched to branch side, v2 {history.side[:10]}"
    assert weights(shell) == b"two"
    assert shell.ok("status", "--exit-code").code == 0


def test_switch_to_anything_else_detaches_and_says_so(shell: Shell, history: History) -> None:
    said = shell.ok("switch", "2026.1")
    assert "detached" in said.out
    assert "mvc switch -c NAME" in said.out
    document = shell.ok("switch", "main", "--json").json
    assert (document["schema"], document["branch"], document["id"]) == ("mvc.switch/1", "main", history.second)


def test_switch_lists_the_edits_that_it_keeps(shell: Shell, history: History) -> None:
    assert not [line for line in shell.ok("switch", "main").lines if line.startswith(("M ", "D "))]
    shell.ok("set", "parameters.seed=7")
    said = shell.ok("switch", "-c", "try")
    assert said.lines[1:] == ["M  model.toml"]
    path = next(iter((shell.folder / "weights").iterdir()))
    path.unlink()
    document = shell.ok("switch", "main", "--json").json
    assert document["edits"] == [{"kind": "M", "path": "model.toml"}, {"kind": "D", "path": f"weights/{path.name}"}]
    forced = shell.ok("switch", "main", "--force").lines
    assert forced[1].startswith("Discarded the local changes of 2 files; ")
    assert forced[-1] == "  2 files written, 0 deleted"


def test_switch_refuses_to_lose_an_edit(shell: Shell, history: History) -> None:
    shell.write(WEIGHTS, b"edited")
    said = shell("switch", "side")
    assert said.code == 16
    assert WEIGHTS in said.err
    assert weights(shell) == b"edi"
    shell.ok("switch", "side", "--force")
    assert weights(shell) == b"two"
    assert shell("switch").code == 2
    assert shell("switch", "nowhere").code == 2


def test_restore_by_role_path_and_source(shell: Shell, history: History) -> None:
    shell.write(WEIGHTS, b"edited")
    assert shell.ok("restore", "weights").lines == [f"Restored {WEIGHTS}"]
    assert weights(shell) == b"one"
    shell.ok("restore", "--source", "side", WEIGHTS)
    assert weights(shell) == b"two"
    assert shell.ok("branch", "--show-current").lines == ["main"]
    assert shell("restore", "nothing").code == 2
    assert shell.ok("restore", ".", "--json").json["schema"] == "mvc.restore/1"
    assert weights(shell) == b"one"


def test_restore_takes_paths_from_where_one_stands(shell: Shell, history: History) -> None:
    shell.write(WEIGHTS, b"edited")
    shell.ok("-C", "weights", "restore", "best.onnx")
    assert weights(shell) == b"one"


def test_a_name_is_seen_from_the_current_folder_when_its_file_is_gone_too(empty: Shell) -> None:
    for path in ("w.bin", "sub/w.bin", "sub/deep/x.bin"):
        empty.write(path, b"committed")
        empty.ok("add", path)
    empty.commit("one")
    (empty.folder / "sub" / "w.bin").unlink()
    empty.write("w.bin", b"an edit")
    assert empty.ok("-C", "sub", "restore", "w.bin").lines == ["Restored sub/w.bin"]
    assert (empty.folder / "w.bin").read_bytes() == b"an edit"
    assert empty("-C", "sub/deep", "restore", "w.bin").code == empty("-C", "sub/deep", "rm", "w.bin").code == 2
    for name in ("../w.bin", f"{empty.folder}/w.bin"):
        empty.write("w.bin", b"an edit")
        assert empty.ok("-C", "sub", "restore", name).lines == ["Restored w.bin"]
    assert empty.ok("-C", "sub", "rm", "-n", "w.bin").lines == ["Would stop tracking sub/w.bin (sub-w-bin)"]
    assert empty.ok("-C", "sub/deep", "rm", "-n", "sub/deep/x.bin").lines == ["Would stop tracking sub/deep/x.bin (x)"]
    assert empty.ok("-C", "sub/deep", "rm", "-n", "w").lines == ["Would stop tracking w.bin (w)"]
    assert empty.ok("-C", "sub", "add", "..", "--json").json["added"] == []


def test_checkout_of_a_branch_is_switch(shell: Shell, history: History) -> None:
    said = shell.ok("checkout", "side")
    assert "hint: running `mvc switch side`" in said.err
    assert weights(shell) == b"two"
    said = shell.ok("checkout", "-b", "new", "v1")
    assert "`mvc switch -c new v1`" in said.err
    assert shell.ok("branch", "--show-current").lines == ["new"]


def test_checkout_of_paths_is_restore(shell: Shell, history: History) -> None:
    said = shell.ok("checkout", "side", "--", "weights")
    assert "hint: running `mvc restore --source side weights`" in said.err
    assert weights(shell) == b"two"
    said = shell.ok("checkout", "--", "weights")
    assert "hint: running `mvc restore weights`" in said.err
    assert weights(shell) == b"one"
    assert shell.ok("branch", "--show-current").lines == ["main"]
    assert shell("checkout").code == 2


def test_reset_moves_the_branch_and_files_only_when_asked(shell: Shell, history: History) -> None:
    said = shell.ok("reset", "side")
    assert said.lines == [f"main is now at v2 {history.side[:10]} (was {history.second[:10]})"]
    assert weights(shell) == b"one"
    shell.ok("reset", "main@{1}")
    assert shell.ok("status", "--exit-code").code == 0
    shell.ok("reset", "--keep", "side")
    assert weights(shell) == b"two"
    shell.write(WEIGHTS, b"edited")
    assert shell("reset", "--keep", "v1").code == 16
    assert shell("reset", "--keep", "--hard").code == 2
    document = shell.ok("reset", "--hard", "2026.1", "--json").json
    assert (document["schema"], document["new"], document["written"][-1]) == ("mvc.reset/1", history.first, WEIGHTS)
    assert weights(shell) == b"one"


# --- permissions


def test_a_file_keeps_its_read_and_write_permissions_when_it_is_replaced(shell: Shell, history: History) -> None:
    weights = shell.folder / "weights" / "best.onnx"
    weights.chmod(0o600)
    for command in (["switch", "v1"], ["switch", "main"], ["reset", "--hard", "v1"]):
        shell.ok(*command)
        assert stat.S_IMODE(weights.stat().st_mode) == 0o600, command
    weights.write_bytes(b"an edit")
    shell.ok("restore", "weights/best.onnx")
    assert stat.S_IMODE(weights.stat().st_mode) == 0o600


def test_only_the_executable_bit_of_a_mode_is_versioned(empty: Shell) -> None:
    empty.write("run.sh", b"echo")
    script = empty.folder / "run.sh"
    empty.ok("add", "run.sh")
    script.chmod(0o600)
    empty.commit("not executable")
    script.chmod(0o740)
    empty.commit("executable")
    for revision, mode in (("v1", 0o640), ("v2", 0o750 & ~process.umask()), ("v1", 0o640)):
        empty.ok("switch", revision)
        assert stat.S_IMODE(script.stat().st_mode) == mode, revision


@pytest.mark.parametrize("mode", [0o755, 0o777, 0o700, 0o654, 0o610])
def test_a_mode_stays_as_it_is_where_the_executable_bit_does(
    empty: Shell, monkeypatch: pytest.MonkeyPatch, mode: int
) -> None:
    empty.write("run.sh", b"echo one")
    script = empty.folder / "run.sh"
    script.chmod(mode)
    empty.ok("add", "run.sh")
    empty.commit("one")
    script.write_bytes(b"echo two")
    empty.commit("two")
    monkeypatch.setattr(process, "umask", lambda: 0o077)
    for command in (["switch", "v1"], ["switch", "main"], ["restore", "-s", "v1", "run.sh"]):
        empty.ok(*command)
        assert stat.S_IMODE(script.stat().st_mode) == mode, command


# --- the current folder


def test_the_current_folder_stays_though_nothing_is_left_in_it(
    shell: Shell, history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    shell.ok("switch", "-c", "bare")
    shell.ok("rm", "weights")
    shell.commit("No weights")
    shell.ok("switch", "main")
    inside = Shell(shell.folder / "weights", monkeypatch)
    said = inside.ok("switch", "bare")
    assert said.err.splitlines()[-1] == "note: kept the empty folder weights, which is the current folder"
    assert list(inside.folder.iterdir()) == []
    assert "kept" not in inside.ok("switch", "main").err
    assert weights(shell) == b"one"
    assert "kept the empty folder" in inside.ok("rm", "weights").err
    inside.ok("reset", "--hard", "main")
    inside.ok("switch", "bare")
    assert inside.folder.is_dir()
    shell.ok("switch", "main")
    assert "kept" not in shell.ok("switch", "bare").err  # nobody stands in it
    assert not inside.folder.exists()


def test_no_file_takes_the_place_of_the_current_folder(
    shell: Shell, history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    shell.ok("switch", "-c", "flat")
    shell.ok("rm", "weights")
    shell.write("weights", b"a file")
    shell.ok("add", "weights", "--as", "weights")
    shell.commit("Flat")
    shell.ok("switch", "main")
    said = Shell(shell.folder / "weights", monkeypatch)("switch", "flat")
    assert (said.code, "weights is the current folder" in said.err) == (16, True), said
    assert weights(shell) == b"one"
    assert shell.ok("branch", "--show-current").lines == ["main"]
    shell.ok("switch", "flat")
    assert (shell.folder / "weights").read_bytes() == b"a file"
