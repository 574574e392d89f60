"""Roles with other characters than a registry's names have: published under other names, and imported as they were."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from mvc import errors
from mvc.model.ids import VersionId
from mvc.porcelain.init import make_repository
from mvc.readiness import table
from mvc.readiness.files import HasFile
from mvc.registry import marker
from mvc.registry.files import role_names
from mvc.registry.files.role_names import assign
from mvc.registry.marker import Marker
from tests.cli.shell import MODEL, Shell, begin
from tests.registry import histories
from tests.registry.histories import LEGAL
from tests.servers.picsellia import Platform, Row

pytestmark = pytest.mark.usefixtures("naps")
ROLES = ("weights v2.pt", "model.latest", "model-latest", "mvc-manifest", "mvc-manifest.json", "a b", "a.b", "a-b",
         "Größe", "日本")  # fmt: skip
OLD = Path(__file__).parent / "data" / "old-marker.json"
"""A marker of format 2, made before names differed from roles; its version has the roles of `OLD_ROLES`."""
OLD_ROLES = ("weights.pt", "notes/a.txt", "notes/b.txt")


@pytest.mark.parametrize(
    ("role", "name"),
    [
        ("model-latest", "model-latest"),
        ("Config_2", "Config_2"),
        ("notes/a.txt", "notes-a-txt"),
        ("a  b", "a-b"),
        ("Größe", "Gro-e"),
        ("日本", "file"),
    ],
)
def test_a_legal_role_keeps_its_name_and_another_gets_one(role: str, name: str) -> None:
    assert assign([role]) == {role: name}


def test_no_role_gets_the_name_of_another_or_one_with_a_meaning() -> None:
    names = assign(ROLES)
    assert len({name.lower() for name in names.values()}) == len(ROLES)
    assert all(LEGAL.match(name) for name in names.values())
    assert {role for role, name in names.items() if role == name} == {"model-latest", "a-b"}
    assert not {name for role, name in names.items() if role != name} & {*role_names.RESERVED, *role_names.MARKERS}
    assert assign(["model.latest"])["model.latest"].startswith("model-latest-")
    assert assign(["mvc manifest"])["mvc manifest"].startswith("mvc-manifest-")


@pytest.mark.parametrize(
    "names",
    [{"other": "x"}, {"notes/a.txt": "notes/b.txt"}, {"notes/a.txt": "x", "notes/b.txt": "x"}, {"notes/a.txt": 1}],
)
def test_a_marker_with_names_of_other_roles_is_invalid(names: dict[str, str]) -> None:
    with pytest.raises(errors.NotCanonical, match="names"):
        replace(Marker.decode(OLD.read_bytes()), names=names).encode()


def test_a_marker_keeps_the_names_that_differ() -> None:
    old = Marker.decode(OLD.read_bytes())
    assert old.encode() == OLD.read_bytes()
    names = role_names.differing(assign(old.served.by_role))
    assert Marker.decode(replace(old, names=names).encode()).names == names
    assert b'"v":3' in replace(old, names=names).encode()


def test_names_are_distinct_in_any_order_whatever_the_roles_are(rng: random.Random) -> None:
    for _ in range(200):
        roles = {"".join(rng.choices("aA.-/ é\n", k=rng.randint(1, 4))) for _ in range(rng.randint(1, 20))}
        names = assign(roles)
        assert names.keys() == roles
        assert len({name.lower() for role, name in names.items() if role != name}) == sum(
            r != n for r, n in names.items()
        )
        assert len(set(names.values())) == len(roles)
        assert all(LEGAL.match(name) for name in names.values())
        assert assign(rng.sample(sorted(roles), len(roles))) == names


def test_every_role_that_a_readiness_rule_asks_for_is_reserved() -> None:
    named = {role for rule in table.RULES for role in _roles(rule.test)}
    assert named
    assert named <= {*role_names.RESERVED, "labelmap"}


def _roles(condition: object) -> Iterator[str]:
    if isinstance(condition, HasFile):
        yield condition.role
    for part in getattr(condition, "parts", ()):
        yield from _roles(part)


@pytest.fixture
def ana(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, platform: Platform) -> Shell:
    (tmp_path / "ana").mkdir()
    shell = begin(tmp_path / "ana", monkeypatch)
    histories.register(shell, platform, monkeypatch)
    return shell


def _commit(shell: Shell, roles: tuple[str, ...]) -> VersionId:
    for number, role in enumerate(roles):
        shell.write(f"file{number}", f"{number}".encode())
        shell.ok("add", f"file{number}", "--as", role)
    return VersionId(shell.commit("Odd roles"))


def _imported(folder: Path, monkeypatch: pytest.MonkeyPatch, platform: Platform) -> Shell:
    folder.mkdir()
    make_repository(folder)
    shell = Shell(folder, monkeypatch)
    histories.register(shell, platform, monkeypatch)
    shell.ok("import", f"picsellia://acme/{MODEL}")
    return shell


def test_odd_roles_are_published_under_legal_names_and_come_back(
    ana: Shell, platform: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    id_ = _commit(ana, ROLES)
    ana.ok("publish")
    histories.check_complete(platform, ana.repository, id_)
    ben = _imported(tmp_path / "ben", monkeypatch, platform)
    assert ben.repository.current(MODEL) == id_
    for shell in (ana, ben):
        assert shell("drift").code == 0
        assert shell.ok("publish").lines[-1] == "Everything up to date."
    [row] = platform.versions_of(MODEL)
    platform.add_file(row, "weights v2.pt", b"has the role of another file")
    for shell in (ana, ben):
        assert "1 file added: weights v2.pt" in shell("drift").out


def test_an_interrupted_publish_of_odd_roles_is_resumed(ana: Shell, platform: Platform) -> None:
    id_ = _commit(ana, ROLES)
    ana.ok("publish")
    [row] = platform.versions_of(MODEL)
    for file in platform.files_of(row)[-2:]:
        del platform.files[file["id"]]
    assert " + v1" in ana.ok("publish").out
    histories.check_complete(platform, ana.repository, id_)


def test_a_child_made_on_the_platform_has_the_roles_of_its_parent(
    ana: Shell, platform: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _commit(ana, ("a b", "c"))
    ana.ok("publish")
    [row] = platform.versions_of(MODEL)
    row["description"] = "edited"
    ben = _imported(tmp_path / "ben", monkeypatch, platform)
    assert {file["role"] for file in ben.ok("ls", "picsellia-0", "--json").json["files"]} == {"a b", "c"}
    assert "already imported" in ben.ok("import", f"picsellia://acme/{MODEL}").out


# --- published before names differed from roles


def _old_names(platform: Platform, row: Row, id_: VersionId, shell: Shell) -> None:
    """Give the files of a published version the names that earlier releases gave them."""
    tree = shell.repository.objects.tree(shell.repository.objects.version(id_).tree)
    names = {name: role for role, name in assign(tree.by_role).items()}
    for file in platform.files_of(row):
        file["name"] = names.get(file["name"], "mvc-manifest.json")


def _old(platform: Platform) -> tuple[Row, VersionId]:
    """A version as an earlier release published it: its stored marker, and names that are roles."""
    decoded = Marker.decode(OLD.read_bytes())
    row = platform.add_version(
        platform.add_model(MODEL), id=decoded.model_version, name=f"v1-{decoded.id[:12]}", parameters={"lr": 0.5}
    )
    for entry in decoded.tree.entries:
        platform.add_file(row, entry.role, entry.path.encode(), entry.path.rpartition("/")[2])
    platform.add_file(row, "mvc-manifest.json", OLD.read_bytes())
    return row, decoded.id


def test_a_version_with_an_old_marker_is_imported_compared_and_published(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, platform: Platform
) -> None:
    row, id_ = _old(platform)
    before = histories.state(platform)
    ben = _imported(tmp_path / "ben", monkeypatch, platform)
    assert ben.repository.current(MODEL) == id_
    assert {file["role"] for file in ben.ok("ls", "--json").json["files"]} == {*OLD_ROLES}
    assert ben("drift").code == 0
    assert ben.ok("publish").lines[-1] == "Everything up to date."
    (ben.folder / ".mvc/refs" / MODEL / "published").rename(tmp_path / "aside")
    assert ben.ok("publish").lines[-1] == "Everything up to date."
    assert histories.state(platform) == before
    platform.add_file(row, "notes-a-txt", b"is no role of it")
    assert "1 file added: notes-a-txt" in ben("drift").out
    del platform.files[platform.files_of(row)[0]["id"]]
    assert "missing" in ben("drift").out
    assert ben("publish").code == 13


def test_an_interrupted_publish_of_an_earlier_release_is_resumed_with_its_names(ana: Shell, platform: Platform) -> None:
    ana.write("notes/a.txt", b"a")
    ana.write("notes/b.txt", b"b")
    ana.ok("add", "notes", "--as", "notes")
    id_ = VersionId(ana.commit("Notes"))
    ana.ok("publish")
    [row] = platform.versions_of(MODEL)
    _old_names(platform, row, id_, ana)
    for file in platform.files_of(row):
        if file["name"] != "notes/a.txt":
            del platform.files[file["id"]]
    assert " + v1" in ana.ok("publish").out
    assert [file["name"] for file in platform.files_of(row)] == ["notes/a.txt", "notes-b-txt", marker.NAME]
    assert ana("drift").code == 0
    assert ana.ok("publish").lines[-1] == "Everything up to date."
