"""Every command that takes a name, against every rule on `take:`: refused with 17, nothing moved; without the rules, it works.

Each place that asks the reader's gate is needed: without any one of them, a command of the table is not refused.
"""

from __future__ import annotations

import ast
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import fsspec
import pytest

import mvc
from mvc import errors
from mvc.porcelain import ui_remote
from mvc.repository import revisions
from mvc.repository.policy import take
from mvc.repository.policy.gate import NAME
from mvc.repository.policy.take import Reader
from tests.cli.shell import MODEL, Said
from tests.policy.readers import WEIGHTS, World, people, picture

__all__ = ["people"]
TOP = Path(mvc.__file__).parent
CONTENT = ("formats", "max-file", "max-version", "licenses.allow", "licenses.deny")
BREAKS = (*CONTENT, "signed-by")
ALL = (*BREAKS, "roll-back")
NAMES = '"take:alias:*", "take:branch:*", "take:tag:*"'
RULES = (
    f'on = [{NAMES}]\nformats = ["onnx"]\nmax-file = 10\nmax-version = "1kB"\nlicenses.allow = ["Apache-2.0"]',
    f'on = [{NAMES}]\nlicenses.deny = ["MIT"]\nsigned-by = ["nobody@example.org"]',
    f"on = [{NAMES}]\nroll-back = false",
)
Prepare = Callable[[World], object]
Run = Callable[[World], Said]


class Row(NamedTuple):
    """A command that takes a name: what runs it, the keys of the rules that it breaks, and what somebody did before.

    `fetches`: it may receive metadata before its refusal. `makes`: what it would make, which must not be there.
    """

    run: Run
    breaks: tuple[str, ...] = BREAKS
    prepare: Prepare | None = None
    fetches: bool = False
    makes: str = ""


def _ben(*words: str) -> Run:
    return lambda world: world.ben(*words)


def _out(*words: str) -> Run:
    return lambda world: world.shell()(*words)


def _called(function: Callable[[World], object]) -> Run:
    """Run a function as a command: its exit code is that of its error."""

    def run(world: World) -> Said:
        try:
            function(world)
        except errors.MvcError as error:
            return Said(error.exit_code, "", f"mvc: {error.message}\n  {error.hint}")
        return Said(0, "", "")

    return run


def _back(world: World) -> None:
    """Mallory moves prod forward and back."""
    world.move_by_hand("v2")
    world.move_by_hand("v1")


def _deleted(world: World) -> None:
    world.mallory.ok("push", "origin", "--delete", "prod")


def _pushed(world: World) -> None:
    world.push_unsigned()


def _rewritten(world: World) -> None:
    """Mallory puts main back, by force."""
    shell = world.mallory
    shell.ok("reset", "--hard", "v1")
    shell.ok("push", "--no-signed", "--force-with-lease", "origin", "main")


def _diverged(world: World) -> None:
    world.push_unsigned()
    world.ben.set(parameters__lr=0.5)
    world.ben.commit("by Ben", "--no-sign")


def _behind(world: World) -> None:
    world.ben.ok("reset", "--hard", "v1")


def _aside(world: World) -> None:
    world.ben.ok("switch", "-c", "aside", "v1")


def _model(world: World) -> Any:
    return mvc.open(world.ben.folder).model(MODEL)


def _opened(world: World) -> Any:
    return mvc.open(f"file://{world.url}").model(MODEL)


def _read_remotely(world: World, path: str) -> bytes:
    with fsspec.open(f"mvc://{path}", repo=f"file://{world.url}") as file:
        return bytes(file.read())


def _shown(world: World) -> None:
    user = world.folder / "user" / "config.toml"
    with ui_remote.opened(world.url, base=world.folder, actor=world.ben.actor, user_config=user):
        pass


def _into(world: World) -> None:
    shutil.rmtree(world.folder / "ben")
    (world.folder / "ben").mkdir()
    world.ben.ok("init", "--model", MODEL)


