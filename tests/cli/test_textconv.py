"""textconv and init --git-diff: real Git shows the tensors of weights in its diffs."""

from __future__ import annotations

import hashlib
import os
import random
import subprocess
from pathlib import Path

import numpy as np
import pytest

from tests.cli.shell import Shell
from tests.docs import pasted
from tests.formats import headers
from tests.weights import Tensors, network, safetensors

DATA = Path(headers.__file__).parent / "data"
NAMES = {"names": "{0: 'helmet', 1: 'head'}"}
WEIGHTS = "best.safetensors"
LFS = "version https://git-lfs.github.com/spec/v1\noid sha256:{}\nsize {}\n"


class Git:
    """A Git repository, with a program `mvc` in its PATH."""

    def __init__(self, folder: Path, program: Path) -> None:
        self.folder = folder
        self.environment = os.environ | {
            "PATH": f"{program.parent}{os.pathsep}{os.environ['PATH']}",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
        }
        folder.mkdir()
        self("init", "-q", "-b", "main")
        self("config", "user.name", "Ana")
        self("config", "user.email", "ana@example.org")

    def __call__(self, *arguments: str) -> str:
        done = subprocess.run(
            ["git", "--no-pager", *arguments], cwd=self.folder, env=self.environment, capture_output=True, check=False
        )
        assert done.returncode == 0, done.stderr
        assert done.stderr == b"", done.stderr
        return done.stdout.decode()

    def commit(self, message: str, **files: bytes) -> None:
        for name, data in files.items():
            (self.folder / name.replace("__", ".")).write_bytes(data)
        self("add", "-A")
        self("commit", "-q", "-m", message)


@pytest.fixture
def git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Git:
    program = pasted.program(tmp_path / "bin")
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    return Git(tmp_path / "git", program)


@pytest.fixture
def shell(git: Git, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """In the folder of the Git repository, which is no repository of mvc."""
    return Shell(git.folder, monkeypatch)


@pytest.fixture
def weights(rng: random.Random) -> Tensors:
    return network(rng, layers=2, width=16)


def moved(weights: Tensors, name: str) -> Tensors:
    dtype, shape, data = weights[name]
    return {**weights, name: (dtype, shape, (np.frombuffer(data, "<f4") + np.float32(0.5)).tobytes())}


def changed(diff: str) -> list[str]:
    """The changed lines of a diff."""
    return [line for line in diff.splitlines() if line[:1] in ("+", "-") and line[:3] not in ("+++", "---")]


def test_git_shows_the_tensors_and_classes_that_changed(git: Git, shell: Shell, weights: Tensors) -> None:
    shell.ok("init", "--git-diff")
    first = safetensors(weights, NAMES)
    git.commit("First", best__safetensors=first)
    second = safetensors(moved(weights, "layer.1.bias"), {"names": "{0: 'helmet', 1: 'vest'}"})
    git.commit("Second", best__safetensors=second)
    (git.folder / WEIGHTS).write_bytes(b"damaged \x1b[31m")

    lines = changed(git("show"))
    assert [line.rpartition(" ")[0] for line in lines] == [
        "-class 1", "+class 1", "-layer.1.bias F32 [16]", "+layer.1.bias F32 [16]"
    ]  # fmt: skip
    assert lines[:2] == ["-class 1 head", "+class 1 vest"]
    assert lines[2][1:] != lines[3][1:]
    assert changed(git("show", "--no-textconv")) == []
    log = git("log", "-p")
    assert len([line for line in log.splitlines() if line.startswith("+layer.1.bias ")]) == 2
    damaged = [line for line in changed(git("diff")) if line[0] == "+"]
    assert len(damaged) == 1
    assert "truncated or not in safetensors format" in damaged[0]
    assert not (git.folder / ".mvc").exists()


def test_git_shows_diffs_without_mvc_on_path(git: Git, shell: Shell, weights: Tensors) -> None:
    shell.ok("init", "--git-diff")
    program = git.environment["PATH"].partition(os.pathsep)[0]
    git.environment["PATH"] = os.defpath
    git.commit("First", best__safetensors=safetensors(weights), other__md=b"one\n")
    git.commit("Second", best__safetensors=safetensors(moved(weights, "layer.1.bias")), other__md=b"two\n")
    assert [line.partition(" ")[0] for line in changed(git("show"))] == [
        "-layer.1.bias", "+layer.1.bias", "-one", "+two"
    ]  # fmt: skip
    git("update-ref", "-d", "refs/notes/textconv/mvc")
    (Path(program) / "mvc").unlink()
    lines = changed(git("show"))
    assert [line.partition(":")[0] for line in lines] == [
        "-mvc is not installed", "+mvc is not installed", "-one", "+two"
    ]  # fmt: skip
    assert lines[0][1:] != lines[1][1:]


@pytest.mark.parametrize("name", ["args.yaml", "rand.pt"])
def test_damage_of_a_file_beside_it_is_not_told(shell: Shell, rng: random.Random, name: str) -> None:
    shell.write("r.onnx", b"\x0a\xff\xff\x7f" + rng.randbytes(96))
    shell.write(name, b"\x00 lr0: 0.01")
    (beside,) = shell.ok("textconv", name).lines
    (shell.folder / "r.onnx").unlink()
    assert shell.ok("textconv", name).lines == [beside]


def test_a_pointer_of_git_lfs_shows_the_object_if_it_is_here(git: Git, shell: Shell, weights: Tensors) -> None:
    data = safetensors(weights)
    oid = hashlib.sha256(data).hexdigest()
    shell.write(WEIGHTS, LFS.format(oid, len(data)).encode())
    said = shell.ok("textconv", WEIGHTS)
    assert said.lines == [
        f"sha256:{oid}: a pointer of Git LFS to {len(data)} bytes, which are not on this machine"
    ]  # fmt: skip
    shell.write(f".git/lfs/objects/{oid[:2]}/{oid[2:4]}/{oid}", data)
    assert len(shell.ok("textconv", WEIGHTS).lines) == 1 + len(weights)
    document = shell.ok("textconv", "--json", WEIGHTS).json
    assert (document["pointer"], len(document["tensors"]), document["path"]) == (oid, len(weights), WEIGHTS)


def test_a_pointer_without_a_git_repository_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / WEIGHTS).write_bytes(LFS.format("0" * 64, 5).encode())
    assert len(Shell(tmp_path, monkeypatch).ok("textconv", WEIGHTS).lines) == 1


