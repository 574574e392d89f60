"""Tags and aliases as tags of registry versions, and an alias as their name: set on request, compared, imported."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import mvc
from mvc import errors
from mvc.model.ids import VersionId
from mvc.porcelain import alias_publish
from mvc.porcelain.init import make_repository
from mvc.registry.picsellia.adapter import PicselliaRegistry
from mvc.repository.model import Model
from tests.cli.shell import MODEL, Shell
from tests.registry import histories
from tests.registry.stock import stock
from tests.servers.picsellia import TOKEN, Fault, Platform, Row
from tests.servers.picsellia_rules import other, usual
from tests.servers.picsellia_tags import add_tag, remove_tag, tags_of
from tests.servers.picsellia_wire import Call

URL = f"picsellia://acme/{MODEL}"


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, platform: Platform, naps: list[float]) -> Shell:
    """Ana's two versions, of which the first has a tag and an alias; only this one is published."""
    shell = histories.small(tmp_path / "ana", monkeypatch)
    histories.register(shell, platform, monkeypatch)
    shell.ok("tag", "2026.1")
    shell.ok("alias", "set", "prod")
    shell.ok("publish")
    shell.set(parameters__lr=0.25)
    shell.commit("Slower")
    return shell


@pytest.fixture
def ben(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shell: Shell) -> Shell:
    """Ben, who has a repository without a model."""
    make_repository(tmp_path / "ben")
    return Shell(tmp_path / "ben", monkeypatch)


def rows(platform: Platform) -> list[Row]:
    return platform.versions_of(MODEL)


def all_tags(platform: Platform) -> list[list[str]]:
    """The tags of each version, by number."""
    return [tags_of(row) for row in rows(platform)]


def names(platform: Platform) -> list[str]:
    return [row["name"] for row in rows(platform)]


def writes(platform: Platform, start: int) -> list[str]:
    """The calls from `start` on that changed tags or names."""
    changed = [call.shape for call in platform.calls[start:] if call.method != "GET"]
    return [shape for shape in changed if "/tag" in shape or shape.startswith("PATCH")]


# --- publish --tags


def test_publish_sets_tags_and_aliases_on_request(shell: Shell, platform: Platform) -> None:
    assert all_tags(platform) == [[]], "not without --tags"
    add_tag(platform, "validated", rows(platform)[0])
    for place in (shell.folder / f".mvc/refs/{MODEL}/published").rglob("0*"):
        place.unlink()  # as a colleague who did not publish it
    planned = shell.ok("publish", "v1", "--tags", "-n", "--json").json["tags"]
    assert all_tags(platform) == [["validated"]]
    done = shell.ok("publish", "v1", "--tags", "--json").json["tags"]
    assert [(row["tag"], row["what"], row["number"]) for row in done] == [
        ("2026.1", "added", 0),
        ("prod", "added", 0),
    ]
    assert planned == done
    assert all_tags(platform) == [["2026.1", "prod", "validated"]]
    start = len(platform.calls)
    assert shell.ok("publish", "v1", "--tags").lines[-1] == "Everything up to date."
    assert writes(platform, start) == []


def test_publish_moves_an_alias_and_removes_what_the_version_no_longer_has(shell: Shell, platform: Platform) -> None:
    shell.ok("publish", "v1", "--tags")
    add_tag(platform, "validated", rows(platform)[0])
    shell.ok("alias", "set", "prod", "v2")
    shell.ok("alias", "set", "next", "v2")
    shell.ok("tag", "-d", "2026.1")
    assert "   + tag next  v2-" in shell.ok("publish", "--tags", "-n").out, "a version that is not published yet"
    said = shell.ok("publish", "--tags").lines
    assert all_tags(platform) == [["2026.1", "validated"], ["next", "prod"]]
    assert f"   - tag prod  #0 {names(platform)[0]}" in said
    shell.ok("publish", "v1", "--tags")
    assert all_tags(platform) == [["validated"], ["next", "prod"]], "only the tags of others are left"


def test_a_tag_of_a_version_that_is_not_known_is_kept_with_a_warning(shell: Shell, platform: Platform) -> None:
    night = platform.add_version(next(iter(platform.models.values())), name="night")
    add_tag(platform, "prod", night)
    done = shell.ok("publish", "v1", "--tags")
    assert "warning: #1 night has the tag prod too; it was kept" in done.err
    shell.ok("import", URL)
    shell.ok("publish", "v1", "--tags")
    assert all_tags(platform) == [["2026.1", "prod"], []]


