"""The house rules: imports go up the list of layers only, each library has one home, and nothing loads a pickle."""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator
from pathlib import Path

TOP = Path(__file__).resolve().parents[1] / "mvc"
LAYERS = (
    "errors",
    "lazy",
    "model",
    "readiness",
    "formats",
    "storage",
    "images",
    "repository",
    "remotes",
    "transport",
    "registry",
    "porcelain",
    "filesystem",
    "environment",
    "api",
    "cli",
)
APART = {("repository", "remotes"), ("remotes", "repository")}
HOMES: dict[str, str | tuple[str, ...]] = {
    "blake3": "model/ids.py",
    "tomlkit": "model/toml/edit.py",
    "tomli_w": "storage/records/config.py",
    "pyfastcdc": "storage/chunks/chunking.py",
    "backports": "storage/chunks/zstd.py",
    "compression": "storage/chunks/zstd.py",
    "sqlite3": "storage/packs/index.py",
    "pathspec": "repository/worktree/globs.py",
    "git": "repository/provenance.py",
    "fsspec": ("remotes/backends/", "filesystem.py"),
    "paramiko": "remotes/backends/",
    "picsellia": "registry/picsellia/",
    "requests": ("images/", "registry/picsellia/"),
    "urllib3": "images/",
    "click": "cli/",
    "numpy": ("storage/chunks/planes.py", "formats/statistics.py"),
    "h5py": "formats/hdf5_child.py",
}
FORBIDDEN = {"pickle", "dill", "joblib", "shelve", "torch", "marshal", "yaml"}
SOURCES = sorted(TOP.rglob("*.py"))


def _imports(path: Path) -> Iterator[tuple[ast.stmt, str]]:
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.Import):
            yield from ((node, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            deeper = {alias.name for alias in node.names} if node.module == "mvc" else ()
            yield from ((node, f"mvc.{name}") for name in deeper)
            if node.module != "mvc":
                yield node, node.module


def _loaded(path: Path) -> Iterator[str]:
    """The modules named in `lazy.load(...)`."""
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "lazy.load":
            yield from (
                each.value for each in ast.walk(node) if isinstance(each, ast.Constant) and isinstance(each.value, str)
            )


@functools.cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def _layer(path: Path) -> str:
    return path.relative_to(TOP).parts[0].removesuffix(".py")


def test_imports_go_up_only_and_libraries_stay_at_home() -> None:
    for path in SOURCES:
        _imports_go_up_only_and_libraries_stay_at_home(path)


def _imports_go_up_only_and_libraries_stay_at_home(path: Path) -> None:
    here, place = _layer(path), path.relative_to(TOP).as_posix()
    for _, name in [*_imports(path), *((None, name) for name in _loaded(path))]:
        top, _, rest = name.partition(".")
        assert top not in FORBIDDEN, f"{place} imports {name}"
        if top in HOMES:
            assert place.startswith(HOMES[top]), f"{place} imports {name}, which lives in {HOMES[top]}"
        there = rest.partition(".")[0]
        if top == "mvc" and there in LAYERS and here in LAYERS:
            assert LAYERS.index(there) <= LAYERS.index(here), f"{place} imports {name}, which is below it"
            assert (here, there) not in APART


def test_no_import_hides_in_a_function() -> None:
    for path in SOURCES:
        _no_import_hides_in_a_function(path)


def _no_import_hides_in_a_function(path: Path) -> None:
    tree = _tree(path)
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            hidden = [node.lineno for node in ast.walk(function) if isinstance(node, ast.Import | ast.ImportFrom)]
            assert not hidden, f"{path.name}: lines {hidden}; late imports go through mvc/lazy.py"
    if path.name != "lazy.py":
        assert "importlib" not in path.read_text(encoding="utf-8")


def test_modules_do_not_import_each_other_in_a_circle() -> None:
    names = {".".join(path.relative_to(TOP.parent).with_suffix("").parts): path for path in SOURCES}
    edges = {
        name: {each for node, each in _imports(path) if each in names and not _typing_only(path, node)}
        for name, path in names.items()
    }
    done: set[str] = set()

    def visit(name: str, above: tuple[str, ...]) -> None:
        assert name not in above, " -> ".join([*above, name])
        if name not in done:
            for each in sorted(edges[name]):
                visit(each, (*above, name))
            done.add(name)

    for name in sorted(names):
        visit(name, ())


def _typing_only(path: Path, node: ast.stmt) -> bool:
    tree = _tree(path)
    guarded = [each for each in tree.body if isinstance(each, ast.If) and ast.unparse(each.test) == "TYPE_CHECKING"]
    return any(each.lineno <= node.lineno <= (each.end_lineno or 0) for each in guarded)


def test_only_the_doors_change_the_disk() -> None:
    for path in SOURCES:
        _only_the_doors_change_the_disk(path)


def _only_the_doors_change_the_disk(path: Path) -> None:
    changing = ("os.rename", "os.replace", "os.unlink", "os.remove", "os.rmdir", "os.mkdir", "os.link", "os.write",
                "os.fsync", "os.truncate", ".write_bytes", ".write_text", ".unlink", ".rmdir", "shutil.")  # fmt: skip
    doors = (
        "storage/disk/door.py",
        "storage/disk/treedoor.py",
        "storage/disk/exportdoor.py",
        "storage/disk/rename.py",
        "storage/disk/process.py",
    )
    place = path.relative_to(TOP).as_posix()
    if place in doors or place.startswith("cli/"):
        return
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            wrong = [
                each
                for each in changing
                if called == each
                or (each[0] == "." and called.endswith(each))
                or (each[-1] == "." and called.startswith(each))
            ]
            assert not wrong, f"{place}:{node.lineno} calls {called}; the disk is changed through the doors"


def test_only_history_walks_over_parents() -> None:
    """Every other module asks `mvc.repository.history`: a loop of its own that goes from versions to their parents is one too many."""
    walking = [place for path in SOURCES for place in _walks(path)]
    assert walking == [], f"{walking} go from versions to parents in a loop; `history.reach` does"


def _walks(path: Path) -> Iterator[str]:
    if path == TOP / "repository/history.py":
        return
    for loop in ast.walk(_tree(path)):
        if isinstance(loop, ast.While) and any(
            isinstance(node, ast.Attribute) and node.attr == "parents" for node in ast.walk(loop)
        ):
            yield f"{path.relative_to(TOP).as_posix()}:{loop.lineno}"
