"""Each place that asks the gate is needed: without any one of them, a command moves a name, or stores something first."""

from __future__ import annotations

import ast
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import mvc
from mvc import errors
from mvc.porcelain import alias_publish, publish, publish_hub
from mvc.porcelain.push import _Push
from mvc.registry import imported_branches
from mvc.repository.model import Model
from mvc.repository.policy import gate
from mvc.repository.policy.gate import NAME, Gate
from mvc.repository.record.draft import Draft
from mvc.repository.replay import Target
from mvc.transport import fast_forward, rebase
from tests.cli.shell import MODEL, Shell
from tests.policy import world
from tests.policy.world import POLICY, TABLE

TOP = Path(mvc.__file__).parent
ASKED = {"check", "check_new", "sent", "entry", "steps"}
Site = tuple[str, str, str]
"""A module, a function, and what it calls of the gate."""
BY_ROW: dict[Site, str] = {
    ("repository/parts.py", "Parts._announce", "entry"): "alias set",
    ("repository/worktree/apply.py", "change", "steps"): "switch -c",
    ("porcelain/commit.py", "commit.<locals>.ready", "check_new"): "commit",
    ("porcelain/merge.py", "carry_out", "check_new"): "merge",
    ("porcelain/undo.py", "_reverse", "steps"): "undo of a stash branch",
    ("porcelain/push.py", "_Push._check_policy", "check"): "push",
    ("repository/record/files.py", "_Recording.run", "check_new"): "record",
    ("repository/imports/refs.py", "Refs._check_policy", "check"): "import, new model",
}
"""The row of the table that fails without the site."""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("policy")
    with pytest.MonkeyPatch.context() as patch:
        world.build(folder, patch)
        yield folder


def _sites() -> set[Site]:
    """Every call of the gate in mvc, outside of the gate itself and `mvc policy`."""
    found: set[Site] = set()
    for path in TOP.rglob("*.py"):
        place = path.relative_to(TOP).as_posix()
        text = path.read_text(encoding="utf-8")
        if "gate" in text and not place.startswith("repository/policy/") and place != "porcelain/policy.py":
            found |= set(_calls(ast.parse(text), place, ()))
    return found


def _calls(node: ast.AST, place: str, above: tuple[str, ...]) -> Iterator[Site]:
    for child in ast.iter_child_nodes(node):
        inside = above
        if isinstance(child, ast.FunctionDef):
            inside = (*above, *(("<locals>",) if above and above[-1][0].islower() else ()), child.name)
        elif isinstance(child, ast.ClassDef):
            inside = (*above, child.name)
        if isinstance(child, ast.Call) and isinstance(child.func, ast.Attribute) and child.func.attr in ASKED:
            of = ast.unparse(child.func.value)
            if of.endswith("gate"):
                yield place, _qualified(above), child.func.attr
        yield from _calls(child, place, inside)


def _qualified(above: tuple[str, ...]) -> str:
    return ".".join(above)


def _without(patch: pytest.MonkeyPatch, site: Site) -> None:
    """Let one place that asks the gate pass everything."""
    place, function, called = site

    def is_site() -> bool:
        frame = sys._getframe(2)
        return frame.f_code.co_filename == str(TOP / place) and frame.f_code.co_qualname == function

    def unasked(original: Callable[..., Any], answer: Callable[..., Any]) -> Callable[..., Any]:
        return lambda *given, **named: answer(*given) if is_site() else original(*given, **named)

    if called in ("entry", "steps"):
        patch.setattr(Gate, called, unasked(getattr(Gate, called), lambda *given: given[-1]))
    else:
        patch.setattr(gate, called, unasked(getattr(gate, called), lambda *_: ""))


