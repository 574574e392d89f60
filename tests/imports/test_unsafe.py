"""Imports are gated as commits are: a hostile file of any source is refused before it is stored, and no ref moves."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from mvc import errors
from mvc.porcelain.import_history import import_history
from mvc.repository.imports.scanned import ImportScan
from mvc.repository.imports.source import Sink, SourceHistory
from mvc.repository.model import Model
from mvc.repository.repository import Actor, Repository
from tests.cli.shell import Shell, begin
from tests.imports import git_repositories
from tests.imports.conftest import Made
from tests.imports.dvc_repositories import DvcRepository
from tests.imports.sources import file, history, step

HOSTILE = b"cos\nsystem\n(S'" + b"#" * 5_000 + b"'\ntR."
FINE = bytes(range(256)) * 20


def _folders(place: Path) -> list[str]:
    (place / "exp1").mkdir(parents=True)
    (place / "exp1" / "best.pt").write_bytes(HOSTILE)
    return ["--folders", str(place / "exp1")]


def _git(place: Path) -> list[str]:
    made = git_repositories.Repository(place)
    made.commit({"best.pt": FINE})
    made.commit({"best.pt": HOSTILE}, [1])
    made.commit({"best.pt": FINE[::-1]}, [2])
    return [str(made.write().folder)]


def _lfs(place: Path) -> list[str]:
    made = git_repositories.Repository(place)
    made.commit({"best.pt": git_repositories.pointer(HOSTILE)})
    made.write().add_lfs_object(HOSTILE)
    return [str(place)]


def _dvc(place: Path) -> list[str]:
    made = DvcRepository(place)
    made.git.commit(made.tracked("best.pt", HOSTILE))
    return [str(made.write().folder)]


def _mvc(place: Path) -> list[str]:
    place.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        other = begin(place, patch)
        other.write("best.pt", HOSTILE)
        other.ok("add", "best.pt", "--as", "model-latest")
        other.ok("commit", "-m", "x", "--allow-unsafe")
    return [str(place)]


@pytest.mark.parametrize("kind", [_folders, _git, _lfs, _dvc, _mvc])
def test_a_hostile_file_is_refused_and_passed_by_an_option(
    kind: Callable[[Path], list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = kind(tmp_path / "source")
    (tmp_path / "own").mkdir()
    shell = Shell(tmp_path / "own", monkeypatch)
    monkeypatch.setenv("MVC_AUTHOR_NAME", "Ana")
    shell.ok("init", "--model", "helmets")
    before = _stored(shell)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    said = shell("import", *source, "--dry-run")
    if kind is _mvc:  # whose files a dry run does not read
        assert (said.code, "the bytes of best.pt were not read: the import scans them" in said.err) == (0, True), said
    else:
        assert (said.code, "would end at" in said.err, "best.pt is hostile" in said.err) == (17, True, True), said
    assert "best.pt is hostile" in shell.ok("import", *source, "--dry-run", "--allow-unsafe").err or kind is _mvc
    assert (_stored(shell), [*tmp_path.glob("mvc-import-*")]) == (before, [])
    said = shell("import", *source)
    assert said.code == 17, said
    assert "best.pt is hostile" in said.err
    assert "--allow-unsafe" in said.err
    assert not _ids(shell), said
    assert HOSTILE not in b"".join(_stored(shell).values())
    assert not list((shell.folder / ".mvc" / "tmp").glob("*"))
    shell.ok("fsck", "--read-data")
    said = shell.ok("import", *source, "--allow-unsafe")
    assert "best.pt is hostile" in said.err
    assert _ids(shell)


def _stored(shell: Shell) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in (shell.folder / ".mvc").rglob("*") if path.is_file()}


def _ids(shell: Shell) -> list[str]:
    """The versions of all models that refs reach."""
    logs = [shell("--model", name, "log", "--all", "--format", "{id}") for name in shell.repository.heads.models()]
    return [line for said in logs if said.code == 0 for line in said.out.split()]


def _run(
    repository: Repository, made: SourceHistory, actor: Actor, *, dry_run: bool = False, allow_unsafe: bool = False
) -> tuple[str, ...]:
    """The notes on the versions of an import."""
    done = import_history(repository, made, actor, model="helmets", dry_run=dry_run, allow_unsafe=allow_unsafe)
    return tuple(note for each in done.versions for note in each.notes)


def test_steps_before_it_are_unreachable_and_a_repeated_import_goes_on(made: Made, ben: Actor) -> None:
    repository = made("here")
    steps = (step("a"), step("b", "a", files=(file(HOSTILE),)), step("c", "b"))
    with pytest.raises(errors.ImportUnsafe, match=r"ended at b, .* model\.pt is hostile"):
        _run(repository, history(*steps), ben)
    model = Model(Repository(repository.root), "helmets")
    assert model.repository.heads.get("helmets") is None
    notes = _run(model.repository, history(*steps), ben, allow_unsafe=True)
    assert [note for note in notes if "hostile" in note]


def test_a_content_is_scanned_under_each_path_and_where_it_is_stored_already(made: Made, ben: Actor) -> None:
    repository = made("here")
    harmless_name, data = "notes.txt", b"import os\nos.system('true')\n"
    _run(repository, history(step("a", files=(file(data, harmless_name, "notes"),))), ben)
    steps = (
        step("a", files=(file(data, harmless_name, "notes"),)),
        step("b", "a", files=(file(data, "modeling.py", "notes"),)),
    )
    (note,) = _run(repository, history(*steps), ben)
    assert note.startswith("modeling.py is code")


def test_a_known_version_is_not_scanned(made: Made, ben: Actor) -> None:
    repository = made("here")
    source = history(step("a", data=HOSTILE))
    _run(repository, source, ben, allow_unsafe=True)
    assert _run(Repository(repository.root), source, ben) == ()
    assert _run(Repository(repository.root), source, ben, dry_run=True) == ()


def test_a_dry_run_scans_what_is_here_and_names_what_it_would_download(made: Made, ben: Actor, tmp_path: Path) -> None:
    repository, there = made("here"), replace(file(HOSTILE, "there.pt"), remote=True)
    source = history(step("a", files=(there, file(FINE, "b.pt", "w"))))
    assert _run(repository, source, ben, dry_run=True) == ()
    done = import_history(repository, source, ben, model="helmets", dry_run=True)
    assert done.warnings == ("the bytes of there.pt were not read: the import scans them, and may be refused",)
    source = history(step("a", files=(there, file(HOSTILE, "b.pt", "w"))))
    with pytest.raises(errors.ImportWouldBeUnsafe, match=r"would end at a, .* b\.pt is hostile"):
        _run(repository, source, ben, dry_run=True)
    (tmp_path / "own.toml").write_text('[scan]\nlevel = "off"\n', encoding="utf-8")
    unscanned = Repository(repository.root, user_config=tmp_path / "own.toml")
    assert import_history(unscanned, source, ben, model="helmets", dry_run=True).warnings == ()


def test_a_content_of_several_steps_is_kept_once_in_a_dry_run(made: Made, ben: Actor) -> None:
    calls: list[int] = []

    def content(sink: Sink) -> None:
        calls.append(1)
        sink(FINE)

    one = replace(file(FINE, algorithm="sha256"), content=content)
    steps = (step("a", files=(one,)), step("b", "a", files=(one, file(b"x", "x", "x"))))
    assert _run(made("here"), history(*steps), ben, dry_run=True) == ()
    assert len(calls) == 1


def test_a_file_that_changes_between_its_scan_and_its_storing_is_refused(
    made: Made, ben: Actor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository, place = made("here"), tmp_path / "best.pt"
    source = history(step("a", files=(file(HOSTILE, "best.pt", place=place, algorithm="sha256"),)))
    original = ImportScan.check

    def check(self: ImportScan, *given: object) -> tuple[str, ...]:
        place.write_bytes(FINE)
        try:
            return original(self, *given)  # type: ignore[arg-type]
        finally:
            place.write_bytes(HOSTILE)

    monkeypatch.setattr(ImportScan, "check", check)
    with pytest.raises(errors.FileChanged):
        _run(repository, source, ben)
