from __future__ import annotations

import os
import random
import socket
import subprocess
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import pytest

from mvc import errors
from mvc.model import credential_names
from mvc.repository.worktree import globs
from mvc.repository.worktree.scan import Scan, require, scan
from mvc.repository.worktree.untracked import weight_like
from tests import effort


def make(root: Path, *names: str) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())


def roles(found: Scan) -> dict[str, str]:
    return {file.path: file.role for file in found.tracked}


def problem(root: Path, files: Mapping[str, str], labelmap: str | None = None, folder: str = "") -> errors.MvcError:
    """The only problem of a scan."""
    (found,) = scan(root, folder, files, labelmap).problems
    return found


# --- roles


def test_a_path_has_its_role_and_a_glob_gives_one_to_each_file(tmp_path: Path) -> None:
    make(tmp_path, "best.onnx", "runs/a/log.csv", "runs/b.csv", "other.txt")
    found = scan(tmp_path, "", {"model": "best.onnx", "run": "runs/**/*.csv"})
    assert roles(found) == {"best.onnx": "model", "runs/a/log.csv": "run/a/log.csv", "runs/b.csv": "run/b.csv"}
    assert not found.problems


def test_files_are_in_the_order_of_their_paths_bytes(tmp_path: Path) -> None:
    make(tmp_path, "a/b", "a-b", "a.b", "é", "z")
    assert [file.path for file in scan(tmp_path, "", {"all": "*"}).tracked] == ["a-b", "a.b", "a/b", "z", "é"]


def test_paths_are_below_the_models_folder_and_root_paths_below_the_root(tmp_path: Path) -> None:
    make(tmp_path, "det/helmet/best.pt", "best.pt")
    (file,) = scan(tmp_path, "det/helmet", {"m": "best.pt"}).tracked
    assert (file.path, file.root_path) == ("best.pt", "det/helmet/best.pt")
    (file,) = scan(tmp_path, "det", {"m": "*/*.pt"}).tracked
    assert (file.path, file.role, file.root_path) == ("helmet/best.pt", "m/helmet/best.pt", "det/helmet/best.pt")


def test_a_path_beats_a_glob(tmp_path: Path) -> None:
    make(tmp_path, "w/a.pt", "w/b.pt")
    assert roles(scan(tmp_path, "", {"all": "w/*", "best": "w/a.pt"})) == {"w/a.pt": "best", "w/b.pt": "all/b.pt"}


def test_a_glob_may_match_only_files_with_a_line_of_their_own(tmp_path: Path) -> None:
    make(tmp_path, "w/a.pt")
    found = scan(tmp_path, "", {"all": "w/*", "best": "w/a.pt"})
    assert (roles(found), found.problems) == ({"w/a.pt": "best"}, ())


def test_the_labelmaps_file_is_tracked_by_itself(tmp_path: Path) -> None:
    make(tmp_path, "labels.json", "a.pt")
    assert roles(scan(tmp_path, "", {"m": "*"}, "labels.json")) == {"labels.json": "labelmap", "a.pt": "m/a.pt"}
    assert roles(scan(tmp_path, "", {"labelmap": "labels.json"}, "labels.json")) == {"labels.json": "labelmap"}
    assert isinstance(problem(tmp_path, {"labelmap": "a.pt"}, "labels.json"), errors.RoleTaken)
    assert roles(scan(tmp_path, "", {"other": "labels.json"}, "labels.json")) == {"labels.json": "labelmap"}
    assert roles(scan(tmp_path, "", {"classes": "labels.json"}, "labels.json")) == {"labels.json": "classes"}


def test_two_globs_that_begin_in_one_folder_are_an_error(tmp_path: Path) -> None:
    make(tmp_path, "w/a.pt", "w/b.txt")
    found = problem(tmp_path, {"x": "w/*.pt", "y": "w/**", "z": "w/*.md"})
    assert isinstance(found, errors.TwoRoles)
    assert "w/a.pt" in found.message
    assert isinstance(problem(tmp_path, {"x": "w/*.pt", "y": "w/a*"}), errors.TwoRoles)
    assert isinstance(problem(tmp_path, {"x": "*.pt", "y": "**/a.pt"}), errors.TwoRoles)


