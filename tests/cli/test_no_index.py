"""diff --no-index and ls --no-index: plain files and folders are compared and listed without a repository."""

from __future__ import annotations

import os
import random
import socket
from pathlib import Path

import numpy as np
import pytest

import mvc
from mvc.model.ids import digest
from mvc.storage.disk import hashing
from tests.cli.shell import Shell, begin
from tests.weights import Tensors, network, safetensors

DATA = Path(__file__).parents[1] / "formats" / "data"
FORMATS = sorted(
    path.name
    for path in DATA.iterdir()
    if path.suffix not in ("", ".py", ".json") and path.name not in ("external.onnx", "compressed.npz")
)
WEIGHTS = "best.safetensors"


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """A folder without a repository."""
    return Shell(tmp_path, monkeypatch)


@pytest.fixture
def weights(rng: random.Random) -> Tensors:
    return network(rng, layers=2, width=16)


def moved(weights: Tensors, name: str) -> Tensors:
    """The weights with one tensor trained further."""
    dtype, shape, data = weights[name]
    return {**weights, name: (dtype, shape, (np.frombuffer(data, "<f4") + np.float32(0.5)).tobytes())}


def everything(folder: Path) -> dict[str, object]:
    """Every path below a folder with its stat, but for the time of the last reading."""
    found: dict[str, object] = {}
    for place, folders, files in os.walk(folder):
        for name in (*folders, *files):
            status = os.lstat(os.path.join(place, name))
            found[os.path.join(place, name)] = (status.st_mode, status.st_size, status.st_mtime_ns, status.st_ino)
    return found


# --- files


