"""The house rules that import-linter cannot see, over all of `mvc/`; its contracts are in pyproject.toml.

Contracts: imports go to lower layers only, each library has one home, nothing imports a pickle.
"""

from __future__ import annotations

import ast
import fnmatch
import functools
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import grimp
import pytest

from mvc.cli.app.main import VERBS

TOP = Path(__file__).resolve().parents[1] / "mvc"
SOURCES = sorted(TOP.rglob("*.py"))
MAX_FILES = 20
"""Files of one folder of modules; more are not found any more."""
FLAT = {"cli", "porcelain"}
"""Folders with one file per verb."""
CHANGING = ("os.rename", "os.replace", "os.unlink", "os.remove", "os.rmdir", "os.mkdir", "os.link", "os.write",
            "os.fsync", "os.truncate", ".write_bytes", ".write_text", ".unlink", ".rmdir", "shutil.")  # fmt: skip
DOORS = {
    f"storage/disk/{name}.py"
    for name in (
        "appended",
        "door",
        "treedoor",
        "exportdoor",
        "folders",
        "outside",
        "primitives",
        "process",
        "rename",
        "temporary",
    )
}
MAX_STATUS = 112
"""Modules of mvc that `mvc status` may import, where nothing changed: each costs a tenth of a millisecond or more."""
IMPURE = ("print", "input", "sys.stdin", "sys.stdout", "sys.stderr", "sys.argv", "os.environ", "os.environb",
          "os.getenv", "os.getlogin", "os.getcwd", "Path.cwd", "Path.home", "getpass", "time.time", "time.time_ns",
          "time.localtime", "time.strftime", "time.ctime", "datetime.now", "datetime.today", "datetime.utcnow",
          "date.today")  # fmt: skip
"""Output, environment and clock. `time.monotonic` is none: it measures how long something takes."""
SPEAKING = ("__main__.py", "cli/", "training/", "api/", "environment.py")
"""Above the library: what asks the process, and prints."""
PURE_BUT = {
    ("formats/hdf5_child.py", "sys.argv"): "is a program of its own, which talks with its parent through pipes",
    ("formats/hdf5_child.py", "sys.stdin"): "the same",
    ("formats/hdf5_child.py", "sys.stdout"): "the same",
    ("porcelain/open.py", "os.environ"): "is the door of programs that have no environment to hand in",
    ("porcelain/open.py", "Path.cwd"): "the same",
    ("registry/picsellia/certificates.py", "os.environ"): "finds certificates by the variables of every HTTP client",
    ("registry/picsellia/sdk.py", "os.environ"): "keeps the SDK from writing a log file while it is imported",
    ("repository/git/command.py", "os.environ"): "keeps variables of Git from the Git that it runs",
    ("repository/policy/hooks.py", "os.environ"): "names the hook to the program that it runs, and finds it on PATH",
    ("repository/signatures/trust.py", "os.environ"): "finds the user's home, whose keys a rule of a policy asks for",
    ("storage/disk/primitives.py", "time.time_ns"): "tells young files from old ones by the clock that set their times",
    ("storage/disk/treedoor.py", "os.getcwd"): "does not delete the folder that the process runs in",
}
"""The exceptions, each with what the module does."""


@functools.cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@functools.cache
def _nodes(path: Path) -> list[ast.AST]:
    return list(ast.walk(_tree(path)))


def _dotted(node: ast.AST) -> str:
    """`os.path.join` of such an expression; "" in front where it begins with another one, as in `x().join`."""
    if isinstance(node, ast.Attribute):
        return f"{_dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def _place(path: Path) -> str:
    return path.relative_to(TOP).as_posix()


@functools.cache
def _contracts() -> dict[str, dict[str, Any]]:
    """The contracts of import-linter, by their ids."""
    settings = tomllib.loads((TOP.parent / "pyproject.toml").read_text(encoding="utf-8"))
    return {each["id"]: each for each in settings["tool"]["importlinter"]["contracts"]}


def _module(path: Path) -> str:
    return ".".join(path.relative_to(TOP.parent).with_suffix("").parts).removesuffix(".__init__")


def _loaded_late() -> Iterator[tuple[str, str]]:
    """Each module, and one that it names in a call of `lazy`: no import statement says so."""
    for path in SOURCES:
        for node in _nodes(path):
            called = _dotted(node.func) if isinstance(node, ast.Call) else ""
            if called.startswith("lazy.") and called != "lazy.installed":
                texts = [each.value for each in ast.walk(node) if isinstance(each, ast.Constant)]
                yield from ((_module(path), text.partition(":")[0]) for text in texts if isinstance(text, str))


def test_what_is_loaded_late_keeps_the_contracts() -> None:
    layers: list[str] = _contracts()["layers"]["layers"]
    rank = {name.strip(" ()"): level for level, row in enumerate(layers) for name in row.split("|")}
    homes = [line.split(" -> ") for line in _contracts()["homes"]["ignore_imports"]]
    wrong = []
    for module, late in _loaded_late():
        library = late.partition(".")[0]
        here, there = (f"{name}.".split(".")[1] for name in (module, late))
        own = [home for home, homed in homes if homed == library]
        at_home = any(fnmatch.fnmatch(module, home) for home in own)
        if late in _contracts()["pickles"]["forbidden_modules"] or (own and not at_home):
            wrong.append(f"{module} loads {late}")
        if library == "mvc" and here in rank and rank.get(there, len(layers)) < rank[here]:
            wrong.append(f"{module} loads {late}, of a higher layer")
    assert not wrong