def test_of_two_globs_the_deeper_one_wins_and_the_whole_folder_has_the_rest(tmp_path: Path) -> None:
    make(tmp_path, "w/a.pt", "w/deep/b.pt", "c.pt", "d.txt")
    found = scan(tmp_path, "", {"all": "**", "pt": "*.pt", "w": "w/**", "deep": "w/deep/*"})
    assert not found.problems
    assert roles(found) == {
        "w/a.pt": "w/a.pt", "w/deep/b.pt": "deep/b.pt", "c.pt": "pt/c.pt", "d.txt": "all/d.txt"
    }  # fmt: skip
    assert isinstance(problem(tmp_path, {"all": "**", "x": "*"}), errors.RoleWithoutFile)


def test_of_two_roles_of_one_path_the_tree_has_the_first_by_name(tmp_path: Path) -> None:
    make(tmp_path, "a.pt", "w/b.pt")
    assert roles(scan(tmp_path, "", {"y": "a.pt", "x": "a.pt"})) == {"a.pt": "x"}
    assert isinstance(problem(tmp_path, {"x": "a.pt", "w/b.pt": "a.pt", "w": "w/*"}), errors.RoleTaken)


def test_a_role_that_a_glob_makes_may_be_taken(tmp_path: Path) -> None:
    make(tmp_path, "w/a.pt", "b.pt")
    assert isinstance(problem(tmp_path, {"x": "w/*", "x/a.pt": "b.pt"}), errors.RoleTaken)


@pytest.mark.parametrize("pattern", ["w/*.onnx", "none/**", "*.zip"])
def test_a_role_without_a_file_is_an_error(tmp_path: Path, pattern: str) -> None:
    make(tmp_path, "w/a.pt")
    assert isinstance(problem(tmp_path, {"m": pattern}), errors.RoleWithoutFile)


def test_a_missing_file_is_named_with_its_role(tmp_path: Path) -> None:
    make(tmp_path, "file")
    for path in ("gone.pt", "no/such.pt", "file/below.pt"):
        found = problem(tmp_path, {"m": path})
        assert isinstance(found, errors.MissingFile)
        assert path in found.message


def test_the_executable_bit_is_seen(tmp_path: Path) -> None:
    make(tmp_path, "run.sh", "a.pt")
    (tmp_path / "run.sh").chmod(0o755)
    assert {file.path: file.exec for file in scan(tmp_path, "", {"all": "*"}).tracked} == {
        "run.sh": True,
        "a.pt": False,
    }


# --- outside of globs


VERSION_CONTROL = (".mvc/config.toml", ".git/x", ".hg/x", ".jj/x", ".svn/x", "sub/.git/x", "linked/.git", "sub/.GIT/x")
LEFT_OUT = (
    *(".DS_Store", "w/Thumbs.db", "__pycache__/m.pyc", "w/.ipynb_checkpoints/n.ipynb", ".venv/lib/x.py", ".pytest_cache/x"),
    *("w/.a.pt.swp", "notes~"),
)  # fmt: skip
CREDENTIALS = (
    *(".env", "w/.env.local", "w/server.PEM", "id_rsa", "id_ed25519.pub", "tls.key", ".netrc", "credentials.json"),
    *(".aws/config", "w/.ssh/known_hosts"),
)  # fmt: skip


def test_a_glob_takes_files_and_folders_that_begin_with_a_dot(tmp_path: Path) -> None:
    names = {"ckpt/.metadata", "ckpt/__0_0.distcp", "z.zarr/.zgroup", "z.zarr/a/.zarray", ".cfg/a/.b.yaml", ".hidden"}
    make(tmp_path, *names)
    assert set(roles(scan(tmp_path, "", {"all": "**"}))) == names
    assert roles(scan(tmp_path, "", {"c": "ckpt/*"})) == {
        "ckpt/.metadata": "c/.metadata", "ckpt/__0_0.distcp": "c/__0_0.distcp"
    }  # fmt: skip
    assert set(roles(scan(tmp_path, "", {"z": "*.zarr"}))) == {"z.zarr/.zgroup", "z.zarr/a/.zarray"}
    assert set(roles(scan(tmp_path, "", {"h": ".*"}))) == {name for name in names if "." in name[0] or "/." in name}


