"""show, diff, ls, cat, export, du, fsck: what versions hold, and whether it is there."""

from __future__ import annotations

import contextlib
import json
import os
import random
import re
import stat
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.cli.conftest import History
from tests.cli.shell import MODEL, Said, Shell, begin
from tests.weights import network, safetensors, tuned

TOP = str(Path(__file__).resolve().parents[2])

# --- show


def test_show_is_the_whole_record(shell: Shell, history: History) -> None:
    lines = shell.ok("show", "2026.1").lines
    assert lines[0] == f"{MODEL} v1  {history.first}  (tag: 2026.1)"
    assert "author      Ana <ana@example.org>" in lines
    assert "    First baseline" in lines
    assert "metrics     mAP50 = 0.5" in lines
    assert "labelmap    2 classes: 0: helmet, 1: head" in lines
    assert any(line.startswith("files       weights  weights/best.onnx  117.2 KiB") for line in lines)
    assert any(line.endswith("complete") for line in lines)


def test_show_lists_ten_classes_and_escapes(empty: Shell) -> None:
    empty.set(**{f"labelmap__{number}": f"class {number}" for number in range(12)})
    empty.commit("Twelve \x1b]0;classes\x07")
    out = empty.ok("show").out
    assert "9: class 9, ... (2 more)" in out
    assert "\x1b" not in out
    assert "\\x1b]0;classes\\x07" in out


def test_show_json(shell: Shell, history: History) -> None:
    document = shell.ok("show", "side", "--json").json
    assert document["schema"] == "mvc.show/1"
    assert document["id"] == history.side
    assert document["manifest"]["metrics"] == {"mAP50": 0.61}
    assert document["files"][0]["state"] == "complete"
    assert document["changes"]["files"][0]["bytes_new"] > 0


# --- diff


def test_diff_has_the_sections_that_changed(shell: Shell, history: History) -> None:
    lines = shell.ok("diff", "v1", "side").lines
    assert lines[0] == f"{MODEL} v1..v2 on side"
    assert "metrics     mAP50 0.5 -> 0.61" in lines
    assert any(line.startswith("files       M  weights  weights/best.onnx  146.5 KiB") for line in lines)
    assert not any(line.startswith("labelmap") for line in lines)


def test_diff_of_two_with_the_same_number_names_the_branch(shell: Shell, history: History) -> None:
    lines = shell.ok("diff", "main..side").lines
    assert lines[0] == f"{MODEL} v2..v2 on side"
    assert "(breaking for consumers)" in lines[1]
    assert shell.ok("diff", "main...side").lines[0] == f"{MODEL} v1..v2 on side"


def test_diff_of_the_working_tree(shell: Shell, history: History) -> None:
    assert shell.ok("diff").lines == []
    assert shell("diff", "--exit-code").code == 0
    shell.set(parameters__epochs=3)
    assert shell.ok("diff").lines == [f"{MODEL} v2..working tree", "parameters  + epochs 3"]
    assert shell("diff", "--exit-code").code == 1
    assert len(shell.ok("diff", "v1").lines) > 2


def test_a_tracked_file_that_is_absent_is_named_and_nothing_is_compared_or_committed(
    shell: Shell, history: History
) -> None:
    (shell.folder / "weights" / "best.onnx").unlink()
    for words in (("diff",), ("commit", "-m", "Without weights")):
        said = shell(*words)
        assert (said.code, said.out) == (2, "")
        assert "weights/best.onnx (weights) is tracked but missing" in said.err
    assert len(shell.ok("log", "-q").lines) == 2


def test_diff_stat_and_name_status(shell: Shell, history: History) -> None:
    assert shell.ok("diff", "v1", "side", "--name-status").lines == ["M\tmodel.toml", "M\tweights/best.onnx"]
    assert "~1 files" in shell.ok("diff", "v1", "side", "--stat").lines[1]
    document = shell.ok("diff", "v1", "side", "--json").json
    assert document["schema"] == "mvc.diff/1"
    assert document["differs"] is True
    assert document["changes"]["files"][0]["bytes_new"] > 0
    assert shell("diff", "a", "b", "c").code == 2