TABLE: dict[str, Row] = {
    "fetch": Row(_ben("fetch"), ALL, _back, fetches=True),
    "fetch of a branch": Row(_ben("fetch"), prepare=_pushed, fetches=True),
    "fetch of a rewritten branch": Row(_ben("fetch"), ALL, _rewritten, fetches=True),
    "fetch --prune": Row(_ben("fetch", "--prune"), ("roll-back",), _deleted, fetches=True),
    "fetch --all": Row(_ben("fetch", "--all"), ALL, _back, fetches=True),
    "fetch of the API": Row(_called(lambda world: _model(world).fetch()), ALL, _back, fetches=True),
    "pull": Row(_ben("pull"), prepare=_pushed, fetches=True),
    "pull --rebase": Row(_ben("pull", "--rebase"), prepare=_diverged, fetches=True),
    "pull of what was taken before": Row(_ben("pull"), prepare=_behind, fetches=True),
    "push --rebase": Row(_ben("push", "--rebase", "--no-signed"), prepare=_diverged, fetches=True),
    "clone": Row(_out("clone", "origin", "new"), makes="new"),
    "clone --branch ALIAS": Row(_out("clone", "-b", "prod", "origin", "new"), makes="new"),
    "clone --branch NUMBER": Row(_out("clone", "-b", "v1", "origin", "new"), makes="new"),
    "clone of the API": Row(_called(lambda world: mvc.clone(world.url, world.folder / "new")), makes="new"),
    "download": Row(_out("download", "origin", "new"), makes="new"),
    "download of an alias": Row(_out("download", f"origin#{MODEL}@prod", "new"), ALL, _back, makes="new"),
    "download of a number": Row(_out("download", f"origin#{MODEL}@v1", "new"), makes="new"),
    "open": Row(_called(lambda world: _opened(world)["prod"].files)),
    "open, by the kind": Row(_called(lambda world: _opened(world).aliases["prod"].files)),
    "open, HEAD": Row(_called(lambda world: _opened(world)["HEAD"].files)),
    "mvc:// of a remote": Row(_called(lambda world: _read_remotely(world, f"{MODEL}@prod/model-latest"))),
    "mvc:// of a remote, HEAD": Row(_called(lambda world: _read_remotely(world, f"{MODEL}/model-latest"))),
    "ui --remote": Row(_called(_shown)),
    "import of a remote": Row(_ben("import", "--mvc", "../origin"), prepare=_into),
    "import of a repository": Row(_ben("import", "../ana"), prepare=_into),
    "switch ALIAS": Row(_ben("switch", "--detach", "prod")),
    "switch TAG": Row(_ben("switch", "--detach", "1.0")),
    "switch BRANCH": Row(_ben("switch", "main"), prepare=_aside),
    "switch to a branch of a remote": Row(_ben("switch", "--detach", "origin/main")),
    "switch -c": Row(_ben("switch", "-c", "new", "prod")),
    "checkout": Row(_ben("checkout", "prod")),
    "checkout FILE": Row(_ben("checkout", "prod", "--", WEIGHTS)),
    "restore --source": Row(_ben("restore", "-s", "prod", WEIGHTS)),
    "export": Row(_ben("export", "prod", "../new"), makes="new"),
    "export of an upstream": Row(_ben("export", "main@{u}", "../new"), makes="new"),
    "export of the last position": Row(_ben("export", "prod@{0}", "../new"), makes="new"),
    "export of a position by date": Row(_ben("export", "prod@{2999-01-01}", "../new"), makes="new"),
    "export of an ancestor": Row(_ben("export", f"{MODEL}@main~1", "../new"), makes="new"),
    "archive": Row(_ben("archive", "prod", "-o", "../new"), makes="new"),
    "cat": Row(_ben("cat", "prod:readme")),
    "show": Row(_ben("show", "prod:readme")),
    "reset": Row(_ben("reset", "--hard", "origin/main"), prepare=_aside),
    "merge": Row(_ben("merge", "origin/main"), prepare=_aside),
    "cherry-pick": Row(_ben("cherry-pick", "origin/main"), prepare=_aside),
    "cherry-pick of two sides": Row(_ben("cherry-pick", "origin/main...HEAD"), prepare=partial(_aside)),
    "mvc://": Row(_called(lambda world: fsspec.open(f"mvc://{MODEL}@prod/readme", repo=world.ben.folder).open())),
    "mvc://, cat": Row(
        _called(lambda world: fsspec.filesystem("mvc", repo=world.ben.folder).cat_file(f"{MODEL}@prod/readme"))
    ),
    "files of the API": Row(_called(lambda world: _model(world)["prod"].files)),
    "export of the API": Row(
        _called(lambda world: _model(world).aliases["prod"].export(world.folder / "new")), makes="new"
    ),
    "archive of the API": Row(_called(lambda world: _model(world)["main"].archive(world.folder / "new")), makes="new"),
    "restore of the API": Row(_called(lambda world: _model(world).restore(revision="prod"))),
}
"""Each command that takes a name of another store, or uses the files of a name."""


def standing(made: Any, folder: Path, patch: pytest.MonkeyPatch, row: Row) -> World:
    world = World(made, folder, patch)
    if row.prepare is not None:
        row.prepare(world)
    return world


def check(world: World, row: Row) -> None:
    """Run the command of a row under the rules: it is refused for exactly these keys, and nothing moved."""
    world.rules(*RULES)
    before = picture(world.ben.folder, received=row.fetches), picture(world.folder / "origin")
    said = row.run(world)
    assert said.code == 17, said
    assert {key for key in ALL if f"  {key}: " in said.err} == set(row.breaks), said
    assert (picture(world.ben.folder, received=row.fetches), picture(world.folder / "origin")) == before
    assert not row.makes or not (world.folder / row.makes).exists()


