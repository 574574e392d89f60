"""No command says that something is published that is not: each edit, on each machine, before each command.

Singles by default; with --deep, pairs, and another platform. A clone does not depend on the machine that it is run on.
"""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from mvc import errors
from mvc.model.ids import VersionId
from mvc.porcelain.import_ import BY_HAND, CHANGED, KNOWN, WITH_ADDITIONS
from mvc.repository import places
from tests.crash.harness import memory_folder
from tests.registry import sequences
from tests.registry.sequences import COLLEAGUE, EDITS, EMPTY, NEW_NAME, PUBLISHER, Edit, Machine, World, told
from tests.servers import picsellia_storage as storage
from tests.servers.picsellia import Platform, serve
from tests.servers.picsellia_rules import BOTH, Rules, usual

SINGLES = [(name,) for name in EDITS]
PAIRS = [pair for pair in itertools.permutations(EDITS, 2) if not pair[0].startswith("delete")]


@pytest.fixture(scope="module")
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made: Callable[[], Rules] = getattr(request, "param", usual)
    rules = replace(made(), first_number=0)  # what the cases expect has numbers
    platform, monkeypatch = Platform(rules), pytest.MonkeyPatch()
    with serve(platform), memory_folder(tmp_path_factory.mktemp("sequences")) as folder:
        try:
            yield World(folder, monkeypatch, platform)
        finally:
            monkeypatch.undo()


@pytest.fixture
def folder(world: World) -> Iterator[Path]:
    """A folder for copies; the platform is in its base state."""
    world.reset()
    made = world.folder / "case"
    made.mkdir()
    yield made
    shutil.rmtree(made)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    deep = metafunc.config.getoption("--deep")
    if "names" in metafunc.fixturenames:
        metafunc.parametrize("names", [*SINGLES, *(PAIRS if deep else ())], ids=" + ".join)
    if "world" in metafunc.fixturenames and deep:
        metafunc.parametrize("world", BOTH, ids=lambda made: made.__name__, indirect=True, scope="module")


def _edit(world: World, names: tuple[str, ...]) -> list[Edit]:
    edits = [EDITS[name] for name in names]
    for edit in edits:
        edit.do(world)
    return edits


@pytest.mark.parametrize("machine", [PUBLISHER, COLLEAGUE])
def test_drift_says_what_was_edited(names: tuple[str, ...], machine: str, world: World, folder: Path) -> None:
    edits = _edit(world, names)
    one, before = world.machine(machine, folder / "one"), sequences.state(world.platform)
    first = told(one.drift())
    assert first == _expected(edits)
    assert told(one.drift()) == first
    sequences.check_notes(one)
    assert sequences.state(world.platform) == before


@pytest.mark.parametrize("machine", [PUBLISHER, COLLEAGUE, EMPTY])
def test_import_takes_what_is_there_and_says_what_it_is(
    names: tuple[str, ...], machine: str, world: World, folder: Path
) -> None:
    edits = _edit(world, names)
    one, before = world.machine(machine, folder / "one"), sequences.state(world.platform)
    if not world.platform.models:
        assert sequences.refused(one.import_, errors.NotOnRegistry)
        return
    done = one.import_()
    sequences.check_imported(one, done)
    how = {version.number: version.how for version in done.versions}
    changed = any(edit.changes_files or edit.changes_fields for edit in edits)
    assert how.get(1, CHANGED) == CHANGED if changed else how.get(1) != CHANGED
    added = {file.role for version in done.versions for file in version.added}
    assert added == ({"notes"} if _has_additions(edits) and 1 in how else set())
    assert how.get(3, BY_HAND) == BY_HAND
    assert {version.how for version in one.import_().versions} == {KNOWN}
    sequences.check_notes(one)
    if machine != EMPTY:  # what was published is still compared with what is there
        acknowledged = {"since #3", "since #4", f"helmets renamed {NEW_NAME}", "#1 name"}
        assert told(one.drift()) == _expected(edits) - acknowledged
    assert sequences.state(world.platform) == before


def test_a_clone_has_what_is_there(names: tuple[str, ...], world: World, folder: Path) -> None:
    edits = _edit(world, names)
    before = sequences.state(world.platform)
    if not world.platform.models:
        assert sequences.refused(lambda: sequences.cloned(world, folder / "one"), errors.NotOnRegistry)
        return
    one, done = sequences.cloned(world, folder / "one")
    sequences.check_imported(one, done)
    sequences.check_notes(one)
    changed = any(edit.changes_files or edit.changes_fields for edit in edits)
    assert {version.how for version in done.versions if version.number == 1} <= {CHANGED if changed else "published"}
    numbers = {version.number for version in done.versions}
    assert told(one.drift()) == ({"#1 notes added"} if _has_additions(edits) and 1 in numbers else set())
    assert sequences.state(world.platform) == before


@pytest.mark.parametrize("machine", [PUBLISHER, COLLEAGUE])
@pytest.mark.parametrize("all_", [False, True], ids=["publish", "publish --all"])
def test_publish_counts_only_what_is_there_as_it_was(
    names: tuple[str, ...], machine: str, all_: bool, world: World, folder: Path
) -> None:
    edits = _edit(world, names)
    one, before = world.machine(machine, folder / "one"), sequences.state(world.platform)
    ids = one.everything() if all_ else [world.ids[1]]
    gone = not any(row["id"] == list(world.published)[1] for row in world.rows)
    _publish(one, ids, all_=all_, is_changed=any(edit.changes_files for edit in edits) and not gone)
    sequences.check_only_added(before, world.platform)
    sequences.check_notes(one)
    assert len(world.platform.models) == 1


