"""Files that cannot be tracked or committed: missing, special, elsewhere, in a reserved folder, unfit by name."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.crash.harness import command, mvc
from tests.crash.scenarios import WEIGHTS, two_versions
from tests.refusals.cases import COMMIT, Case, Change, Prepare, all_of, check, everything, files, refuse


def _made(*names: str, toml: str = "") -> Change:
    """Make files, and have [files] say `toml`, if it is given."""

    def change(root: Path) -> None:
        for name in names:
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_bytes(name.encode("utf-8", "surrogateescape"))
        if toml:
            files(toml)(root)

    return change


def _linked_folder(root: Path) -> None:
    (root / "linked").symlink_to("weights")


def _outer_folder(root: Path) -> None:
    outside = root.parent / "outside"
    outside.mkdir(exist_ok=True)
    (outside / "w.onnx").write_bytes(b"x")
    (root / "out").unlink(missing_ok=True)
    (root / "out").symlink_to("../outside")


def _pipe(root: Path) -> None:
    os.mkfifo(root / "pipe.onnx")


def _socket(root: Path) -> None:
    here = os.getcwd()
    os.chdir(root)  # the path of a socket has to be short
    try:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind("sock")
    finally:
        os.chdir(here)


def _store_elsewhere(toml: str) -> Change:
    """`.mvc` is a link: `store` has the same device and inode, as another spelling or a bind mount has."""

    def change(root: Path) -> None:
        (root / ".mvc").rename(root / "store")
        (root / ".mvc").symlink_to("store")
        if toml:
            files(toml)(root)

    return change


def _git_elsewhere(root: Path) -> None:
    _made("gitdir/config", toml='x = "gitdir/config"')(root)
    (root / ".git").symlink_to("gitdir")


def _nested(root: Path) -> None:
    _made("inner/w.onnx")(root)
    mvc(root, "init", "inner", "--model", "inner")


ADD = (
    *(Case(("add", f"{top}/config"), 17, (top, "mvc works only inside"), _made(f"{top}/config")) for top in
      (".git", ".GIT", ".hg", ".svn", ".jj", "git~1", "deep/.git")),
    Case(("add", ".g\u200cit/config"), 17, (".g\\u200cit",), _made(".g\u200cit/config")),
    Case(("add", ".mvc"), 17, (".mvc",)),
    Case(("add", "weights/../.mvc/config.toml"), 17, (".mvc",)),
    Case(("add", "../outside/w.onnx"), 17, ("outside", "the model's folder"), _outer_folder),
    Case(("add", "/etc/passwd"), 17, ("/etc/passwd", "into that folder")),
    Case(("add", "out/w.onnx"), 17, ("out/w.onnx is outside", "into that folder"), _outer_folder),
    Case(("add", "g", "--as", "other"), 2, ("already tracked as g", "mvc rm --cached g"), _made("g/a", toml='g = "g/**"')),
    Case(("add", "linked"), 2, ("linked", "symbolic link to weights", "Track a regular file"), _linked_folder),
    Case(("add", "pipe.onnx"), 2, ("pipe.onnx is a pipe", "not a regular file"), _pipe),
    Case(("add", "sock"), 2, ("sock is a socket",), _socket),
    Case(("add", "model.toml"), 17, ("model.toml", "always part of a version")),
    Case(("add", "nosuch"), 2, ("nosuch",)),
    Case(("add", "bad\udcff.onnx"), 17, ("bad\\xff.onnx",), _made("bad\udcff.onnx")),
    Case(("add", "a\nb.onnx"), 17, ("a\\x0ab.onnx", "every system"), _made("a\nb.onnx")),
    Case(("add", "nul.onnx"), 17, ("nul.onnx", "device name on Windows"), _made("nul.onnx")),
    Case(("add", "e\u0301.onnx"), 17, ("NFC",), _made("e\u0301.onnx")),
    Case(("add", "a:b"), 17, ("a:b",), _made("a:b")),
    Case(("add", "dot."), 17, ("dot.", "Windows removes"), _made("dot.")),
    Case(("add", "store/config.toml"), 17, ("store", "reserved for mvc"), _store_elsewhere("")),
    *(Case(("add", "new.txt", "--as", role), 2, (role, "Invalid role"), _made("new.txt")) for role in
      ("./x", "a:b", ".x", "x/", "r" * 201)),
    Case(("add", "new.txt", "--as", "g/a"), 2, ("Two files have the role g/a", "new.txt"),
         _made("new.txt", "g/a", toml='g = "g/**"')),
    Case(("add", "g"), 2, ("Two patterns in model.toml match g/a",), _made("g/a", "g/b.pt", toml='x = "g/a*"')),
    Case(("add", "none"), 2, ("Nothing to track in none", "it is empty"), lambda root: (root / "none").mkdir()),
    Case(("add", "no*"), 2, ("Nothing to track in no*", "no file matches")),
    Case(("add", "inner"), 2, ("Nothing to track in inner", "another model"), _nested),
    Case(("add", "keys"), 2, ("Nothing to track in keys", "credentials (keys/id_rsa, keys/x.pem)"),
         _made("keys/x.pem", "keys/id_rsa")),
    Case(("add", "__pycache__"), 2, ("only ignored files",), _made("__pycache__/x.pyc")),
    Case(("add", "g"), 2, ("g/link is a symbolic link to a", "not a regular file"),
         all_of(_made("g/a"), lambda root: (root / "g/link").symlink_to("a"))),
    Case(("add", "g"), 17, ("g/A", "g/a", "letter case"), _made("g/A", "g/a")),
    Case(("add", "g"), 17, ("g/nul.onnx", "device name on Windows"), _made("g/nul.onnx", "g/a")),
    Case(("add", "."), 17, ("201 new files", "200 in many/", "1 at the top", "--yes"),
         _made("one", *(f"many/{number}" for number in range(200)))),
    Case(("add", "a.bin", "b.bin", "--as", "both"), 2, ("2 paths", "both"), _made("a.bin", "b.bin")),
)  # fmt: skip

COMMITS = (
    *(Case(COMMIT, 17, (path,), files(f"x = {path!r}")) for path in
      ("weights/../../x", "./weights/best.onnx", "a//b", "C:x", ".Mvc/config.toml", ".git/config", "sub/.hg/x")),
    *(Case(COMMIT, 17, (pattern.rstrip("*/"),), files(f'x = "{pattern}"')) for pattern in
      ("../*", ".mvc/**", ".git/**", "weights/../**")),
    Case(COMMIT, 2, ("no file matches /etc/*",), files('x = "/etc/*"')),
    Case(COMMIT, 17, ("store", "reserved for mvc"), _store_elsewhere('x = "store/config.toml"')),
    Case(COMMIT, 17, ("store", "reserved for mvc"), _store_elsewhere('x = "store/**"')),
    Case(COMMIT, 17, ("gitdir", "reserved for mvc"), _git_elsewhere),
    Case(COMMIT, 17, ("linked", "symbolic link"), all_of(_linked_folder, files('x = "linked/best.onnx"'))),
    Case(COMMIT, 17, ("out", "symbolic link"), all_of(_outer_folder, files('x = "out/*"'))),
    Case(COMMIT, 2, ("g/pipe", "a pipe"), all_of(_made("g/a", toml='g = "g/**"'), lambda root: os.mkfifo(root / "g/pipe"))),
    Case(COMMIT, 2, ("g/link", "symbolic link to a"),
         all_of(_made("g/a", toml='g = "g/**"'), lambda root: (root / "g/link").symlink_to("a"))),
    Case(COMMIT, 17, ("Straße", "STRASSE", "letter case"), _made("g/Straße", "g/STRASSE", toml='g = "g/**"')),
    Case(COMMIT, 17, ("W/x", "w/y"), _made("W/x", "w/y", toml='g = "**/x"\nh = "**/y"')),
    Case(COMMIT, 17, ("g/\u212b", "NFC"), _made("g/\u212b", toml='g = "g/**"')),
    Case(COMMIT, 2, ("2 tracked files", "g/\\x0a", "role gone"), _made("g/\n", toml='g = "g/**"\ngone = "no/*"')),
    Case(COMMIT, 2, ("Two patterns in model.toml match g/a", "g", "h"), _made("g/a", toml='g = "g/**"\nh = "g/*"')),
    Case(COMMIT, 2, ("g/a", "Two files have the role"), _made("g/a", "b", toml='g = "g/**"\n"g/a" = "b"')),
    Case(COMMIT, 2, ("role inner has no file", "other models"), all_of(_nested, files('inner = "inner/**"'))),
    Case(COMMIT, 2, ("[a", "Invalid file pattern"), files('x = "[a"')),
    Case(COMMIT, 17, ('files."a:b"', "colon"), files('"a:b" = "weights/best.onnx"')),
    Case(COMMIT, 17, ('files.-x', "does not begin"), files('"-x" = "weights/best.onnx"')),
    Case(COMMIT, 17, ("a role has 1 to 200",), files('" " = "weights/best.onnx"')),
    Case(("cat", "v2:weights/nosuch"), 2, ("nosuch", "mvc ls")),
)  # fmt: skip


@pytest.mark.parametrize("case", ADD, ids=str)
def test_add_refuses(case: Case, copy: Callable[[Prepare], Path]) -> None:
    check(case, copy)


@pytest.mark.parametrize("case", COMMITS, ids=str)
def test_commit_refuses(case: Case, copy: Callable[[Prepare], Path]) -> None:
    check(case, copy)


def test_a_path_beats_a_glob(copy: Callable[[Prepare], Path]) -> None:
    root = copy(two_versions)
    _made("g/a", "g/b", toml='g = "g/**"\none = "g/a"')(root)
    mvc(root, *COMMIT)
    assert {line.split()[0] for line in mvc(root, "ls").splitlines() if "g/" in line} == {"one", "g/b"}


def test_a_bare_role_of_many_files_is_refused_with_their_list(copy: Callable[[Prepare], Path]) -> None:
    root = copy(two_versions)
    _made("g/a", "g/b", toml='g = "g/**"')(root)
    mvc(root, *COMMIT)
    refuse(root, ("cat", "v3:g"), 2, "role g has 2 files", "g/a, g/b", "Give one of these")


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads every file")
@pytest.mark.parametrize("verb", [COMMIT, ("commit", "--dry-run", "-m", "x")])
def test_a_file_that_cannot_be_read(copy: Callable[[Prepare], Path], verb: tuple[str, ...]) -> None:
    root = copy(two_versions)
    (root / "weights" / "best.onnx").write_bytes(b"secret")
    (root / "weights" / "best.onnx").chmod(0)
    before = {path: found for path, found in everything(root / ".mvc").items() if path}
    outcome = command(root, verb)
    assert outcome.code == 2, outcome.output
    assert "weights/best.onnx cannot be read" in outcome.output
    assert everything(root / ".mvc") == before


@pytest.mark.parametrize("replaced", [False, True])
def test_a_file_that_keeps_changing_while_it_is_read(copy: Callable[[Prepare], Path], replaced: bool) -> None:
    root = copy(two_versions)
    file = root / "weights" / "best.onnx"
    file.write_bytes(os.urandom(300_000))
    before = everything(root / ".mvc")

    def write_on(count: int, name: str, path: str) -> None:
        """At every step of the commit, write to the file, or put another in its place."""
        if replaced:
            file.with_name("next").write_bytes(WEIGHTS + bytes([count % 256]))
            file.with_name("next").replace(file)
        else:
            with file.open("ab") as open_file:
                open_file.write(b"more")

    outcome = command(root, COMMIT, write_on)
    assert outcome.code == 128, outcome.output
    assert "weights/best.onnx kept changing" in outcome.output
    assert "run the command again" in outcome.output
    assert "Traceback" not in outcome.output
    assert {k: v for k, v in everything(root / ".mvc").items() if "/cache" not in k and "/tmp" not in k} == {
        k: v for k, v in before.items() if "/cache" not in k and "/tmp" not in k
    }
    assert mvc(root, *COMMIT)


def test_nothing_hangs_on_a_pipe_in_the_way_of_model_toml(copy: Callable[[Prepare], Path]) -> None:
    root = copy(two_versions)
    (root / "model.toml").unlink()
    os.mkfifo(root / "model.toml")
    for verb in (COMMIT, ("status",), ("set", "parameters.a=1")):
        refuse(root, verb, 2, "model.toml", "not a regular file")


def test_two_folders_of_one_model(copy: Callable[[Prepare], Path]) -> None:
    root = copy(two_versions)
    _made("sub/w")(root)
    (root / "sub" / "model.toml").write_text('[model]\nname = "helmets"\n', encoding="utf-8")
    for arguments in (("-C", "sub", *COMMIT), ("-C", "sub", "init"), ("init", "sub", "--model", "helmets")):
        refuse(root, arguments, 2, "helmets has two folders, . and sub", "Remove one of the two model.toml files")