def test_version_control_and_other_models_are_outside_of_globs(tmp_path: Path) -> None:
    make(tmp_path, "a.pt", "model.toml", "other/model.toml", "other/c.pt", *VERSION_CONTROL)
    make(tmp_path, "deep/model.toml/not-a-model.pt")
    found = scan(tmp_path, "", {"m": "**"})
    assert roles(found) == {
        "a.pt": "m/a.pt",
        "deep/model.toml/not-a-model.pt": "m/deep/model.toml/not-a-model.pt",
    }
    assert not found.problems
    assert isinstance(problem(tmp_path, {"m": "other/*.pt"}), errors.RoleWithoutFile)


def test_what_is_ignored_by_default_is_taken_back_by_a_rule(tmp_path: Path) -> None:
    make(tmp_path, "a.pt", *LEFT_OUT)
    assert set(roles(scan(tmp_path, "", {"m": "**"}))) == {"a.pt"}
    (tmp_path / ".mvcignore").write_text("!.venv\n!*~\n!__pycache__/\n")
    found = set(roles(scan(tmp_path, "", {"m": "**"})))
    assert found == {"a.pt", ".mvcignore", ".venv/lib/x.py", "notes~", "__pycache__/m.pyc"}
    assert roles(scan(tmp_path, "", {"m": ".DS_Store"})) == {".DS_Store": "m"}


def test_credentials_are_tracked_by_their_own_path_only(tmp_path: Path) -> None:
    make(tmp_path, "a.pt", "w/tokenizer.json", *CREDENTIALS)
    (tmp_path / ".mvcignore").write_text("!.env\n/id_rsa\n")
    found = scan(tmp_path, "", {"m": "**"})
    assert set(roles(found)) == {"a.pt", "w/tokenizer.json", ".mvcignore"}
    assert not found.problems
    assert found.skipped == tuple(sorted({*CREDENTIALS} - {"id_rsa"}))  # of what is ignored nothing is said
    for path in CREDENTIALS:
        assert roles(scan(tmp_path, "", {"m": path})) == {path: "m"}
    assert scan(tmp_path, "", {"m": "w/*.json"}).skipped == ()
    aws = scan(tmp_path, "", {"aws": ".aws/**"})
    assert aws.skipped == (".aws/config",)
    assert isinstance(aws.problems[0], errors.RoleWithoutFile)


# --- ignore files


def test_mvcignore_counts_in_every_folder(tmp_path: Path) -> None:
    make(tmp_path, "a.pt", "a.log", "sub/b.pt", "sub/c.pt", "sub/d.log", "build/e.pt", "sub/deep/f.pt")
    (tmp_path / ".mvcignore").write_text("*.log\nbuild/\n")
    (tmp_path / "sub/.mvcignore").write_text("c.pt\n!d.log\n")
    found = set(roles(scan(tmp_path, "", {"m": "**"})))
    assert found - {".mvcignore", "sub/.mvcignore"} == {"a.pt", "sub/b.pt", "sub/d.log", "sub/deep/f.pt"}
    assert set(roles(scan(tmp_path, "", {"m": "sub/deep/*"}))) == {"sub/deep/f.pt"}
    assert isinstance(problem(tmp_path, {"m": "build/*"}), errors.RoleWithoutFile)
    assert roles(scan(tmp_path, "", {"m": "build/e.pt"})) == {"build/e.pt": "m"}


def test_rules_above_count_for_a_glob_that_begins_below(tmp_path: Path) -> None:
    make(tmp_path, "sub/deep/a.pt", "sub/deep/b.log")
    (tmp_path / "sub/.mvcignore").write_text("*.log\n")
    assert set(roles(scan(tmp_path, "", {"m": "sub/deep/*"}))) == {"sub/deep/a.pt"}