def test_every_command_that_takes_a_name_is_refused_by_every_rule_that_it_breaks(
    people: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed = []
    for number, (prepare, rows) in enumerate(_groups()):
        world = standing(people, tmp_path / str(number), monkeypatch, TABLE[rows[0]])
        for attempt in (
            check,
            _works,
        ):  # those that prepare the same share a folder: what is refused leaves it as it is
            for name in rows:
                try:
                    attempt(world, TABLE[name])
                except AssertionError as error:
                    failed.append(f"{name}: {error}")
        assert prepare is TABLE[rows[-1]].prepare
        shutil.rmtree(world.folder)
    assert not failed, "\n\n".join(failed)


def _works(world: World, row: Row) -> None:
    """Run the command of a row without rules."""
    (world.folder / "user" / NAME).unlink(missing_ok=True)
    said = row.run(world)
    assert said.code == 0, said
    if row.makes:
        made = world.folder / row.makes
        shutil.rmtree(made) if made.is_dir() else made.unlink()


def _groups() -> list[tuple[Prepare | None, list[str]]]:
    """The rows by what prepares them; of those that fetch, each alone, since a fetch without rules takes all."""
    found: dict[Any, list[str]] = {}
    for name, row in TABLE.items():
        found.setdefault((row.prepare, name if row.fetches or row.prepare is not None else ""), []).append(name)
    return [(key[0], names) for key, names in found.items()]


# --- places that ask

Site = tuple[str, str, str]
"""A module, a function, and what it calls of the reader's gate."""
JUDGEMENTS = {"refused", "judge"}
ASKED = {"resolve", "check", "check_ref", *JUDGEMENTS}
BY_ROW: dict[Site, str] = {
    ("porcelain/fetch.py", "note", "judge"): "fetch",
    ("porcelain/pull.py", "pull", "check_ref"): "pull of what was taken before",
    ("porcelain/clone.py", "fill", "refused"): "clone",
    ("porcelain/download.py", "_check_taken", "refused"): "download",
    ("porcelain/ui_remote.py", "_copy", "refused"): "ui --remote",
    ("porcelain/import_repository.py", "_checked", "refused"): "import of a repository",
    ("porcelain/switch.py", "switch", "check"): "switch ALIAS",
    ("porcelain/cat.py", "cat", "resolve"): "cat",
    ("porcelain/cherry_pick.py", "versions", "check"): "cherry-pick",
    ("cli/export.py", "command", "resolve"): "export",
    ("cli/archive.py", "command", "resolve"): "archive",
    ("cli/restore.py", "run", "resolve"): "restore --source",
    ("cli/reset.py", "_target", "resolve"): "reset",
    ("cli/merge.py", "command", "resolve"): "merge",
    ("api/session.py", "Session.take", "resolve"): "restore of the API",
    ("api/version.py", "Version._check_name", "check"): "files of the API",
    ("filesystem.py", "MvcFileSystem._check", "check"): "mvc://",
}
"""The row of the table that fails without the site."""


def _sites() -> set[Site]:
    """Every call of the reader's gate in mvc, outside of the gate itself and `mvc policy`."""
    found: set[Site] = set()
    for path in TOP.rglob("*.py"):
        place = path.relative_to(TOP).as_posix()
        text = path.read_text(encoding="utf-8")
        is_outside = not place.startswith("repository/policy/") and place != "porcelain/policy.py"
        if is_outside and re.search(r"policy import .*take|policy\.take|self\._session\.take", text):
            found |= set(_calls(ast.parse(text), place, ()))
    return found


def _calls(node: ast.AST, place: str, above: tuple[str, ...]) -> Iterator[Site]:
    for child in ast.iter_child_nodes(node):
        inside = (*above, child.name) if isinstance(child, ast.FunctionDef | ast.ClassDef) else above
        if isinstance(child, ast.Call) and isinstance(child.func, ast.Attribute) and child.func.attr in ASKED:
            of = ast.unparse(child.func.value)
            judges = (of == "reader" or of.partition("(")[0].endswith("Reader")) and child.func.attr in JUDGEMENTS
            if judges or of == "take":
                yield place, ".".join(above), child.func.attr
        yield from _calls(child, place, inside)


def _without(patch: pytest.MonkeyPatch, site: Site) -> None:
    """Let one place that asks the reader's gate take everything."""
    place, function, called = site

    def is_site() -> bool:
        frame = sys._getframe(2)
        name = frame.f_code.co_qualname.partition(".<locals>")[0]
        return frame.f_code.co_filename == str(TOP / place) and name == function

    def unasked(original: Callable[..., Any], answer: Callable[..., Any]) -> Callable[..., Any]:
        return lambda *given: answer(*given) if is_site() else original(*given)

    answers: dict[str, Callable[..., Any]] = {
        "judge": lambda *_: take.TAKEN,
        "refused": lambda *_: [],
        "resolve": revisions.resolve,
        "check": lambda *_: None,
        "check_ref": lambda *_: None,
    }
    of: Any = Reader if called in JUDGEMENTS else take
    patch.setattr(of, called, unasked(getattr(of, called), answers[called]))


def test_every_site_is_in_the_table() -> None:
    assert _sites() == BY_ROW.keys()


@pytest.mark.parametrize("site", BY_ROW, ids=" ".join)
def test_without_a_site_its_row_fails(site: Site, people: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    row = TABLE[BY_ROW[site]]
    world = standing(people, tmp_path / "w", monkeypatch, row)
    with monkeypatch.context() as patch:
        _without(patch, site)
        with pytest.raises(AssertionError):
            check(world, row)