def test_no_import_hides_in_a_function() -> None:
    for path in SOURCES:
        for function in _nodes(path):
            if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
                hidden = [node.lineno for node in ast.walk(function) if isinstance(node, ast.Import | ast.ImportFrom)]
                assert not hidden, f"{_place(path)}: lines {hidden}; late imports go through mvc/lazy.py"
        if path.name != "lazy.py":
            assert "importlib" not in path.read_text(encoding="utf-8"), _place(path)


def test_modules_do_not_import_each_other_in_a_circle() -> None:
    """Imports for types count: a cycle of types is one of ideas."""
    graph = grimp.build_graph("mvc", cache_dir=None)
    edges = {name: graph.find_modules_directly_imported_by(name) for name in graph.modules}
    TopologicalSorter(edges).prepare()  # its CycleError names the modules


def test_a_folder_holds_as_many_modules_as_can_be_found() -> None:
    folders = {path.parent for path in SOURCES} - {TOP / name for name in FLAT}
    counts = {_place(folder): len(list(folder.glob("*.py"))) for folder in folders}
    assert not {folder: count for folder, count in counts.items() if count > MAX_FILES}


def test_porcelain_holds_verbs_only() -> None:
    """Each module says first which verb it is, or which part of one."""
    first = {path.name: ast.get_docstring(_tree(path)) or "" for path in (TOP / "porcelain").glob("[!_]*.py")}
    spoken = ("`mvc.open`", *(f"`mvc {verb}{end}" for verb in VERBS for end in "` "))
    assert not [name for name, docstring in first.items() if not docstring.startswith(spoken)]


def test_only_the_doors_change_the_disk() -> None:
    for path in SOURCES:
        if _place(path) in DOORS or _place(path).startswith("cli/"):
            continue
        for node in _nodes(path):
            if isinstance(node, ast.Call):
                called = _dotted(node.func)
                wrong = [
                    each
                    for each in CHANGING
                    if called == each
                    or (each[0] == "." and called.endswith(each))
                    or (each[-1] == "." and called.startswith(each))
                ]
                assert not wrong, f"{_place(path)}:{node.lineno} calls {called}; the disk is changed through the doors"


def _impure(path: Path) -> Iterator[str]:
    """The names of IMPURE that a module uses or imports (`from time import time`)."""
    for node in _nodes(path):
        if isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        else:
            yield _dotted(node)
            yield _dotted(node).removeprefix("datetime.")


@functools.cache
def _exceptions() -> set[tuple[str, str]]:
    library = [path for path in SOURCES if not _place(path).startswith(SPEAKING)]
    return {(_place(path), name) for path in library for name in _impure(path) if name in IMPURE}


def test_the_library_is_silent_and_asks_neither_environment_nor_clock() -> None:
    assert _exceptions() <= set(PURE_BUT)


@pytest.mark.parametrize("exception", sorted(PURE_BUT))
def test_each_exception_is_still_needed(exception: tuple[str, str]) -> None:
    assert exception in _exceptions()


def test_only_history_walks_over_parents() -> None:
    """A loop that goes from versions to their parents is `mvc.repository.history`'s; every other module calls it."""
    walks = [
        f"{path.relative_to(TOP).as_posix()}:{loop.lineno}"
        for path in SOURCES
        for loop in _nodes(path)
        if isinstance(loop, ast.While)
        if any(isinstance(node, ast.Attribute) and node.attr == "parents" for node in ast.walk(loop))
    ]
    of_git = "repository/git/"  # its commits are no versions
    assert [walk for walk in walks if not walk.startswith(("repository/history.py:", of_git))] == []


def test_status_imports_few_modules(tmp_path: Path) -> None:
    """Of mvc, at most MAX_STATUS; of the libraries, those for arguments and for hashes. Others load for what needs them."""
    code = "import sys; from mvc.cli.app.main import run; print(run(sys.argv[1:]), *sys.modules)"

    def run(*arguments: str) -> list[str]:
        command = [sys.executable, "-c", code, *arguments]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
        return done.stdout.splitlines()[-1].split()

    run("init", "--model", "helmet")
    (tmp_path / "notes.txt").write_text("a file")
    run("add", "notes.txt", "--as", "notes")
    run("commit", "-m", "First")
    exit_code, *modules = run("status")
    roots = {name.partition(".")[0] for name in modules}
    homed = {line.split(" -> ")[1] for line in _contracts()["homes"]["ignore_imports"]}
    assert exit_code == "0"
    assert roots & homed <= {"blake3", "click"}
    assert len([name for name in modules if name.partition(".")[0] == "mvc"]) <= MAX_STATUS