def test_the_whole_folder_honours_gitignore_where_there_is_no_mvcignore(tmp_path: Path) -> None:
    make(tmp_path, "a.pt", "a.log", "data/x", "sub/b.pt", "sub/b.log", "sub/keep.log", "own/c.log", "own/c.tmp")
    (tmp_path / ".gitignore").write_text("*.log\ndata/\n")
    (tmp_path / "sub/.gitignore").write_text("!keep.log\n")
    (tmp_path / "own/.mvcignore").write_text("*.tmp\n!c.log\n")
    (tmp_path / "own/.gitignore").write_text("*\n")
    ignore_files = {".gitignore", "sub/.gitignore", "own/.gitignore", "own/.mvcignore"}
    found = set(roles(scan(tmp_path, "", {"all": "**"})))
    assert found - ignore_files == {"a.pt", "sub/b.pt", "sub/keep.log", "own/c.log"}
    assert set(roles(scan(tmp_path, "", {"d": "data/**", "l": "*.log", "s": "sub/**"}))) - ignore_files == {
        "a.log", "data/x", "own/c.log", "sub/b.pt", "sub/b.log", "sub/keep.log"
    }  # fmt: skip
    (tmp_path / ".mvcignore").write_text("a.pt\n")
    found = set(roles(scan(tmp_path, "", {"all": "**"})))
    assert {"a.log", "data/x", "sub/b.log"} <= found
    assert "a.pt" not in found


def test_gitignore_above_the_models_folder_counts_for_what_is_in_it(tmp_path: Path) -> None:
    make(tmp_path, "models/m/a.pt", "models/m/a.log", "models/m/tmp/x", "models/m/models/y", "models/m/z")
    (tmp_path / ".gitignore").write_text("*.log\n/models/m/z\n/models/\n")
    (tmp_path / "models/.gitignore").write_text("tmp/\n/m/\n")
    assert set(roles(scan(tmp_path, "models/m", {"all": "**"}))) == {"a.pt", "models/y"}


def test_gitignore_is_read_as_git_does(tmp_path: Path, rng: random.Random) -> None:
    """Random files and rules: `**` takes what `git status` would offer."""
    names = ["a", "b.log", "c.pt", "deep", ".d", "e f"]
    rules = ["*.log", "!b.log", "/a", "deep/", "**/c.pt", "!deep", "d*", "# x", "e\\ f", "/deep/**", ".d"]
    for number in range(20):
        root = tmp_path / str(number)
        for _ in range(12):
            path = root.joinpath(*(f"{rng.choice(names)}-" for _ in range(rng.randrange(3))), rng.choice(names))
            if not path.exists():
                make(root, path.relative_to(root).as_posix())
        for folder in [root, *(each for each in root.rglob("*") if each.is_dir())]:
            if rng.random() < 0.6:
                end = rng.choice(["\n", "\r\n"])
                text = "".join(f"{line}{end}" for line in rng.sample(rules, 3))
                (folder / ".gitignore").write_bytes(text.encode())
        subprocess.run(["git", "init", "-q", str(root)], check=True)
        asked = ["git", "-C", str(root), "ls-files", "-z", "--others", "--exclude-standard"]
        shown = subprocess.run(asked, capture_output=True, text=True, check=True).stdout
        assert set(roles(scan(root, "", {"all": "**"}))) == set(shown.split("\0")) - {""}


@pytest.mark.parametrize("name", [".mvcignore", ".gitignore"])
def test_an_ignore_file_of_a_windows_editor_is_read(tmp_path: Path, name: str) -> None:
    make(tmp_path, "a.pt", "b.log")
    (tmp_path / name).write_bytes(b"\xef\xbb\xbf*.log\r\n" + name.encode() + b"\r\n")
    assert set(roles(scan(tmp_path, "", {"m": "**"}))) == {"a.pt"}
    (tmp_path / name).write_bytes("*.log\n".encode("utf-16"))
    found = problem(tmp_path, {"m": "**"})
    assert isinstance(found, errors.UnreadableFile)
    assert "UTF-16" in found.message


def test_an_ignore_file_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    make(tmp_path, "a.pt", "rules")
    (tmp_path / ".mvcignore").symlink_to("rules")
    assert isinstance(problem(tmp_path, {"m": "*.pt"}), errors.UnreadableFile)
    (tmp_path / ".mvcignore").unlink()
    os.mkfifo(tmp_path / ".mvcignore")
    assert isinstance(problem(tmp_path, {"m": "*.pt"}), errors.NotRegularFile)