def test_a_version_that_was_edited_there_has_the_tags_of_both(shell: Shell, platform: Platform) -> None:
    rows(platform)[0]["parameters"]["lr"] = 0.75
    shell.ok("import", URL)
    shell.ok("tag", "seen", "picsellia-0")
    for _ in range(2):
        shell.ok("publish", "--all", "--tags")
        assert all_tags(platform)[0] == ["2026.1", "prod", "seen"]


# --- alias set --publish


@pytest.mark.parametrize("listed", [True, False])
def test_an_alias_is_published_and_moved(listed: bool, shell: Shell, platform: Platform) -> None:
    platform.rules.lists_fields = listed
    shell.ok("alias", "set", "prod", "v1", "--publish")
    add_tag(platform, "validated", rows(platform)[0])
    done = shell.ok("alias", "set", "prod", "v2", "--publish", "-m", "better").lines
    assert done[0].startswith("prod -> v2 ")
    assert done[1:] == [
        f"   published {names(platform)[1]}", f"   + tag prod  #1 {names(platform)[1]}", f"   - tag prod  #0 {names(platform)[0]}",
    ]  # fmt: skip
    assert all_tags(platform) == [["validated"], ["prod"]]
    histories.check_complete(
        platform, shell.repository, VersionId(shell.ok("log", "-n1", "--format", "{id}").out.strip())
    )
    start = len(platform.calls)
    assert len(shell.ok("alias", "set", "prod", "v2", "--publish").lines) == 1
    assert writes(platform, start) == []
    assert "better" in shell.ok("alias", "log", "prod").out


