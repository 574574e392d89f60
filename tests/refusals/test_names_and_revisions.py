"""Names that no branch, tag, alias or model may have (T55), names that are taken, and revisions that mean nothing or too much."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from mvc.model.ids import SHORT
from mvc.model.version import Person, Timestamp
from mvc.repository.repository import Actor, Repository
from mvc.storage.records.reflog import HEADS, TAGS, RefName
from tests.crash.harness import command, mvc
from tests.crash.scenarios import empty, moved, side, tracked, two_versions
from tests.refusals.cases import COMMIT, Case, Change, Prepare, all_of, check, edited, everything, refuse

ACTOR = Actor(Person("Ana", "ana@example.org"), Timestamp(1_770_112_800))
BAD_NAMES = (
    "v7", "V007", "HEAD", "head", "Git", "deadbeef", "DEAD", "0000", "a..b", "a@b", "@", "a@{1}", "@{", "-x", "--force",
    ".x", "..", ".", "a/.b", "a/-b", "x.lock", "a.lock/b", "x.", "a//b", "/a", "a/", "refs/../x", "a~1", "a^", "a:b",
    "a\\b", "a b", "a*", "a?", "[a]", "nul", "aux.txt", "COM1", "é", "a\u202eb", "a\x1b[31mb", "a\nb", "a\tb",
    "x" * 10_000, "X" * 150,
)  # fmt: skip
VERBS = (
    ("branch", "--"), ("tag", "--"), ("alias", "set", "--"), ("switch", "-c"), ("branch", "-m", "--"), ("commit", "-m", "x", "--tag"),
    ("commit", "-m", "x", "--alias"),
)  # fmt: skip


@pytest.mark.parametrize("name", BAD_NAMES, ids=ascii)
def test_a_name_that_nothing_may_have(name: str, copy: Callable[[Prepare], Path]) -> None:
    root = copy(two_versions)
    verbs = VERBS if name in ("v7", "a..b", "deadbeef") else VERBS[len(name) % 3 :: 3]
    for verb in verbs:
        target = ("v1",) if verb[0] == "alias" else ()
        said = refuse(root, (*verb, name, *target), 2, "Invalid ref name", "Choose another name")
        assert len(said) < 1_000
        assert not set(said) & set("\x1b\u202e\t")


@pytest.mark.parametrize(
    "name", ["a@b", "-x", "../x", ".x", "a:b", "x" * 101, " x", "e\u0301", "a\x1bb", "nul", "a~b", "x/"]
)
@pytest.mark.parametrize("verb", [("init", "sub", "--model"), ("models", "rename", "helmets", "--")])
def test_a_key_that_no_model_may_have(verb: tuple[str, ...], name: str, copy: Callable[[Prepare], Path]) -> None:
    refuse(copy(two_versions), (*verb, name), 2, "Invalid model name", "helmet-detector")


def test_no_repository_is_begun_for_a_key_that_is_refused(copy: Callable[[Prepare], Path]) -> None:
    refuse(copy(empty), ("init", "--model", "a@b"), 2, "Invalid model name")


def _fork(root: Path) -> None:
    """Another branch, a tag and an alias at the tip, each taken away again by the case."""
    mvc(root, "branch", "other")


def _commented(root: Path) -> None:
    with (root / "model.toml").open("a", encoding="utf-8") as file:
        file.write("# only a comment\n")


TAKEN = (
    Case(("tag", "side"), 13, ("side is taken", "branch", "Choose another"), prepare=side),
    Case(("tag", "prod"), 13, ("prod is taken", "alias"), prepare=side),
    Case(("tag", "SIDE"), 13, ("SIDE", "branch side", "case"), prepare=side),
    Case(("alias", "set", "kept", "v1"), 13, ("kept is taken", "tag"), prepare=side),
    Case(("alias", "set", "Prod", "v1"), 13, ("Prod", "alias prod", "case"), prepare=side),
    Case(("branch", "kept"), 13, ("kept is taken", "tag"), prepare=side),
    Case(("branch", "side"), 13, ("side", "already"), prepare=side),
    Case(("branch", "-m", "side", "main"), 13, ("main", "already"), prepare=side),
    Case(("switch", "-c", "prod"), 13, ("prod is taken",), prepare=side),
    Case(("commit", "-m", "x", "--tag", "t", "--alias", "t"), 13, ("t is taken",), edited),
    Case(("commit", "-m", "x", "--alias", "side"), 13, ("side is taken", "branch"), edited, side),
    Case(("tag", "-d", "nosuch"), 2, ("no tag nosuch", "mvc tag")),
    Case(("branch", "-d", "nosuch"), 2, ("no branch nosuch", "mvc branch")),
    Case(("alias", "rollback", "prod"), 13, ("no position before", "mvc alias log prod"), prepare=side),
    Case(("tag", "kept", "v1"), 13, ("kept already exists, at", "tags never move"), lambda root: mvc(root, "tag", "-d", "kept"), side),
    Case(("commit", "--amend", "-m", "x"), 13, ("branch other", "Commit a new version"), _fork),
    Case(("commit", "--amend", "-m", "x"), 13, ("tag t",), lambda root: mvc(root, "tag", "t")),
    Case(("commit", "--amend", "-m", "x"), 13, ("alias prod",), prepare=moved),
    Case(COMMIT, 13, ("detached", "at v1", "switch -c NAME"), all_of(lambda root: mvc(root, "switch", "v1"), edited)),
    Case(COMMIT, 13, ("detached",), all_of(lambda root: mvc(root, "switch", "prod"), edited), moved),
    Case(COMMIT, 1, ("since v2", "--allow-empty"), _commented),
)  # fmt: skip


@pytest.mark.parametrize("case", TAKEN, ids=str)
def test_names_that_are_taken_or_held(case: Case, copy: Callable[[Prepare], Path]) -> None:
    check(case, copy)


REVISIONS = (
    "nosuch", "v3", "v0", "v999999999", "deadbeef", "main~1000000", "main~2", "main^2", "main@{99}", "main@{1999-01-01}", "main@{soon}",
    "heads/nosuch", "tags/main", "../../config.toml", "nosuch@v1", "helmets@", "helmets@nosuch", "@git", "@{0}x", "a" * 5_000, "v1\x1b[31m",
    "é", "\udcff", "%2e%2e", "heads/../main", "*", "-", "~", "^{tree}", "v1..nosuch",
)  # fmt: skip


@pytest.mark.parametrize("text", REVISIONS, ids=ascii)
def test_a_revision_that_is_none(text: str, copy: Callable[[Prepare], Path]) -> None:
    root = copy(two_versions)
    verbs = (("log",), ("diff",)) if ".." in text else (("du", "--"), ("switch", "--"), ("tag", "t", "--"))
    for verb in verbs:
        before = everything(root)
        outcome = command(root, (*verb, text))
        if text in ("helmets@", "~"):  # the model's main; HEAD~1
            assert outcome.code == 0
            return
        assert outcome.code == 2, (verb, outcome)
        assert "Traceback" not in outcome.output
        assert "internal error" not in outcome.output
        assert "\x1b" not in outcome.output
        assert len(outcome.output.splitlines()) >= 2, outcome.output  # what is wrong, and what to do
        assert everything(root) == before


def test_a_version_of_another_line_is_not_meant_by_its_number(copy: Callable[[Prepare], Path]) -> None:
    root = copy(side)
    mvc(root, "switch", "-c", "third", "v1")
    refuse(root, ("show", "v2"), 2, "history of the current branch has no v2", "main:", "side:")


def test_an_abbreviation_of_two_ids_is_refused_with_both(copy: Callable[[Prepare], Path]) -> None:
    root = copy(two_versions)
    repository = Repository(root)
    tip = repository.current("helmets")
    assert tip is not None
    good = repository.objects.version(tip)
    seen: dict[str, str] = {}
    version = good
    while (id_ := version.id())[:4] not in seen:
        seen[id_[:4]] = version.message
        version = replace(good, message=f"number {len(seen)}")
    for message in (seen[id_[:4]], version.message):
        repository.objects.put_version(replace(good, message=message))
    repository.door.barrier()
    refuse(root, ("show", id_[:4]), 2, f"{id_[:4]} is ambiguous", id_[:SHORT], "more digits")
    mvc(root, "show", id_)


def test_a_name_of_two_kinds_is_refused_with_both(copy: Callable[[Prepare], Path]) -> None:
    """As fetching can make: the verbs that name something refuse it."""
    root = copy(two_versions)
    repository = Repository(root)
    tip = repository.current("helmets")
    assert tip is not None
    first = repository.objects.version(tip).parents[0]
    repository.refs.append(RefName("helmets", TAGS, "twin"), None, tip, ACTOR.move("fetched"))
    repository.refs.append(RefName("helmets", HEADS, "twin"), None, first, ACTOR.move("fetched"))
    refuse(root, ("show", "twin"), 2, "heads/twin", "tags/twin", "heads/NAME")
    mvc(root, "show", "heads/twin")


@pytest.mark.parametrize(("verb", "words"), [
    (("show",), ("no version yet", "mvc commit")), (("tag", "t"), ("no version yet",)), (("show", "v1"), ("no version v1",)),
    (("switch", "-c", "x", "HEAD"), ("no version yet",)), (("export", "HEAD", "out"), ("no version yet",)),
])  # fmt: skip
def test_before_the_first_version(
    verb: tuple[str, ...], words: tuple[str, ...], copy: Callable[[Prepare], Path]
) -> None:
    refuse(copy(tracked), verb, 2, *words)


CHANGES: tuple[tuple[str, Change, str], ...] = (
    ("edited", edited, "weights/best.onnx"),
    ("edited model.toml", lambda root: mvc(root, "set", "parameters.a=1"), "model.toml"),
    ("a comment", _commented, "model.toml"),
    ("untracked", lambda root: (root / "notes.txt").write_bytes(b"mine"), "notes.txt"),
    ("a folder", lambda root: (root / "notes.txt").mkdir(), "notes.txt"),
    ("a link", lambda root: (root / "notes.txt").symlink_to("weights/best.onnx"), "notes.txt"),
)


@pytest.mark.parametrize(
    "verb", [("switch", "v1"), ("switch", "-c", "new", "v1"), ("reset", "--keep", "v1"), ("checkout", "v1")], ids=str
)
@pytest.mark.parametrize(("change", "named"), [pytest.param(change, named, id=name) for name, change, named in CHANGES])
def test_work_that_is_not_committed_is_not_lost(
    verb: tuple[str, ...], change: Change, named: str, copy: Callable[[Prepare], Path]
) -> None:
    root = copy(two_versions)
    change(root)
    refuse(root, verb, 16, named, "Nothing was changed")


def test_a_file_in_the_way_with_the_same_bytes_is_not_in_the_way(copy: Callable[[Prepare], Path]) -> None:
    root = copy(two_versions)
    (root / "notes.txt").write_bytes(b"small")
    mvc(root, "switch", "v1")