# --- what is no file


def test_a_link_is_named_with_its_target(tmp_path: Path) -> None:
    make(tmp_path, "w/real.pt")
    (tmp_path / "w/link.pt").symlink_to("real.pt")
    for files in ({"m": "w/link.pt"}, {"m": "w/*"}):
        found = problem(tmp_path, files)
        assert isinstance(found, errors.NotRegularFile)
        assert "a symbolic link to real.pt" in found.message


def test_a_folder_a_pipe_and_a_socket_are_no_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind("socket")
        kinds = {"folder": "a folder", "folder/": "a folder", "pipe": "a pipe", "socket": "a socket"}
        for path, kind in kinds.items():
            found = problem(tmp_path, {"m": path})
            assert isinstance(found, errors.NotRegularFile)
            assert kind in found.message


def test_no_file_is_reached_through_a_link(tmp_path: Path) -> None:
    make(tmp_path, "elsewhere/a.pt", "model/b.pt")
    (tmp_path / "model/w").symlink_to("../elsewhere")
    for value in ("w/a.pt", "w/*.pt"):
        found = scan(tmp_path, "model", {"m": value})
        assert not found.tracked
        assert isinstance(found.problems[0], errors.UnsafePath)
        assert "symbolic link" in found.problems[0].message


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_folder_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    make(tmp_path, "closed/a.pt", "b.pt")
    (tmp_path / "closed").chmod(0)
    try:
        assert isinstance(problem(tmp_path, {"m": "**"}), errors.UnreadableFile)
        assert isinstance(problem(tmp_path, {"m": "closed/a.pt"}), errors.UnreadableFile)
    finally:
        (tmp_path / "closed").chmod(0o755)


# --- paths


@pytest.mark.parametrize(
    "path",
    [
        "../x.pt",
        "/etc/passwd",
        "a/../b",
        "./a",
        ".mvc/config.toml",
        ".git/config",
        "w/.GIT/x",
        "git~1/x",
        "model.toml",
        "",
    ],
)
def test_a_path_that_leaves_the_folder_or_enters_a_reserved_one_is_refused(tmp_path: Path, path: str) -> None:
    make(tmp_path, ".mvc/config.toml", ".git/config", "model.toml")
    found = scan(tmp_path, "", {"m": path})
    assert not found.tracked
    assert isinstance(found.problems[0], errors.Refused)


@pytest.mark.parametrize("pattern", ["../*", ".mvc/*", "/../*", "w/.git/**"])
def test_a_glob_that_leaves_the_folder_or_enters_a_reserved_one_is_refused(tmp_path: Path, pattern: str) -> None:
    make(tmp_path, ".mvc/config.toml")
    assert isinstance(problem(tmp_path, {"m": pattern}), errors.UnsafePath)


def test_mvcs_own_folder_is_known_under_another_name(tmp_path: Path) -> None:
    make(tmp_path, "store/config.toml", "a.pt")
    (tmp_path / ".mvc").symlink_to("store")  # stands for another spelling or a mount: the same device and inode
    for value in ("store/config.toml", "store/*"):
        found = scan(tmp_path, "", {"m": value})
        assert not found.tracked
        assert isinstance(found.problems[0], errors.UnsafePath)
    assert set(roles(scan(tmp_path, "", {"m": "**"}))) == {"a.pt"}


def test_a_name_that_is_not_utf8_is_shown_escaped(tmp_path: Path) -> None:
    (Path(os.fsdecode(os.fsencode(tmp_path) + b"/bad\xff.pt"))).write_bytes(b"x")
    found = problem(tmp_path, {"m": "*.pt"}) if len(scan(tmp_path, "", {"m": "*.pt"}).problems) == 1 else None
    assert isinstance(found, errors.UnportablePath)
    assert "bad\\xff.pt" in found.message


@pytest.mark.parametrize("name", ["nul.pt", "a:b.pt", "x .pt ", "e\u0301.pt", "bi\u202edi.pt"])
def test_a_name_that_other_systems_cannot_hold_is_refused(tmp_path: Path, name: str) -> None:
    make(tmp_path, name, "fine.pt")
    found = scan(tmp_path, "", {"m": "*"})
    if "\u202e" in name:
        assert len(found.tracked) == 2  # odd, but every system holds it; it is printed escaped
    else:
        assert isinstance(found.problems[0], errors.UnportablePath)