# --- ls, cat, export


def test_ls(shell: Shell, history: History) -> None:
    assert shell.ok("ls").lines == ["weights  weights/best.onnx"]
    long = shell.ok("ls", "-l", "side").lines
    assert len(long) == 1
    assert long[0].startswith("-  weights  146.5 KiB  ")
    assert long[0].endswith("  complete  weights/best.onnx")
    document = shell.ok("ls", "--json").json
    assert document["schema"] == "mvc.ls/1"
    assert document["files"][0]["size"] == 120_000


@pytest.mark.parametrize("name", ["side:weights", "side:weights/best.onnx", "side:./weights/best.onnx"])
def test_cat_gives_the_bytes(shell: Shell, history: History, name: str) -> None:
    code, out, _ = shell.raw("cat", name)
    assert code == 0
    assert out == b"two" * 50_000


def test_cat_of_model_toml_and_into_a_file(shell: Shell, history: History) -> None:
    assert b"mAP50 = 0.61" in shell.raw("cat", "side:model.toml")[1]
    shell.write("out.bin", b"old")
    shell.ok("cat", "v1:weights", "-o", "out.bin")
    assert (shell.folder / "out.bin").read_bytes() == b"one" * 40_000
    assert sorted(path.name for path in shell.folder.iterdir()) == [".mvc", "model.toml", "out.bin", "weights"]


def test_cat_of_what_is_not_there(shell: Shell, history: History) -> None:
    assert shell("cat", "v1:nothing").code == 2
    assert shell("cat", "v1").code == 2
    assert shell("cat", "v9:weights").code == 2
    assert shell("cat", "v1:weights", "-o", ".").code == 2


def test_cat_into_a_pipe_a_device_or_a_descriptor_writes_to_it(shell: Shell, history: History) -> None:
    pipe = shell.folder / "pipe"
    os.mkfifo(pipe)
    with ThreadPoolExecutor(1) as pool:
        read = pool.submit(pipe.read_bytes)
        assert shell("cat", "v1:weights", "-o", "pipe").out == ""
        assert read.result(60) == b"one" * 40_000
    assert pipe.is_fifo()
    shell.ok("cat", "v1:weights", "-o", "/dev/null")
    assert Path("/dev/null").is_char_device()
    appended = shell.folder / "appended"
    command = f"echo first; {sys.executable} -m mvc cat v1:weights -o /dev/stdout; echo last"
    with appended.open("wb") as file:
        subprocess.run(
            ["sh", "-ec", command], cwd=shell.folder, stdout=file, check=True, env=os.environ | {"PYTHONPATH": TOP}
        )
    assert appended.read_bytes() == b"first\n" + b"one" * 40_000 + b"last\n"


def test_cat_through_a_link_keeps_the_link_and_the_mode_of_the_file(shell: Shell, history: History) -> None:
    target = shell.folder / "private"
    target.write_bytes(b"old")
    target.chmod(0o640)
    (shell.folder / "link").symlink_to("private")
    (shell.folder / "chain").symlink_to("link")
    (shell.folder / "dangling").symlink_to("new")
    shell.ok("cat", "v1:weights", "-o", "chain")
    shell.ok("cat", "v1:weights", "-o", "dangling")
    assert all((shell.folder / name).is_symlink() for name in ("link", "chain", "dangling"))
    assert target.read_bytes() == (shell.folder / "new").read_bytes() == b"one" * 40_000
    assert stat.S_IMODE(target.stat().st_mode) == 0o640


def test_links_in_a_circle_are_refused_and_stay(shell: Shell, history: History) -> None:
    (shell.folder / "one").symlink_to("two")
    (shell.folder / "two").symlink_to("one")
    for command in (["cat", "v1:weights", "-o", "one"], ["export", "v1", "one"], ["export", "v1", "one/below"]):
        said = shell(*command)
        assert said.code == 128, said
        assert "Too many levels of symbolic links" in said.err
    assert os.readlink(shell.folder / "one") == "two"


