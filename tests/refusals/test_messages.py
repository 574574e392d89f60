"""Bad input gets a clear message, the documented exit code, and leaves repository and files as they were."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.crash.harness import command, fresh_copy, mvc
from tests.crash.scenarios import side, tracked, two_versions

SLACK = ("cache", "tmp", "lock")


def _everything(root: Path) -> dict[str, tuple[int, bytes]]:
    """Every file and folder below `root` but the slack of `.mvc`, with its mode and bytes."""
    found = {}
    for folder, folders, files in os.walk(os.fsencode(root)):
        for name in [*folders, *files]:
            path = os.path.join(folder, name)
            parts = os.path.relpath(path, os.fsencode(root)).split(b"/")
            if parts[0] == b".mvc" and len(parts) > 1 and os.fsdecode(parts[1]) in SLACK:
                continue
            status = os.lstat(path)
            regular = os.path.isfile(path) and not os.path.islink(path)
            found[os.fsdecode(path)] = (status.st_mode, Path(os.fsdecode(path)).read_bytes() if regular else b"")
    return found


@dataclass(frozen=True)
class Case:
    """`arguments`, run where `change` was made to what `prepare` left, end with `code` and say all of `words`."""

    arguments: tuple[str, ...]
    code: int
    words: tuple[str, ...]
    change: Callable[[Path], object] = lambda root: None
    prepare: Callable[[Path], None] = two_versions

    def __str__(self) -> str:
        return f"{' '.join(self.arguments)[:40]}-{self.code}-{self.words[0][:30]}".replace("/", "_").replace("\n", "_")


def _toml(text: str) -> Callable[[Path], object]:
    """Have model.toml say `text` besides its name and file."""
    head = '[model]\nname = "helmets"\n\n[files]\nmodel-latest = "weights/best.onnx"\n'
    return lambda root: (root / "model.toml").write_text(head + text, encoding="utf-8")


def _files(text: str) -> Callable[[Path], object]:
    return lambda root: (root / "model.toml").write_text(
        f'[model]\nname = "helmets"\n\n[files]\n{text}\n', encoding="utf-8"
    )


def _link(root: Path) -> None:
    (root / "weights" / "best.onnx").unlink()
    (root / "weights" / "best.onnx").symlink_to("elsewhere.onnx")


def _fifo(root: Path) -> None:
    (root / "weights" / "best.onnx").unlink()
    os.mkfifo(root / "weights" / "best.onnx")


def _folder(root: Path) -> None:
    (root / "weights" / "best.onnx").unlink()
    (root / "weights" / "best.onnx").mkdir()


def _config(old: str, new: str) -> Callable[[Path], object]:
    def change(root: Path) -> None:
        path = root / ".mvc" / "config.toml"
        path.chmod(0o644)
        path.write_text(path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")

    return change


def _not_utf8(root: Path) -> None:
    (root / "glob").mkdir()
    with open(os.fsencode(root) + b"/glob/\xff.bin", "wb") as file:
        file.write(b"x")
    _files('g = "glob/**"')(root)


def _twins(first: str, second: str) -> Callable[[Path], object]:
    def change(root: Path) -> None:
        (root / "glob").mkdir()
        for name in (first, second):
            (root / "glob" / name).write_bytes(b"x")
        _files('g = "glob/**"')(root)

    return change


def _edited(root: Path) -> None:
    (root / "weights" / "best.onnx").write_bytes(b"edited")


def _untracked(root: Path) -> None:
    (root / "notes.txt").write_bytes(b"not what v1 has")


def _other_folder(root: Path) -> None:
    (root / "sub").mkdir()
    (root / "sub" / "model.toml").write_text('[model]\nname = "helmets"\n', encoding="utf-8")


def _detached_and_edited(root: Path) -> None:
    mvc(root, "switch", "v1")
    _edited(root)


COMMIT = ("commit", "-m", "x")
CASES = (
    Case(("status",), 10, ("No mvc repository", "mvc init"), prepare=lambda root: None),
    Case(("set", "parmeters.epochs=1"), 2, ("parmeters", "parameters")),
    Case(("set", "docker.tga=1"), 2, ("docker.tga", "docker.tag")),
    Case(("set", "metrics.map=high"), 2, ("metrics.map", "number")),
    Case(("set", "parameters.x=nan"), 2, ("parameters.x",)),
    Case(("set", "labelmap.x=helmet"), 2, ("labelmap",)),
    Case(("set", "nothing"), 2, ("nothing", "=")),
    Case(COMMIT, 2, ("unknwon", "model.toml"), _toml('[docker]\nunknwon = "x"\n')),
    Case(COMMIT, 2, ("docker.tag", "text"), _toml("[docker]\ntag = 1.10\n")),
    Case(COMMIT, 2, ("parameters.x",), _toml("[parameters]\nx = nan\n")),
    Case(COMMIT, 2, ("parameters.x",), _toml("[parameters]\nx = inf\n")),
    Case(COMMIT, 2, ("parameters.when",), _toml("[parameters]\nwhen = 2026-02-03\n")),
    Case(COMMIT, 17, ("class 1", "labelmap"), _toml('[labelmap]\n0 = "a"\n2 = "b"\n')),
    Case(COMMIT, 17, ("called 'a'",), _toml('[labelmap]\n0 = "a"\n1 = "a"\n')),
    Case(COMMIT, 17, ("has no name",), _toml('[labelmap]\n0 = "a"\n1 = ""\n')),
    Case(COMMIT, 2, ("line 6", "column"), _toml("[docker\n")),
    Case(COMMIT, 2, ("line 8",), _toml("[parameters]\na = 1\na = 2\n")),
    Case(COMMIT, 2, ("nested",), _toml("[parameters]\nx = " + "[" * 3_000 + "]" * 3_000 + "\n")),
    Case(COMMIT, 2, ("parts",), _toml("[parameters]\n" + ".".join("a" * 2_000) + " = 1\n")),
    Case(COMMIT, 2, ("digits",), _toml("[parameters]\nx = " + "1" * 5_000 + "\n")),
    Case(COMMIT, 2, ("weights/best.onnx", "not there"), lambda root: (root / "weights" / "best.onnx").unlink()),
    Case(COMMIT, 2, ("weights/best.onnx", "symbolic link to elsewhere.onnx"), _link),
    Case(COMMIT, 2, ("weights/best.onnx", "pipe"), _fifo),
    Case(COMMIT, 2, ("weights/best.onnx", "folder"), _folder),
    Case(COMMIT, 17, ("../x",), _files('x = "../x"')),
    Case(COMMIT, 17, ("/etc/passwd",), _files('x = "/etc/passwd"')),
    Case(COMMIT, 17, (".mvc",), _files('x = ".mvc/config.toml"')),
    Case(COMMIT, 17, (".GIT",), _files('x = ".GIT/config"')),
    Case(COMMIT, 17, ("model.toml",), _files('x = "model.toml"')),
    Case(COMMIT, 2, ("two", "weights/best.onnx"), _files('a = "weights/best.onnx"\nb = "weights/best.onnx"')),
    Case(COMMIT, 2, ("a", "no file"), _files('a = "nothing/*.bin"')),
    Case(COMMIT, 17, ("\\xff",), _not_utf8),
    Case(COMMIT, 17, ("A.bin", "a.bin"), _twins("A.bin", "a.bin")),
    Case(COMMIT, 17, ("glob",), _twins(unicodedata.normalize("NFD", "é.bin"), "x.bin")),
    Case(COMMIT, 1, ("Nothing to commit", "--allow-empty")),
    Case(("commit", "-m", " "), 2, ("message",), _edited),
    Case(("commit", "-m", "x", "--date", "yesterday-ish"), 2, ("yesterday-ish",), _edited),
    Case(("commit", "-m", "x", "--author", "Ana"), 2, ("Ana", "e-mail"), _edited),
    Case(("commit", "-m", "x", "--tag", "v7"), 2, ("v7",), _edited),
    Case(("commit", "-m", "x", "--tag", "kept"), 13, ("kept", "never move"), _edited, side),
    Case(("commit", "-m", "token ghp_" + "a1B2" * 9), 17, ("message", "--allow-secret"), _edited),
    Case(COMMIT, 17, ("parameters.key", "--allow-secret"), _toml('[parameters]\nkey = "AKIAIOSFODNN7EXAMPLQ"\n')),
    Case(COMMIT, 13, ("switch -c",), _detached_and_edited),
    Case(("commit", "--amend", "-m", "x"), 13, ("kept",), lambda root: mvc(root, "switch", "side"), side),
    Case(("commit", "--amend", "-m", "x"), 2, ("no version yet",), prepare=tracked),
    Case(("add", "nosuch.onnx"), 2, ("nosuch.onnx",)),
    Case(("add", "../outside.onnx"), 17, ("outside",)),
    Case(("add", ".mvc/config.toml"), 17, (".mvc",)),
    Case(("add", "extra/log.txt", "--as", "model-latest"), 2, ("model-latest", "--as")),
    Case(("rm", "nosuch"), 2, ("nosuch", "model-latest")),
    Case(("rm", "model-latest"), 16, ("weights/best.onnx", "--cached"), _edited),
    Case(("show", "nosuch"), 2, ("nosuch",)),
    Case(("show", "mian"), 2, ("mian", "main")),
    Case(("show", "v99"), 2, ("v99",)),
    Case(("show", "main~9"), 2, ("main~9", "parent")),
    Case(("show", "main@{9}"), 2, ("main", "9")),
    Case(("cat", "v1"), 2, ("REV:ROLE",)),
    Case(("cat", "v1:nosuch"), 2, ("nosuch", "mvc ls")),
    Case(("switch", "nosuch"), 2, ("nosuch",)),
    Case(("switch", "v1"), 16, ("weights/best.onnx", "--force"), _edited),
    Case(("switch", "v1"), 16, ("notes.txt", "not tracked"), _untracked),
    Case(("switch", "v1"), 16, ("model.toml",), lambda root: mvc(root, "set", "parameters.a=1")),
    Case(("switch", "-c", "main"), 13, ("main",)),
    *(
        Case(("branch", "--", name), 2, (name.strip(),))
        for name in (
            "v7",
            "HEAD",
            "git",
            "deadbeef",
            "a..b",
            "a@b",
            "-x",
            ".x",
            "x.lock",
            "a~b",
            "a^b",
            "a:b",
            "con",
            "x/",
        )
    ),
    Case(("branch", "Main"), 13, ("Main", "main")),
    Case(("branch", "prod"), 13, ("prod",), prepare=side),
    Case(
        ("branch", "-d", "side"),
        13,
        ("side", "-D"),
        lambda root: (mvc(root, "tag", "-d", "kept"), mvc(root, "alias", "rm", "prod")),
        side,
    ),
    Case(("branch", "-d", "main"), 13, ("main",)),
    Case(("tag", "kept", "v1"), 13, ("kept", "alias"), prepare=side),
    Case(("alias", "rm", "nosuch"), 2, ("nosuch",)),
    Case(("models", "rename", "helmets", "a@b"), 2, ("a@b",)),
    Case(("models", "rename", "nosuch", "x"), 2, ("nosuch", "helmets")),
    Case(("init", "--model", "other"), 2, ("helmets", "other")),
    Case(("-C", "sub", "status"), 2, ("helmets", "sub"), _other_folder),
    Case(("export", "v1", "weights"), 16, ("weights",)),
    Case(("config", "user.nmae", "x"), 2, ("user.nmae", "user.name")),
    Case(("config", "core.lock-timeout", "soon"), 2, ("number",)),
    Case(("status",), 128, ("format 2", "newer mvc"), _config("format = 1", "format = 2")),
    Case(("status",), 128, ("warp", "newer mvc"), _config("requires = []", 'requires = ["warp"]')),
    Case(("status",), 2, ("config.toml",), _config("format = 1", "format = = 1")),
    Case(("log", "--format", "{nosuch}"), 2, ("nosuch", "subject")),
    Case(("frobnicate",), 2, ("frobnicate",)),
    Case(("comit",), 2, ("commit",)),
    Case(("status", "--nosuch"), 2, ("--nosuch",)),
    Case(("reset", "--keep", "--hard"), 2, ("--keep or --hard",)),
    *(Case(("--model", name, "status"), 2, ("no model",)) for name in ("..", ".", "x" * 300)),
    *(Case(("show", name), 2, ("has no version",)) for name in ("..@v1", "x" * 300, "heads/..")),
    Case(("models", "rename", "..", "x"), 2, ("no model",)),
    Case(
        COMMIT,
        2,
        ("model.toml",),
        lambda root: (root / "model.toml").write_text('[model]\nname = ".."\n', encoding="utf-8"),
    ),
    Case(("--model", "nosuch", "status"), 2, ("nosuch", "helmets")),
)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Callable[[Path], None]], Path]:
    """What each preparation leaves, made once."""
    made: dict[Callable[[Path], None], Path] = {}

    def get(prepare: Callable[[Path], None]) -> Path:
        if prepare not in made:
            made[prepare] = tmp_path_factory.mktemp("prepared") / "root"
            made[prepare].mkdir()
            prepare(made[prepare])
        return made[prepare]

    return get


@pytest.mark.parametrize("case", CASES, ids=str)
def test_bad_input(case: Case, prepared: Callable[[Callable[[Path], None]], Path], tmp_path: Path) -> None:
    root = fresh_copy(prepared(case.prepare), tmp_path / "root")
    case.change(root)
    before = _everything(root)
    outcome = command(root, case.arguments)
    assert outcome.code == case.code, outcome.output
    for word in case.words:
        assert word in outcome.output, f"{word!r} is not in: {outcome.output}"
    assert "Traceback" not in outcome.output
    assert "internal error" not in outcome.output
    assert _everything(root) == before


@pytest.mark.parametrize(
    "arguments",
    [
        ("status",),
        ("log",),
        ("show",),
        ("diff", "v1", "v2"),
        ("ls",),
        ("cat", "v1:notes"),
        ("fsck",),
        ("branch",),
        ("du",),
    ],
)
def test_reading_verbs_work_in_a_store_that_cannot_be_written(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    two_versions(tmp_path)
    before = _everything(tmp_path)

    def read_only(count: int, name: str, path: str) -> None:
        raise OSError(30, "Read-only file system", path)

    outcome = command(tmp_path, arguments, read_only)
    assert outcome.code == 0, outcome.output
    assert _everything(tmp_path) == before


def test_writing_verbs_say_that_the_store_is_read_only(tmp_path: Path) -> None:
    two_versions(tmp_path)
    _edited(tmp_path)

    def read_only(count: int, name: str, path: str) -> None:
        raise OSError(30, "Read-only file system", path)

    for arguments in (COMMIT, ("tag", "x"), ("restore", "."), ("set", "parameters.a=1")):
        outcome = command(tmp_path, arguments, read_only)
        assert outcome.code == 128, outcome.output
        assert "cannot be written" in outcome.output


@pytest.mark.parametrize("undo", [("restore", "model.toml"), ("reset", "--hard"), ("switch", "--force", "main")])
def test_a_broken_model_toml_can_be_undone(tmp_path: Path, undo: tuple[str, ...]) -> None:
    two_versions(tmp_path)
    before = (tmp_path / "model.toml").read_bytes()
    (tmp_path / "model.toml").write_text("foo = [", encoding="utf-8")
    assert command(tmp_path, ("status",)).code == 2
    mvc(tmp_path, *undo)
    assert (tmp_path / "model.toml").read_bytes() == before


def test_all_of_a_folder_is_added_with_a_dot(tmp_path: Path) -> None:
    tracked(tmp_path)
    mvc(tmp_path, "rm", "notes", "--cached")
    mvc(tmp_path, "add", ".")
    assert "notes.txt" in mvc(tmp_path, "commit", "-m", "all")


def test_nothing_a_terminal_obeys_is_printed(tmp_path: Path) -> None:
    two_versions(tmp_path)
    evil = "\x1b[31mred\x9b\u202e\x07"
    (tmp_path / "weights" / "best.onnx").write_bytes(b"other")
    mvc(tmp_path, "commit", "--allow-empty", "-m", f"message {evil}")
    mvc(tmp_path, "alias", "set", "prod", "HEAD", "-m", evil)
    mvc(tmp_path, "set", f"parameters.note={evil}")
    for arguments in (
        ("log",),
        ("show",),
        ("status",),
        ("alias",),
        ("alias", "log", "prod"),
        ("reflog",),
        ("branch", "-v"),
        ("diff",),
        ("log", "--format", "{message}"),
    ):
        text = mvc(tmp_path, *arguments)
        assert not set(text) & set("\x1b\x9b\u202e\x07"), (arguments, text)
    assert "\\x1b[31mred" in mvc(tmp_path, "log")


def test_json_errors_are_json_on_stderr(tmp_path: Path) -> None:
    two_versions(tmp_path)
    outcome = command(tmp_path, ("show", "nosuch", "--json"))
    assert outcome.code == 2
    assert '"kind": "unknown-revision"' in outcome.output


def test_a_refused_commit_reads_no_file_and_leaves_nothing_in_tmp(tmp_path: Path) -> None:
    tracked(tmp_path)
    mvc(tmp_path, "set", "labelmap.0=a", "labelmap.2=b")
    outcome = command(tmp_path, COMMIT)
    assert outcome.code == 17, outcome.output
    assert list((tmp_path / ".mvc" / "tmp").iterdir()) == []
    assert not (tmp_path / ".mvc" / "cache" / "chunks.sqlite").exists()


def test_an_interrupted_commit_leaves_nothing_in_tmp(tmp_path: Path) -> None:
    tracked(tmp_path)
    steps = command(fresh_copy(tmp_path, tmp_path.with_name("counted")), COMMIT).steps

    for number in range(1, steps + 1):
        root = fresh_copy(tmp_path, tmp_path.with_name("interrupted"))

        def interrupt(count: int, name: str, path: str, number: int = number) -> None:
            if count == number and name != "unlink":  # the removal itself is left to the next writer
                raise KeyboardInterrupt

        outcome = command(root, COMMIT, interrupt)
        assert outcome.code in (0, 130), outcome.output
        assert list((root / ".mvc" / "tmp").iterdir()) == [], f"step {number} of {steps}"


def test_init_in_a_folder_of_a_repository_makes_no_second_one(tmp_path: Path) -> None:
    two_versions(tmp_path)
    mvc(tmp_path, "init", "deep/er", "--model", "other")
    assert not (tmp_path / "deep" / "er" / ".mvc").exists()
    assert "deep/er" in mvc(tmp_path, "models")