@pytest.mark.parametrize("data", [b"", b"\x80\x02", b"text\n" * 900, b"PK\x03\x04" + bytes(99)])
def test_other_bytes_are_one_line_that_changes_with_them(shell: Shell, data: bytes) -> None:
    shell.write("best.pt", data)
    (before,) = shell.ok("textconv", "best.pt").lines
    shell.write("best.pt", data + b"x")
    (after,) = shell.ok("textconv", "best.pt").lines
    assert before != after


def test_random_bytes_never_fail(shell: Shell, rng: random.Random) -> None:
    names = [path.name for path in DATA.iterdir() if path.suffix in (".pt", ".onnx", ".gguf", ".npz", ".safetensors")]
    for _ in range(60):
        name = rng.choice(names)
        data = bytearray((DATA / name).read_bytes())
        for _ in range(rng.randint(1, 8)):
            data[rng.randrange(len(data))] = rng.randrange(256)
        shell.write(name, bytes(data[: rng.randint(1, len(data))]))
        said = shell.ok("textconv", name)
        assert said.lines
        assert "\x1b" not in said.out


def test_hostile_names_are_escaped(shell: Shell, weights: Tensors) -> None:
    hostile = {**weights, "\x1b]0;\n+fake": ("U8", (1,), b"x")}
    shell.write(WEIGHTS, safetensors(hostile, {"names": "{0: 'a\\x1b[31m\\u202e'}"}))
    said = shell.ok("textconv", WEIGHTS)
    assert len(said.lines) == 2 + len(hostile)
    assert "\x1b" not in said.out
    assert "\u202e" not in said.out


def test_folders_and_what_is_absent_are_refused(shell: Shell) -> None:
    assert (shell("textconv", ".").code, shell("textconv", "absent").code, shell("textconv", "-").code) == (2, 2, 2)
    assert ". is a folder, not a file." in shell("textconv", ".").err


# --- init --git-diff


def test_it_is_idempotent_and_keeps_what_stands_there(git: Git, shell: Shell) -> None:
    stood = b"*.md text\r\n*.onnx diff=other\r\n*.pt filter=lfs diff=lfs merge=lfs -text\r\n*.h5 -diff"
    shell.write(".gitattributes", stood)
    (git.folder / ".gitattributes").chmod(0o640)
    said = shell.ok("init", "--git-diff")
    assert "Kept *.onnx, which has another diff driver" in said.lines
    after = (git.folder / ".gitattributes").read_bytes()
    assert after.startswith(stood + b"\r\n")
    assert after.count(b"*.onnx") == after.count(b"*.h5") == 1
    assert b"*.pt diff=mvc\r\n" in after
    assert (git.folder / ".gitattributes").stat().st_mode & 0o777 == 0o640
    attributes = git("check-attr", "diff", "filter", "--", "a.pt", "a.onnx", "a.h5", "a.gguf").splitlines()
    assert [line.rpartition(" ")[2] for line in attributes if ": diff: " in line] == ["mvc", "other", "unset", "mvc"]
    assert "a.pt: filter: lfs" in attributes
    assert " textconv " in git("config", "diff.mvc.textconv")
    assert git("config", "diff.mvc.cachetextconv") == "true\n"
    assert "is up to date" in shell.ok("init", "--git-diff").out
    assert (git.folder / ".gitattributes").read_bytes() == after
    assert sorted(path.name for path in git.folder.iterdir()) == [".git", ".gitattributes"]


def test_it_works_from_a_folder_below(git: Git, shell: Shell) -> None:
    (git.folder / "models").mkdir()
    document = shell.ok("init", "--git-diff", "--json", "models").json
    assert document["attributes"] == str(git.folder / ".gitattributes")
    assert "*.safetensors" in document["added"]


def test_without_git_or_with_a_link_nothing_is_written(
    git: Git, shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    said = Shell(other, monkeypatch)("init", "--git-diff")
    assert (said.code, "git init" in said.err, list(other.iterdir())) == (2, True, [])
    (git.folder / ".gitattributes").symlink_to("../target")
    assert shell("init", "--git-diff").code == 2
    assert not (tmp_path / "target").exists()
    assert shell("init", "--git-diff", "--model", "m").code == 2