@pytest.mark.parametrize("place", [".mvc/config.toml", ".mvc/new", "link/x", "inside", ".MVC/x"])
def test_nothing_is_written_inside_the_store(shell: Shell, history: History, place: str) -> None:
    (shell.folder / "link").symlink_to(".mvc/objects")
    (shell.folder / "inside").symlink_to(".mvc/config.toml")
    (shell.folder / ".MVC").mkdir(exist_ok=True)
    before = {path: path.read_bytes() for path in (shell.folder / ".mvc").rglob("*") if path.is_file()}
    for command in (("cat", "v1:weights", "-o", place), ("export", "v1", place), ("clone", ".", place)):
        said = shell(*command)
        assert said.code != 0, command
        assert command[0] == "clone" or said.code == 2, said.err
    assert {path: path.read_bytes() for path in (shell.folder / ".mvc").rglob("*") if path.is_file()} == before
    assert "reserved for mvc's own data" in shell("cat", "v1:weights", "-o", ".mvc/x").err


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to run as somebody else")
def test_an_output_that_cannot_be_written_is_named_not_the_repository(monkeypatch: pytest.MonkeyPatch) -> None:
    with tempfile.TemporaryDirectory() as top:  # pytest's own folders are closed to others
        os.chmod(top, 0o755)
        monkeypatch.setenv("MVC_CONFIG", f"{top}/settings.toml")
        (Path(top) / "r").mkdir()
        shell = begin(Path(top) / "r", monkeypatch)
        shell.write("w.bin", b"weights")
        shell.ok("add", "w.bin")
        shell.commit("one")
        shut = Path(top) / "shut"
        shut.mkdir(0o755)
        (shut / "own").write_bytes(b"kept")
        for command in (["export", "v1", f"{shut}/out"], ["cat", "v1:w", "-o", f"{shut}/x"]):
            said = as_somebody_else(shell, command)
            assert f"Cannot write {shut}: Permission denied" in said.err, said
            assert "repository" not in said.err
        said = as_somebody_else(shell, ["cat", "v1:w", "-o", f"{shut}/own"])
        assert f"Cannot write {shut}/own" in said.err, said
        assert (shut / "own").read_bytes() == b"kept"
        assert "The repository is read-only" in as_somebody_else(shell, ["tag", "t"]).err