def test_a_fresh_clone_moves_the_alias_that_others_published(
    shell: Shell, platform: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = names(platform)
    shell.ok("alias", "set", "prod", "v1", "--publish", "--rename")
    shell.ok("remote", "add", "origin", str(tmp_path / "shared"))
    shell.ok("push", "origin")
    Shell(tmp_path, monkeypatch).ok("clone", "-q", str(tmp_path / "shared"), "ci")
    job = Shell(tmp_path / "ci", monkeypatch)
    histories.register(job, platform, monkeypatch)
    job.ok("alias", "set", "prod", "v2", "--publish", "--rename")
    assert all_tags(platform) == [[], ["prod"]]
    assert names(platform) == [*own, "prod"]


def test_an_alias_that_is_refused_here_changes_nothing_there(shell: Shell, platform: Platform) -> None:
    before = histories.state(platform)
    shell.set(intent__ready_for="deployment")
    shell.ok("unset", "labelmap.0", "labelmap.1")
    shell.commit("Unready")
    assert shell("alias", "set", "prod", "--publish").code == 17
    assert shell("alias", "set", "main", "v2", "--publish").code == 13, "a branch has that name"
    assert shell("alias", "set", "prod", "--rename").code == 2
    assert shell("alias", "rm", "prod", "--to", "picsellia").code == 2
    assert shell("--offline", "alias", "set", "prod", "--publish").code == 15
    assert histories.state(platform) == before


# --- --rename


def test_an_alias_is_the_name_that_programs_look_up(
    shell: Shell, platform: Platform, registry: PicselliaRegistry
) -> None:
    own = names(platform)
    shell.ok("alias", "set", "prod", "v1", "--publish", "--rename")
    assert names(platform) == ["prod"]
    done = shell.ok("alias", "set", "prod", "v2", "--publish", "--rename")
    assert names(platform) == [*own, "prod"]
    assert f"   renamed #0 from prod to {own[0]}" in done.lines
    shell.ok("alias", "rollback", "prod")
    shell.ok("alias", "set", "prod", "prod", "--publish", "--rename")
    assert (names(platform)[0], all_tags(platform)) == ("prod", [["prod"], []])
    shell.ok("alias", "set", "prod", "v2", "--publish", "--rename")
    found = registry._client.sdk_client.get_model(MODEL).get_version("prod")
    assert (found.version, [tag.name for tag in found.get_tags()]) == (1, ["prod"])
    assert shell.ok("drift").out == "2 versions compared, no differences.\n"
    assert shell.ok("publish", "--all").lines[-1] == "Everything up to date."
    assert {row["how"] for row in shell.ok("import", URL, "--json").json["versions"]} == {"known"}
    assert names(platform) == [*own, "prod"]
    kept = shell.ok("alias", "set", "prod", "v1", "--publish")
    assert "warning: #1 still has the name prod there; --rename moves the name too" in kept.err


def test_a_renamed_version_is_recognised_on_other_machines(shell: Shell, ben: Shell, platform: Platform) -> None:
    shell.ok("alias", "set", "prod", "v1", "--publish", "--rename")
    ben.ok("import", URL, "-o", f"host={platform.host}")
    log = ("log", "v1", "--format", "{id}")
    assert ben.ok(*log).out == shell.ok(*log).out
    before = histories.state(platform)
    for place in (shell.folder / f".mvc/refs/{MODEL}/published").rglob("0*"):
        place.unlink()  # as a colleague who fetched the version before it was published
    assert shell.ok("publish", "v1").lines[-1] == "Everything up to date."
    assert histories.state(platform) == before
    assert "picsellia   #0 prod of" in shell.ok("show", "v1").out


def test_a_name_that_others_gave_is_never_taken(shell: Shell, ben: Shell, platform: Platform) -> None:
    night = platform.add_version(next(iter(platform.models.values())), name="prod")
    platform.add_file(night, "model-latest", b"by hand")
    before = histories.state(platform)
    refused = shell("alias", "set", "prod", "v1", "--publish", "--rename")
    assert (refused.code, "#1 has that name, and it was not published by mvc" in refused.err) == (13, True)
    assert shell("alias", "set", f"v1-{'a' * 12}", "v1", "--publish", "--rename").code == 13
    ben.ok("import", URL, "-o", f"host={platform.host}")
    ben.ok("remote", "add", "picsellia", "picsellia://acme", "-o", f"host={platform.host}")
    by_hand = ben("alias", "set", "best", "picsellia:helmets@1", "--publish", "--rename")
    assert (by_hand.code, "it was not published by mvc" in by_hand.err) == (13, True)
    assert "best" not in ben.ok("alias").out
    assert histories.state(platform) == before
    ben.ok("alias", "set", "best", "picsellia:helmets@1", "--publish")
    assert all_tags(platform) == [[], ["best"]], "it was imported, so it is not published as a copy"


def test_a_deleted_alias_is_removed_there_too(shell: Shell, platform: Platform) -> None:
    own = names(platform)
    shell.ok("alias", "set", "prod", "v1", "--publish", "--rename")
    done = shell.ok("alias", "rm", "prod", "--publish").lines
    assert done[1:] == ["   - tag prod  #0 prod", f"   renamed #0 from prod to {own[0]}"]
    assert (names(platform), all_tags(platform)) == (own, [[]])
    assert shell("alias", "rm", "prod", "--publish").code == 2


def _nth(number: int, fault: Fault, seen: list[Call]) -> Callable[[Call], Fault | None]:
    def spoil(call: Call) -> Fault | None:
        seen.append(call)
        return fault if len(seen) == number + 1 else None

    return spoil


FAULTS = (Fault(), Fault(after=True), Fault(403), Fault(500, after=True))


@pytest.mark.parametrize(
    ("number", "rules"), [*((number, usual) for number in range(len(FAULTS))), (1, other)], indirect=["rules"]
)
def test_after_any_fault_a_repeated_command_settles_the_alias(
    number: int,
    shell: Shell,
    platform: Platform,
    connect: Callable[..., PicselliaRegistry],
    rng: random.Random,
    *,
    deep: bool,
) -> None:
    """Every call with --deep, else every third one, from one of the first three on."""
    repository = shell.repository
    versions = [VersionId(id_) for id_ in shell.ok("log", "--reverse", "--format", "{id}").out.split()]
    stock(platform, repository, versions[1])
    model, codes = Model(repository, MODEL), set[int]()

    def move(target: VersionId) -> None:
        alias_publish.assign(model, "prod", target, connect(), shell.actor, rename=True)

    for version in versions:
        move(version)
    tried = range(0 if deep else rng.randrange(3), 60, 1 if deep else 3)
    for round_, nth in enumerate(tried):
        to, seen = round_ % 2, list[Call]()
        platform.faults = _nth(nth, FAULTS[number], seen)
        try:
            move(versions[to])
        except errors.MvcError as error:
            codes.add(error.exit_code)
        platform.faults = lambda _: None
        if len(seen) <= nth:
            break
        move(versions[to])
        assert all_tags(platform) == [["prod"] if row == to else [] for row in (0, 1)], seen[nth]
        assert [name == "prod" for name in names(platform)] == [row == to for row in (0, 1)], seen[nth]
    assert (14 if deep else 4) <= round_ < len(tried) - 1, "every call came"
    assert codes <= {12, 13, 15, 128}
    assert len(platform.tags) == 1


def test_a_tag_whose_answer_is_lost_is_created_once(registry: PicselliaRegistry, platform: Platform) -> None:
    platform.rules.unique = False  # a second one would be created silently
    for fault in (Fault(after=True), Fault(500, after=True), Fault(503), Fault(garbage=True, after=True)):
        platform.tags.clear()
        posted = [fault]

        def spoil(call: Call, posted: list[Fault] = posted) -> Fault | None:
            return posted.pop() if posted and call.shape.startswith("POST") else None

        platform.faults = spoil
        assert [registry.tags.ensure("prod").id] == list(platform.tags) == [registry.tags.ensure("prod").id]


# --- drift


def test_drift_reports_tags_that_mvc_set_and_others_changed(shell: Shell, platform: Platform) -> None:
    shell.ok("publish", "--all", "--tags")
    add_tag(platform, "validated", rows(platform)[0])
    assert shell.ok("drift").lines[-1] == "2 versions compared, no differences."
    for name in ("prod", "2026.1"):
        remove_tag(rows(platform)[0], name)
    add_tag(platform, "prod", rows(platform)[1])
    found = shell("drift")
    assert found.code == 1
    assert f"  tag prod moved to #1 {names(platform)[1]}" in found.lines
    assert "  tag 2026.1 removed" in found.lines
    [changed] = shell("drift", "--json").json["versions"]
    assert [(row["tag"], row["what"], row["number"]) for row in changed["tags"]] == [
        ("2026.1", "removed", None), ("prod", "moved", 1),
    ]  # fmt: skip
    shell.ok("publish", "--all", "--tags")
    assert all_tags(platform) == [["2026.1", "prod", "validated"], []]
    assert shell.ok("drift").lines[-1] == "2 versions compared, no differences."


# --- import


def test_tags_are_noted_and_shown_after_an_import(ben: Shell, platform: Platform) -> None:
    add_tag(platform, "prod", *rows(platform))
    add_tag(platform, "needs work", *rows(platform))
    ben.ok("import", URL, "-o", f"host={platform.host}")
    assert "picsellia   tags: needs work, prod" in ben.ok("show").lines
    assert ben.ok("show", "--json").json["registry_tags"] == ["needs work", "prod"]
    assert "Picsellia #0 [needs work, prod]" in ben.ok("log").out
    assert ben.ok("alias").out == "", "no alias without --tags"
    remove_tag(rows(platform)[0], "needs work")
    ben.ok("import", URL, "-o", f"host={platform.host}")
    assert ben.ok("log", "--json").json["versions"][0]["registry_tags"] == ["prod"]


def test_tags_of_an_unknown_shape_stop_no_import(ben: Shell, platform: Platform) -> None:
    rows(platform)[0]["tags"] = ["prod", {"name": "x"}, {"id": "1", "name": ""}, {"id": "2", "name": "ok"}]
    ben.ok("import", URL, "-o", f"host={platform.host}")
    assert "picsellia   tags: ok" in ben.ok("show").lines
    ben.ok("fsck")


@pytest.mark.parametrize("listed", [True, False])
def test_tags_become_aliases_on_request(listed: bool, shell: Shell, ben: Shell, platform: Platform) -> None:
    platform.rules.lists_fields = listed
    shell.ok("publish", "--all")
    first, second = rows(platform)
    add_tag(platform, "prod", second)
    add_tag(platform, "candidate", first)
    add_tag(platform, "validated", first, second)
    add_tag(platform, "needs work", first)
    done = ben.ok("import", URL, "-o", f"host={platform.host}", "--tags")
    assert [line.partition(" -> ")[0] for line in done.lines if line.startswith("alias")] == [
        "alias candidate",
        "alias prod",
    ]
    assert "note: tag validated is not an alias here: 2 versions have it" in done.err
    assert "note: tag needs work is not an alias here" in done.err
    assert [row["number"] for row in ben.ok("alias", "--json").json["aliases"]] == [1, 2]
    again = ben.ok("import", URL, "-o", f"host={platform.host}", "--tags", "--json").json["tags"]
    assert [row["tag"] for row in again] == ["needs work", "validated"], "an alias that is there is not mentioned"
    here = shell.ok("import", URL, "--tags")
    assert "tag prod is not an alias here: it is at v1 " in here.err
    assert shell.ok("alias", "--json").json["aliases"][1]["number"] == 1, "an alias here is not moved"


# --- Python


def test_the_same_from_python(shell: Shell, platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PICSELLIA_TOKEN", TOKEN)
    model: Any = mvc.open(shell.folder).model(MODEL)
    assert [tag.tag for tag in model.publish("v1", tags=True).tags] == ["2026.1", "prod"]
    done = model.aliases.publish("prod", "v2", rename=True)
    assert (done.alias.number, done.place.number, done.place.name) == (2, 1, "prod")
    assert done.to_json()["renamed"] == [{"number": 1, "old": done.renamed[0].old, "new": "prod"}]
    assert model.aliases.publish("prod").tags == (), "an alias that is published already"
    assert all_tags(platform) == [["2026.1"], ["prod"]]
    assert model.aliases.unpublish("prod").tags[0].change == "removed"
    assert "prod" not in model.aliases