@pytest.mark.parametrize("name", FORMATS)
def test_one_tensor_that_changed_is_found_in_a_file_of_every_format(shell: Shell, name: str, *, deep: bool) -> None:
    if name.endswith(".h5") and not deep:
        pytest.skip("--deep starts the reader of HDF5 for each of its files; network.keras has such a file too")
    data = bytearray((DATA / name).read_bytes())
    shell.write(f"a/{name}", bytes(data))
    (listed,) = shell.ok("ls", "--no-index", "--tensors", "--json", f"a/{name}").json["files"]
    tensor = max(listed["tensors"], key=lambda each: each["size"])
    data[tensor["offset"] + tensor["size"] // 2] ^= 1
    shell.write(f"b/{name}", bytes(data))
    said = shell("diff", "--no-index", "--tensors", "--json", f"a/{name}", f"b/{name}")
    assert said.code == 1, said
    (file,) = said.json["tensors"]
    changed = [each["new"] for each in file["difference"]["tensors"]]
    assert any(each["offset"] == tensor["offset"] for each in changed)
    assert len(changed) <= 3, "views of the same bytes change with them"
    assert file["difference"]["total"] == len(listed["tensors"])


def test_two_files_are_compared_whatever_their_names(shell: Shell, weights: Tensors) -> None:
    shell.write("best.safetensors", safetensors(weights))
    shell.write("runs/exp2/last.safetensors", safetensors(moved(weights, "layer.1.bias")))
    said = shell("diff", "--no-index", "--tensors=deep", "best.safetensors", "runs/exp2/last.safetensors")
    assert (said.code, said.err) == (1, "")
    assert said.lines[0] == "best.safetensors..runs/exp2/last.safetensors"
    (line,) = [line for line in said.lines if "layer.1.bias" in line]
    assert "largest 5.0e-01  0% equal" in line
    assert any("1 of 7 changed" in line for line in said.lines)


def test_equal_files_give_nothing_and_0(shell: Shell, weights: Tensors) -> None:
    shell.write("a", safetensors(weights))
    shell.write("b", safetensors(weights))
    for arguments in (("a", "b"), ("a", "a"), ("--tensors", "a", "b"), (".", ".")):
        said = shell("diff", "--no-index", *arguments)
        assert (said.code, said.out, said.err) == (0, "", "")
    assert shell.ok("diff", "--no-index", "a", "b", "--json").json["differs"] is False


def test_exit_code_is_1_and_quiet_is_silent_as_in_git(shell: Shell) -> None:
    shell.write("a", b"one\n")
    shell.write("b", b"two\n")
    assert shell("diff", "--no-index", "a", "b").code == 1
    said = shell("diff", "--no-index", "--quiet", "a", "b")
    assert (said.code, said.out, said.err) == (1, "", "")


def test_a_file_beside_a_folder_means_the_file_of_its_name_in_it(shell: Shell) -> None:
    shell.write("args.yaml", b"lr: 1\n")
    shell.write("run/args.yaml", b"lr: 2\n")
    for arguments in (("args.yaml", "run"), ("run/", "args.yaml")):
        said = shell("diff", "--no-index", *arguments)
        assert (said.code, "+lr:" in said.out) == (1, True)
    said = shell("diff", "--no-index", "args.yaml", "run/..")
    assert said.code == 0
    shell.write("other", b"x")
    said = shell("diff", "--no-index", "other", "run")
    assert (said.code, "No file or folder run/other." in said.err) == (2, True)


# --- folders


@pytest.fixture
def folders(shell: Shell, weights: Tensors) -> Shell:
    """a and b: weights, text, a renamed file, a removed and an added one, and values."""
    for place, names in (("a", ("helmet", "head")), ("b", ("head", "helmet"))):
        tensors = weights if place == "a" else moved(weights, "layer.0.weight")
        shell.write(f"{place}/weights/{WEIGHTS}", safetensors(tensors))
        shell.write(f"{place}/args.yaml", f"lr: {place}\n".encode())
        shell.write(f"{place}/same.txt", b"same\n")
        shell.write(f"{place}/only_{place}.txt", f"{place}{place}{place}".encode())
        shell.write(f"{place}/{'old' if place == 'a' else 'new'}.bin", b"renamed")
        values = f'[model]\nname = "h"\n\n[metrics]\nmAP50 = {0.5 if place == "a" else 0.6}\n\n[from]\nlabelmap = "names.txt"\n'
        shell.write(f"{place}/model.toml", values.encode())
        shell.write(f"{place}/names.txt", "\n".join(names).encode())
    return shell


def test_folders_are_compared_by_path_and_their_model_toml_by_value(folders: Shell) -> None:
    said = folders("diff", "--no-index", "--tensors", "a", "b")
    assert (said.code, said.err) == (1, "")
    document = folders("diff", "--no-index", "a", "b", "--json").json
    assert document["changes"]["metrics"] == [{"key": "mAP50", "old": 0.5, "new": 0.6}]
    assert [each["name"] for each in document["changes"]["labelmap"]["reindexed"]] == ["helmet", "head"]
    assert document["breaking"] is True
    files = {(each["kind"], (each["new"] or each["old"])["path"]) for each in document["changes"]["files"]}
    assert files == {
        ("M", "args.yaml"), ("M", "model.toml"), ("M", "names.txt"), ("M", f"weights/{WEIGHTS}"), ("R", "new.bin"),
        ("D", "only_a.txt"), ("A", "only_b.txt"),
    }  # fmt: skip
    assert "+++ b/model.toml" not in said.lines, "its values are shown"
    assert "+++ b/args.yaml" in said.lines
    assert any("1 of 7 changed" in line for line in said.lines)


def test_the_styles_of_diff_apply(folders: Shell) -> None:
    names = folders("diff", "--no-index", "--name-status", "a", "b").lines
    assert "M\targs.yaml" in names
    assert len(folders("diff", "--no-index", "--stat", "a", "b").lines) == 2
    assert "@@" not in folders("diff", "--no-index", "--no-text", "a", "b").out


def test_a_model_toml_that_cannot_be_read_is_a_warning_and_a_file(folders: Shell) -> None:
    folders.write("b/model.toml", b"[model\n")
    said = folders("diff", "--no-index", "a", "b")
    assert said.code == 1
    assert "b/model.toml" not in said.err
    assert "warning: model.toml: " in said.err
    assert "+[model" in said.lines


def test_weights_outside_the_file_are_named_by_the_header_beside_them(shell: Shell) -> None:
    data = DATA / "exports" / "model.bin"  # of OpenVINO
    for place in "ab":
        for path in (data, data.with_suffix(".xml")):
            shell.write(f"{place}/{path.name}", path.read_bytes())
    whole = bytearray(data.read_bytes())
    whole[0] ^= 1
    shell.write(f"b/{data.name}", bytes(whole))
    for arguments in (("a", "b"), (f"a/{data.name}", f"b/{data.name}")):
        (file,) = shell("diff", "--no-index", "--tensors", "--json", *arguments).json["tensors"]
        assert file["difference"]["counts"]["changed"] == 1


def test_a_file_whose_tensors_are_elsewhere_names_the_files(shell: Shell) -> None:
    shell.write("m/external.onnx", (DATA / "external.onnx").read_bytes())
    said = shell.ok("ls", "--no-index", "--tensors", "m/external.onnx")
    assert "tensors of it are in other files (" in said.err
    assert "other files" not in shell.ok("ls", "--no-index", "--tensors", "m").err


# --- where it works, and what it leaves


def test_outside_of_a_repository_the_option_is_not_needed(folders: Shell, weights: Tensors) -> None:
    assert folders("diff", "a", "b").out == folders("diff", "--no-index", "a", "b").out
    lines = folders.ok("ls", "--tensors", f"a/weights/{WEIGHTS}").lines
    assert lines[0].startswith(f"a/weights/{WEIGHTS}  {len(weights)} tensors, ")
    assert len(lines) == 1 + len(weights)


def test_outside_of_a_repository_a_misspelt_path_is_named(folders: Shell) -> None:
    for arguments in (("diff", "a", "nope"), ("diff", "nope", "a"), ("ls", "--tensors", "nope.safetensors")):
        said = folders(*arguments)
        assert (said.code, "No file or folder nope" in said.err) == (2, True)
    assert "standard input" in folders("diff", "-", "a").err
    assert folders("diff", "v1", "v2").code == 10


def test_it_works_inside_of_a_repository_and_writes_nothing_anywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, weights: Tensors
) -> None:
    shell = begin(tmp_path / "repository", monkeypatch)
    for place in ("a", "../b"):
        shell.write(f"{place}/w.safetensors", safetensors(weights if place == "a" else moved(weights, "layer.0.bias")))
    shell.write("model.toml", b'[model]\nname = "helmets"\n')
    shell.commit("Values only")
    before = everything(tmp_path)
    assert "`mvc ls --no-index` lists plain files" in shell.ok("ls", "a").err
    assert shell("diff", "--no-index", "--tensors=deep", "a", "../b").code == 1
    assert shell("diff", "a", "../b").code == 1, "one of the two is outside of the repository, as in Git"
    shell.ok("ls", "--no-index", "-l", "--tensors", "a")
    assert everything(tmp_path) == before