@pytest.mark.parametrize(("one", "two"), [("A.pt", "a.pt"), ("W/x", "w/y"), ("straße", "STRASSE"), ("a", "A/b")])
def test_names_that_collide_elsewhere_are_refused_together(tmp_path: Path, one: str, two: str) -> None:
    make(tmp_path, one, two)
    found = problem(tmp_path, {"m": "**"})
    assert isinstance(found, errors.CollidingPaths)
    assert one in found.message
    assert two in found.message


# --- all of it


def test_one_problem_is_raised_as_it_is_and_several_are_listed(tmp_path: Path) -> None:
    require([])
    with pytest.raises(errors.MissingFile):
        require(scan(tmp_path, "", {"m": "a"}).problems)
    with pytest.raises(errors.UnfitFiles, match=r"2 tracked files cannot be in a version: a .*b .*") as raised:
        require(scan(tmp_path, "", {"m": "a", "n": "b"}).problems)
    assert raised.value.exit_code == 2


@pytest.mark.parametrize("make_special", [os.mkfifo, lambda path: path.symlink_to("nowhere")])
def test_a_file_that_is_wrong_in_two_ways_is_one_problem(tmp_path: Path, make_special: Callable[[Path], None]) -> None:
    make(tmp_path, "a")
    make_special(tmp_path / ".mvcignore")
    with pytest.raises(
        (errors.NotRegularFile, errors.UnreadableFile), match=r"\.mvcignore.* (special file|symbolic link)"
    ):
        require(scan(tmp_path, "", {"m": "**"}).problems)


def test_ten_thousand_files_are_looked_at_with_few_calls_each(tmp_path: Path) -> None:
    for part in range(10):
        make(tmp_path, *(f"w/p{part}/file{i:04}.pt" for i in range(1000)))
    literals = {f"r{part}-{i}": f"w/p{part}/file{i:04}.pt" for part in range(10) for i in range(1000)}
    for files in ({"w": "w/**"}, literals):
        assert len(scan(tmp_path, "", files).tracked) == 10_000
        assert effort.calls(partial(scan, tmp_path, "", files)) < 10_000 * 30


# --- weight-like files


def test_weight_like_files_are_pointed_out(tmp_path: Path) -> None:
    make(
        tmp_path, "a.pt", "b.ONNX", "c.txt", "sub/d.safetensors", ".venv/e.pt", "node_modules/f.bin", ".g.pt", "ig/h.pt"
    )
    make(tmp_path, "other/model.toml", "other/i.pt", ".mvc/j.pt", ".cache/k.pt", "pt")
    (tmp_path / "link.pt").symlink_to("a.pt")
    (tmp_path / ".mvcignore").write_text("ig/\n")
    assert weight_like(tmp_path, "", {"a.pt"}) == ("b.ONNX", "sub/d.safetensors")
    assert weight_like(tmp_path, "other", set()) == ("i.pt",)


def test_the_search_for_weight_like_files_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mvc.repository.worktree.untracked.MAX_FOUND", 5)
    make(tmp_path, *(f"d{i}/x{j}.pt" for i in range(4) for j in range(4)))
    assert len(weight_like(tmp_path, "", set())) == 5
    monkeypatch.setattr("mvc.repository.worktree.untracked.MAX_SEEN", 2)
    assert weight_like(tmp_path, "", set()) == ("d0/x0.pt", "d0/x1.pt", "d0/x2.pt", "d0/x3.pt")


def test_the_decision_lists_what_patterns_leave_out() -> None:
    page = (Path(__file__).parents[2] / "docs/decisions/0025-tracked-folders.md").read_text(encoding="utf-8")
    names = [*globs.DEFAULT_IGNORES, *credential_names.FOLDERS, *credential_names.NAMES - {"_netrc"}]
    names += [f"{start}*" for start in credential_names.PREFIXES] + [f"*{end}" for end in credential_names.SUFFIXES]
    assert [name for name in names if f"`{name}`" not in page] == []