@pytest.mark.parametrize("all_", [False, True], ids=["publish", "publish --all"])
def test_publish_and_drift_after_a_clone(names: tuple[str, ...], all_: bool, world: World, folder: Path) -> None:
    edits = _edit(world, names)
    if not world.platform.models:
        return
    one, _ = sequences.cloned(world, folder / "one")
    before = sequences.state(world.platform)
    _publish(one, one.everything() if all_ else one.everything()[-1:], all_=all_, is_changed=False)
    assert sequences.state(world.platform) == before, "what was cloned from there is there"
    sequences.check_notes(one)
    assert told(one.drift()) <= _expected(edits)


def test_a_version_that_was_edited_and_renamed_is_found_after_a_clone(world: World, folder: Path) -> None:
    for name in ("edit field", "rename version"):
        EDITS[name].do(world)
    one, _ = sequences.cloned(world, folder / "one")
    before = sequences.state(world.platform)
    _publish(one, one.everything(), all_=True, is_changed=False)
    assert sequences.state(world.platform) == before


def test_publish_all_after_an_import_copies_nothing(names: tuple[str, ...], world: World, folder: Path) -> None:
    edits = _edit(world, names)
    if not world.platform.models:
        return
    one = world.machine(COLLEAGUE, folder / "one")
    one.import_()
    before = sequences.state(world.platform)
    done = one.publish(one.everything(), all_=True)
    sequences.check_published(one, done)
    sequences.check_only_added(before, world.platform)
    gone = set(world.ids) - {
        world.ids[number] for number, id_ in enumerate(world.published) if id_ in before["versions"]
    }
    assert {version.id for version in done.versions if version.flag == "*"} == gone
    changed = any(edit.changes_files for edit in edits) and world.ids[1] not in gone
    assert {version.id for version in done.versions if version.flag == "!"} == ({world.ids[1]} if changed else set())


@pytest.mark.parametrize("machine", [PUBLISHER, COLLEAGUE, EMPTY])
def test_added_files_are_imported_as_a_child_on_request(machine: str, world: World, folder: Path) -> None:
    EDITS["add file"].do(world)
    one, before = world.machine(machine, folder / "one"), sequences.state(world.platform)
    one.import_()
    done = one.import_(additions=True)
    sequences.check_imported(one, done)
    assert {version.number: version.how for version in done.versions} == {0: KNOWN, 1: WITH_ADDITIONS, 2: KNOWN}
    child = done.versions[1].id
    assert child is not None
    objects = one.repository.objects
    assert objects.version(child).parents == (world.ids[1],)
    assert places.is_by_hand(objects.version(child))
    before_, after = (objects.tree(objects.version(id_).tree).entries for id_ in (world.ids[1], child))
    assert [entry.role for entry in after if entry not in before_] == ["notes"]
    assert set(before_) <= set(after)
    assert {version.how for version in one.import_(additions=True).versions} == {KNOWN}
    assert not any(version.added for version in one.import_().versions)
    assert told(one.drift()) == set()
    flags = [version.flag for version in one.publish(one.everything(), all_=True).versions]
    assert flags == ["="] * 4
    assert sequences.state(world.platform) == before
    world.platform.add_file(world.rows[1], "more", b"y")
    assert told(one.drift()) == {"#1 more added"}


@pytest.mark.parametrize(("machine", "downloads"), [(PUBLISHER, 0), (COLLEAGUE, 3)])
def test_files_are_read_only_if_nobody_noted_their_records(
    machine: str, downloads: int, world: World, folder: Path
) -> None:
    """A colleague reads the three markers, once."""
    one = world.machine(machine, folder / "one")
    for expected in (downloads, 0):
        world.platform.calls.clear()
        assert {version.how for version in one.import_().versions} == {KNOWN}
        assert len([call for call in world.platform.calls if call.path.startswith(storage.TOP)]) == expected


def _publish(machine: Machine, ids: list[VersionId], *, all_: bool, is_changed: bool) -> None:
    """Publish; a version that was changed there is refused, and left out of all of them."""
    try:
        done = machine.publish(ids, all_=all_)
    except errors.PublicationChanged:
        assert is_changed
        assert not all_
        return
    assert [version.id for version in done.versions] == ids
    assert [version.id for version in done.versions if version.flag == "!"] == [machine.world.ids[1]] * is_changed
    sequences.check_published(machine, done)


def _has_additions(edits: list[Edit]) -> bool:
    """Whether files were added to v2, and nothing else of it was changed."""
    return any(edit.adds_files for edit in edits) and not any(
        edit.changes_files or edit.changes_fields for edit in edits
    )


def _expected(edits: list[Edit]) -> set[str]:
    said = set().union(*(edit.told for edit in edits))
    said |= {f"since #{3 + number}" for number in range(sum("since #3" in edit.told for edit in edits))}
    said -= {line.replace("missing", "replaced") for line in said if line.endswith(" missing")}
    gone = {line.split()[0] for line in said if line.endswith(" gone")}
    if len(gone) > 1:  # the model
        return {f"{number} gone" for number in gone}
    return {line for line in said if line.split()[0] not in gone or line.endswith(" gone")}