def as_somebody_else(shell: Shell, arguments: list[str]) -> Said:
    """Run mvc in a child process that is not root."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        with contextlib.suppress(BaseException):
            os.seteuid(20_001)
            said = shell(*arguments)
            os.write(write, json.dumps([said.code, said.out, said.err]).encode())
        os._exit(0)
    os.close(write)
    os.waitpid(child, 0)
    with os.fdopen(read) as pipe:
        return Said(*json.load(pipe))


def test_cat_of_damage_writes_no_file(shell: Shell, history: History) -> None:
    damage(shell)
    said = shell("cat", "side:weights", "-o", "out.bin")
    assert said.code == 14
    assert "mvc fsck" in said.err
    assert not (shell.folder / "out.bin").exists()


def test_export(shell: Shell, history: History) -> None:
    (shell.folder / "release").mkdir()
    assert "1 file" in shell.ok("export", "side", "release/v2").out
    release = shell.folder / "release" / "v2"
    assert (release / "weights/best.onnx").read_bytes() == b"two" * 50_000
    assert (release / "model.toml").exists()
    assert shell("export", "v1", "release/v2").code == 16
    assert shell.ok("export", "v1", "release/v1", "--json").json["schema"] == "mvc.export/1"


# --- du


def test_du_tells_unique_from_shared(shell: Shell, history: History) -> None:
    document = shell.ok("du", "--json").json
    assert document["schema"] == "mvc.du/1"
    second, side, first = document["versions"][0], document["versions"][1], document["versions"][2]
    assert [each["id"] for each in (second, side, first)] == [history.second, history.side, history.first]
    assert (second["bytes_total"], side["bytes_total"]) == (120_000, 150_000)
    assert second["bytes_unique"] == first["bytes_unique"] == 0  # they have the same weights
    assert side["bytes_unique"] > 0
    assert side["bytes_shared"] == 0
    everything = document["all_versions"]
    assert (everything["count"], everything["bytes_total"]) == (3, 390_000)
    assert everything["bytes_saved"]["sharing"] == 120_000
    assert everything["bytes_saved"]["zstd"] > 200_000
    assert everything["bytes_saved"]["planes"] == everything["bytes_saved"]["delta"] == 0
    on_disk = sum(
        p.stat().st_size for p in (shell.folder / ".mvc").rglob("*") if p.is_file() and "cache" not in p.parts
    )
    assert abs(document["bytes_store"] - on_disk) < 100  # the lock file


def test_du_of_some_versions(shell: Shell, history: History) -> None:
    lines = shell.ok("du", "side").lines
    assert lines[0].split() == ["total", "unique", "shared", "if", "pruned"]
    assert lines[1].startswith(f"v2 on side  {history.side[:10]}  146.5 KiB")
    assert lines[-2].startswith("store ")
    assert "for 3 versions of 380.9 KiB" in lines[-2]
    assert lines[-1].startswith("saved by  sharing 117.2 KiB, zstd ")


def test_du_counts_what_a_version_rests_on_as_shared(shell: Shell, rng: random.Random) -> None:
    tensors = network(rng, layers=1)
    shell.write("w.safetensors", safetensors(tensors))
    shell.ok("add", "w.safetensors", "--as", "weights")
    shell.commit("one")
    shell.write("w.safetensors", safetensors(tuned(tensors, rng, 1e-5)))
    shell.commit("two")
    second, first = shell.ok("du", "--json").json["versions"]
    assert first["bytes_unique"] == 0
    assert second["bytes_shared"] > first["bytes_shared"] - 1_000
    saved = shell.ok("du", "--json").json["all_versions"]["bytes_saved"]
    assert saved["delta"] > saved["planes"] > 0


# --- fsck


def test_fsck_of_a_whole_repository(shell: Shell, history: History) -> None:
    for arguments in ((), ("--read-data",)):
        lines = shell.ok("fsck", *arguments).lines
        assert "3 versions" in lines[0]
        assert lines[1] == "No problems found."
    assert shell.ok("fsck", "--json").json["schema"] == "mvc.fsck/1"


def test_fsck_names_the_versions_and_files_that_damage_hits(shell: Shell, history: History) -> None:
    damage(shell)
    said = shell("fsck")
    assert said.code == 14
    assert f"  {MODEL} v2 {history.side[:10]}: weights/best.onnx" in said.lines
    assert not any(history.first[:10] in line for line in said.lines)
    document = shell("fsck", "--json").json
    assert {finding["kind"] for finding in document["findings"]} >= {"pack", "missing"}
    assert shell("fsck", "-q").lines == [history.side]


def damage(shell: Shell) -> None:
    """Change the bytes of the pack that the side branch's weights lie in: the newest."""
    packs = sorted((shell.folder / ".mvc/packs").rglob("*.pack"), key=lambda path: path.stat().st_mtime_ns)
    packs[-1].chmod(stat.S_IRUSR | stat.S_IWUSR)
    data = bytearray(packs[-1].read_bytes())
    data[100] ^= 0xFF
    packs[-1].write_bytes(data)


def test_fsck_counts_agree_with_their_nouns(empty: Shell) -> None:
    empty.commit("First", "--allow-empty")
    [counts] = [line for line in empty.ok("fsck").lines if line.startswith("Checked ")]
    assert "1 version" in counts.split(", ")
    assert re.search(r"\b1 (\w+ )*\w*[^s]s\b", counts) is None