def test_ls_lists_files_with_ids_as_mvc_gives_them(folders: Shell) -> None:
    document = folders.ok("ls", "--no-index", "-l", "--json", "a", "b/args.yaml").json
    found = {each["path"]: each for each in document["files"]}
    assert found["a/args.yaml"]["file"] == digest(b"lr: a\n")
    assert found["b/args.yaml"]["size"] == 6
    assert "tensors" not in found["a/args.yaml"]
    assert folders.ok("-q", "ls", "--no-index", "a/args.yaml").lines == [digest(b"lr: a\n")]


def test_only_files_that_may_be_equal_are_read(folders: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    folders.write("a/large", bytes(3 << 20))
    folders.write("b/large", bytes(2 << 20))
    read: list[int] = []
    monkeypatch.setattr(hashing, "on_read", read.append)
    assert folders("diff", "--no-index", "a", "b").code == 1
    assert sum(read) < 1 << 20


def test_python_has_both(folders: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folders.folder)
    found = mvc.diff_files("a", Path("b"), tensors="headers")
    assert found.differs
    assert found.to_json() == {
        key: value
        for key, value in folders("diff", "--no-index", "--tensors", "--json", "a", "b").json.items()
        if key != "schema"
    }
    (listed,) = mvc.list_files(f"a/weights/{WEIGHTS}").files
    assert listed.tensors is not None
    assert len(listed.tensors) == 7


# --- what is no sound file


def special(folder: Path, kind: str) -> str:
    path = folder / kind
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "socket":
        here = os.getcwd()
        os.chdir(folder)  # the path of a socket is short
        try:
            with socket.socket(socket.AF_UNIX) as made:
                made.bind(kind)
        finally:
            os.chdir(here)
    elif kind == "device":
        return "/dev/null"
    else:
        path.symlink_to({"link to nothing": "absent", "link to itself": kind}[kind])
    return kind


@pytest.mark.parametrize("kind", ["pipe", "socket", "device", "link to nothing", "link to itself"])
def test_what_is_neither_file_nor_folder_is_refused_where_it_is_named(shell: Shell, kind: str) -> None:
    shell.write("a", b"x")
    name = special(shell.folder, kind)
    for arguments in (("diff", name, "a"), ("diff", "a", name), ("ls", "--tensors", name)):
        said = shell(arguments[0], "--no-index", *arguments[1:])
        assert (said.code, said.out, name in said.err) == (2, "", True)


@pytest.mark.parametrize("kind", ["pipe", "socket", "link to nothing", "link to itself"])
def test_below_a_folder_it_is_left_out_with_the_reason(shell: Shell, kind: str) -> None:
    shell.write("a/x", b"x")
    shell.write("b/x", b"x")
    special(shell.folder / "b", kind)
    said = shell("diff", "--no-index", "a", "b")
    assert (said.code, said.out) == (0, "")
    assert said.err.startswith(f"warning: left out {kind}: ")
    (left_out,) = shell.ok("diff", "--no-index", "--json", "a", "b").json["left_out"]
    assert left_out["path"] == kind


def test_standard_input_is_refused(shell: Shell) -> None:
    shell.write("a", b"x")
    shell.write("-", b"y")
    said = shell("diff", "--no-index", "a", "-")
    assert (said.code, "standard input" in said.err) == (2, True)
    assert shell("diff", "--no-index", "a", "./-").code == 1


def test_the_number_of_paths_is_checked(shell: Shell) -> None:
    for arguments in ((), ("a",), ("a", "b", "c")):
        assert shell("diff", "--no-index", *arguments).code == 2
    said = shell("diff", "--no-index", "a", "b\0c")
    assert (said.code, "Traceback" in said.err) == (2, False)


def test_links_to_files_are_followed_and_their_text_is_not_shown(shell: Shell, weights: Tensors) -> None:
    """The Hub's cache has a folder of links; a link may also lead to somebody's secrets."""
    shell.write("blobs/one", safetensors(weights))
    shell.write("blobs/two", safetensors(moved(weights, "layer.0.bias")))
    for place, blob in (("a", "one"), ("b", "two")):
        (shell.folder / place).mkdir()
        (shell.folder / place / WEIGHTS).symlink_to(f"../blobs/{blob}")
        shell.write(f"secrets/{blob}", f"token: {blob}\n".encode())
        (shell.folder / place / "args.yaml").symlink_to(f"../secrets/{blob}")
        (shell.folder / place / "folder").symlink_to("../secrets")
    said = shell("diff", "--no-index", "--tensors", "a", "b")
    assert "1 of 7 changed" in said.out
    assert "args.yaml: its text cannot be compared: it is a link" in said.lines
    assert "token" not in said.out
    assert "left out folder: a link to a folder" in said.err


@pytest.mark.parametrize("keep", [9, 40, 500])
def test_truncated_weights_are_said_to_be(shell: Shell, weights: Tensors, keep: int) -> None:
    data = safetensors(weights)
    shell.write(f"a/{WEIGHTS}", data)
    shell.write(f"b/{WEIGHTS}", data[:keep])
    said = shell("diff", "--no-index", "--tensors", "a", "b")
    assert (said.code, "tensors unknown" in said.out) == (1, True)
    assert said.err == f"warning: {WEIGHTS}: it is truncated or not in safetensors format\n"
    said = shell.ok("ls", "--no-index", "--tensors", f"b/{WEIGHTS}")
    assert said.lines == [f"b/{WEIGHTS}  tensors unknown"]


def test_a_pointer_of_git_lfs_is_said_to_be_one(shell: Shell, weights: Tensors) -> None:
    shell.write(f"a/{WEIGHTS}", safetensors(weights))
    shell.write(f"b/{WEIGHTS}", b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12\n")
    assert "it is a pointer of Git LFS" in shell("diff", "--no-index", "--tensors", "a", "b").err


def test_random_bytes_are_no_traceback(shell: Shell, rng: random.Random, *, deep: bool) -> None:
    """Whatever a file has: an answer, or an error of one line. The seed of `rng` is printed."""
    names = [name for name in FORMATS if not name.endswith((".h5", ".keras"))]  # which another process reads
    for _ in range(300 if deep else 15):
        name = rng.choice(names)
        data = bytearray((DATA / name).read_bytes())
        for _ in range(rng.randint(1, 8)):
            data[rng.randrange(len(data))] = rng.randrange(256)
        shell.write(f"x/{name}", bytes(data[: rng.randint(1, len(data))]))
        said = shell("diff", "--no-index", "--tensors=deep", str(DATA / name), f"x/{name}")
        assert (said.code, "Traceback" in said.err) in ((1, False), (0, False)), said


def test_hostile_names_are_escaped(shell: Shell, weights: Tensors) -> None:
    name = "\x1b[31m\u202e.safetensors"
    shell.write(f"a/{name}", safetensors({**weights, "\x1b]0;": ("U8", (1,), b"x")}))
    shell.write(f"b/{name}", safetensors({**weights, "\x1b]0;": ("U8", (1,), b"y")}))
    os.mkfifo(shell.folder / "b" / "\x1b[2J")
    (shell.folder / "b" / os.fsdecode(b"\xff")).write_bytes(b"x")
    for arguments in (("diff", "--tensors", "a", "b"), ("ls", "--tensors", "b"), ("diff", f"a/{name}", "b/\x1b[2J")):
        said = shell(arguments[0], "--no-index", *arguments[1:])
        assert "\x1b" not in said.out + said.err
        assert "\u202e" not in said.out + said.err
    assert "its name is not UTF-8" in shell("ls", "--no-index", "b").err


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_what_may_not_be_read_is_named(shell: Shell) -> None:
    for place in "ab":
        shell.write(f"{place}/x", place.encode())
    (shell.folder / "b" / "x").chmod(0)
    said = shell("diff", "--no-index", "a", "b")
    assert (said.code, "b/x" in said.err) == (2, True)
