"""Every command that moves a name, against every rule: refused with 17, and nothing changed; without the policy, it moves."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from mvc.repository.policy.gate import NAME
from tests.cli.shell import Shell
from tests.policy import world
from tests.policy.world import TABLE


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("policy")
    with pytest.MonkeyPatch.context() as patch:
        world.build(folder, patch)
        yield folder


def test_every_command_that_moves_a_name_is_refused_by_every_rule_that_it_breaks(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed = []
    for number, (name, row) in enumerate(TABLE.items()):
        folder = tmp_path / str(number)
        shutil.copytree(made, folder)
        shell = world.standing(folder, monkeypatch, row)
        try:
            world.refused(folder, shell, row)
            (shell.folder / NAME).unlink()
            before = world.names(shell), world.files(folder / "origin" / "refs"), shell.repository.heads.models()
            said = world.run(shell, row)
            assert said.code == 0, said
            after = world.names(shell), world.files(folder / "origin" / "refs"), shell.repository.heads.models()
            assert after != before
        except AssertionError as error:
            failed.append(f"{name}: {error}")
        shutil.rmtree(folder)
    assert not failed, "\n\n".join(failed)


def test_gc_removes_the_files_that_a_refused_import_stored(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("import, new model", "import --folders"):
        row, folder = TABLE[name], tmp_path / name[-4:]
        shutil.copytree(made, folder)
        shell = world.standing(folder, monkeypatch, row)
        shell.ok("gc", "--grace", "0")
        before = _stored(shell)
        assert world.refused(folder, shell, row).code == 17
        assert _stored(shell) > before
        shell.ok("gc", "--grace", "0")
        assert _stored(shell) == before
        (shell.folder / NAME).unlink()
        shell.ok("fsck")
        assert world.run(shell, row).code == 0


def _stored(shell: Shell) -> set[str]:
    """The files of the store that have data of versions."""
    kinds = ("meta", "objects", "packs", "recipes")
    return {name for kind in kinds for name in world.files(shell.folder / ".mvc" / kind)}