@pytest.mark.parametrize("site", BY_ROW, ids=" ".join)
def test_without_a_site_its_row_fails(site: Site, made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    row = TABLE[BY_ROW[site]]
    shutil.copytree(made, tmp_path / "w")
    shell = world.standing(tmp_path / "w", monkeypatch, row)
    with monkeypatch.context() as patch:
        _without(patch, site)
        with pytest.raises(AssertionError):
            world.refused(tmp_path / "w", shell, row)


# --- sites that need more than a row of the table

OTHERS: dict[Site, Callable[[Shell, pytest.MonkeyPatch], None]] = {}
"""What must raise PolicyRefused, and does not without the site."""


def _of(place: str, function: str, called: str) -> Callable[[Any], Any]:
    def register(test: Any) -> Any:
        OTHERS[place, function, called] = test
        return test

    return register


class _Touched(Exception):  # noqa: N818 - no error: something was reached that a refusal comes before
    """Something outside was touched."""


class _Registry:
    """A registry, or a hub, that nothing may be asked of but its name."""

    organization = address = "acme"

    def __getattr__(self, name: str) -> Any:
        raise _Touched(name)


def _touch(*_: Any, **__: Any) -> None:
    raise _Touched


def _tip(shell: Shell, name: str = "main") -> Any:
    return Model(shell.repository, MODEL).target("heads", name)


@_of("transport/fast_forward.py", "advance", "check")
def _fetch_of_promised_files(shell: Shell, patch: pytest.MonkeyPatch) -> None:
    patch.setattr("mvc.transport.fast_forward._fetch", _touch)
    fast_forward.advance(Model(shell.repository, MODEL), "side", _tip(shell), fast_forward.everything, shell.actor)


@_of("transport/rebase.py", "_Rebase._check_policy", "check_new")
def _rebase(shell: Shell, patch: pytest.MonkeyPatch) -> None:
    patch.setattr("mvc.transport.rebase._Rebase._record", _touch)
    target = Target("side", _tip(shell), "main")
    rebase.rebase(Model(shell.repository, MODEL), target, shell.actor, verb="pull")


@_of("porcelain/publish.py", "publish", "sent")
def _publication(shell: Shell, _: pytest.MonkeyPatch) -> None:
    publish.publish(Model(shell.repository, MODEL), _Registry(), [_tip(shell)], shell.actor)


@_of("porcelain/publish_hub.py", "publish_to_hub", "sent")
def _publication_on_a_hub(shell: Shell, _: pytest.MonkeyPatch) -> None:
    publish_hub.publish_to_hub(Model(shell.repository, MODEL), _Registry(), [_tip(shell)])


@_of("porcelain/alias_publish.py", "_check_policy", "check")
def _alias_on_a_registry(shell: Shell, patch: pytest.MonkeyPatch) -> None:
    patch.setattr("mvc.porcelain.alias_publish._registry_version", _touch)
    alias_publish.assign(Model(shell.repository, MODEL), "edge", _tip(shell), _Registry(), shell.actor)


@_of("registry/imported_branches.py", "update_branches", "check")
def _import_from_a_registry(shell: Shell, patch: pytest.MonkeyPatch) -> None:
    model, side = Model(shell.repository, MODEL), _tip(shell, "side")
    rules = (shell.folder / NAME).read_text(encoding="utf-8")
    (shell.folder / NAME).unlink()
    shell.ok("branch", "-D", "side")
    (shell.folder / NAME).write_text(rules, encoding="utf-8")
    patch.setattr("mvc.registry.imported_branches._switch_unborn", _touch)
    patch.setattr("mvc.registry.imported_branches._append", _touch)
    imported_branches.update_branches(model, {side: 1}, shell.actor)


@_of("porcelain/push.py", "_Push._check_policy", "sent")
def _versions_below_the_tip_that_is_pushed(shell: Shell, _: pytest.MonkeyPatch) -> None:
    (shell.folder / NAME).unlink()
    shell.ok("switch", "side")
    shell.set(parameters__note="x" * 20)
    shell.commit("below", "-q")
    shell.set(model__license="MIT")
    shell.commit("licensed", "-q")
    (shell.folder / NAME).write_text('[[rule]]\non = ["push:*"]\nlicenses.allow = ["MIT"]\n', encoding="utf-8")
    _raise(shell, "push", "origin", "side")


@_of("porcelain/push.py", "_Push._move", "check")
def _a_policy_that_came_during_the_push(shell: Shell, patch: pytest.MonkeyPatch) -> None:
    rules = (shell.folder / NAME).read_text(encoding="utf-8")
    (shell.folder / NAME).unlink()
    send = _Push._send

    def sent(*given: Any) -> None:
        send(*given)
        (shell.folder / NAME).write_text(rules, encoding="utf-8")

    patch.setattr(_Push, "_send", sent)
    before = world.files(shell.folder.parent / "origin" / "refs")
    try:
        _raise(shell, "push", "origin", "side")
    finally:
        assert (world.files(shell.folder.parent / "origin" / "refs") == before) == _is_asked()


def _raise(shell: Shell, *command: str) -> None:
    """Run a command; raise PolicyRefused if that is what it ends with."""
    said = shell(*command)
    if said.code == 17:
        raise errors.PolicyRefused(what="it", findings=said.err, fix="")
    assert said.code == 0, said


_asked = [True]


def _is_asked() -> bool:
    """Whether all places are asked now."""
    return _asked[0]


def test_every_site_is_in_one_of_the_tables() -> None:
    assert _sites() == BY_ROW.keys() | OTHERS.keys()


@pytest.mark.parametrize("site", OTHERS, ids=" ".join)
def test_a_site_refuses_and_without_it_nothing_does(
    site: Site, made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for asked in (True, False):
        shutil.copytree(made, tmp_path / str(asked))
        shell = world.standing(tmp_path / str(asked), monkeypatch, TABLE["push"])
        (shell.folder / NAME).write_text(POLICY, encoding="utf-8")
        monkeypatch.setattr(sys.modules[__name__], "_asked", [asked])
        with monkeypatch.context() as patch:
            if not asked:
                _without(patch, site)
            try:
                OTHERS[site](shell, patch)
            except errors.PolicyRefused:
                assert asked
            except _Touched:
                assert not asked
            else:
                assert not asked


def test_a_policy_that_comes_while_files_are_stored_refuses_the_commit(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(made, tmp_path / "w")
    shell = world.standing(tmp_path / "w", monkeypatch, TABLE["commit"])
    before, publish_version = world.names(shell), Draft.publish

    def published(*given: Any) -> Any:
        (shell.folder / NAME).write_text(POLICY, encoding="utf-8")
        return publish_version(*given)

    monkeypatch.setattr(Draft, "publish", published)
    said = shell("commit", "-m", "x")
    assert said.code == 17, said
    assert all(f"  {key}: " in said.err for key in world.BRANCH), said
    assert world.names(shell) == before
    assert shell("fsck").code == 0
