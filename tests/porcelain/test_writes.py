"""Every function of a verb that writes rolls an interrupted change forward before it decides what is to be done."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import mvc

SOURCES = Path(mvc.__file__).parent
OTHERWISE = {
    "commit.commit": "begins with a Draft, which rolls forward, except for a dry run",
    "init.init": "settles the repository once there is one",
    "clone.clone": "begins in a folder without a repository",
    "download.download_locked": "writes into a folder without a repository, whose state it makes anew",
    "open.open_repository": "clones into a folder of its own, for a URL",
    "import_sources.import_source": "opens a source, and calls `import_history`, which is declared",
    "ui_remote.opened": "copies the metadata of a remote into a folder of its own",
    "publish_hub.publish_to_hub": "writes its operation only, where rules of a policy are passed",
    "fsck_repair.repair": "begins with Repository.writing, and must also run where data is missing",
}
"""Functions that are not declared with `writes`, each with the reason."""


@cache
def _names(path: Path) -> tuple[ast.Module, dict[str, str]]:
    """A module, and what it imports from mvc.porcelain: modules and functions (`pull`, `pull.pull`) by their names there."""
    tree = ast.parse(path.read_text())
    names: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("mvc.porcelain"):
            above = (node.module or "").removeprefix("mvc.porcelain").removeprefix(".")
            names |= {each.asname or each.name: f"{above}.{each.name}".removeprefix(".") for each in node.names}
    return tree, names


@cache
def _functions() -> dict[str, tuple[ast.FunctionDef, dict[str, str]]]:
    """The functions of mvc.porcelain by module and name, each with what it can name of mvc.porcelain."""
    found: dict[str, tuple[ast.FunctionDef, dict[str, str]]] = {}
    for path in (SOURCES / "porcelain").glob("*.py"):
        tree, names = _names(path)
        own = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
        known = {**names, **{node.name: f"{path.stem}.{node.name}" for node in own}}
        found |= {f"{path.stem}.{node.name}": (node, known) for node in own}
    return found


def _called(function: ast.FunctionDef, names: dict[str, str]) -> set[str]:
    """The functions of mvc.porcelain that a function calls."""
    found = set()
    for node in ast.walk(function):
        if isinstance(node, ast.Name):
            found.add(names.get(node.id, ""))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            found.add(f"{names.get(node.value.id, '')}.{node.attr}")
    return found & _functions().keys()


@cache
def _locks(name: str) -> bool:
    """Whether a function takes the lock, by itself or by what it calls."""
    function, names = _functions()[name]
    methods = {node.attr for node in ast.walk(function) if isinstance(node, ast.Attribute)}
    drafts = any(isinstance(node, ast.Name) and node.id == "Draft" for node in ast.walk(function))
    return drafts or bool(methods & {"writing", "locked"}) or any(map(_locks, _called(function, names) - {name}))


def _is_declared(name: str) -> bool:
    declared = [each.func if isinstance(each, ast.Call) else each for each in _functions()[name][0].decorator_list]
    return any(isinstance(each, ast.Name) and each.id in ("writes", "writes_as") for each in declared)


def _commands() -> list[tuple[str, ast.FunctionDef, set[str]]]:
    """The functions of the command line, each with its module and what it calls of mvc.porcelain."""
    found = []
    for path in (SOURCES / "cli").glob("*.py"):
        tree, names = _names(path)
        functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
        found += [(path.name, node, _called(node, names)) for node in functions]
    return found


def _called_from_python() -> list[set[str]]:
    """What each function and method of mvc.api calls of mvc.porcelain."""
    found = []
    for path in (SOURCES / "api").glob("*.py"):
        tree, names = _names(path)
        found += [_called(node, names) for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    return found


def test_what_takes_the_lock_is_declared_to_write() -> None:
    public = set[str]().union(*_called_from_python())
    entries = public.union(*(called for _, _, called in _commands())) & _functions().keys()
    undeclared = {name for name in entries if _locks(name) and not _is_declared(name)}
    assert undeclared == OTHERWISE.keys() & entries


def test_the_command_line_settles_before_it_looks_anything_up() -> None:
    """`Invocation.writer` is used by every function of the command line that calls one that writes."""
    for module, function, called in _commands():
        source = ast.unparse(function)
        writing = [name for name in called if _is_declared(name)]
        opened = "invocation.repository()" in source and "if dry_run" not in source
        assert not (writing and opened), f"{module}: {function.name} calls {writing}"
