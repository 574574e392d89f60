"""A model of another mvc repository comes with its history, its ids, its refs, its notes and evaluations; the source is only read."""

from __future__ import annotations

import random
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mvc import errors
from mvc.model.tree import Tree
from mvc.porcelain.fsck import fsck
from mvc.porcelain.import_history import import_history
from mvc.porcelain.import_sources import import_source
from mvc.porcelain.init import init
from mvc.repository.imports.importer import LEFT_OUT, NEW
from mvc.repository.imports.request import Request
from mvc.repository.model import Model
from mvc.repository.repository import Actor, Repository
from mvc.storage.records.reflog import ALIASES, HEADS, TAGS, RefName
from tests.cli.shell import Said, Shell, begin
from tests.docs import documents
from tests.imports.conftest import Made
from tests.imports.sources import drawn, history, step

SIZE = 40_000


@pytest.fixture
def source(tmp_path: Path, monkeypatch: Any) -> Shell:
    """The model helmets with five versions, a merge, tags, alias moves, notes, and a remote; and another model."""
    (tmp_path / "source").mkdir()
    shell = begin(tmp_path / "source", monkeypatch)
    draw = random.Random(1)
    shell.write("model.bin", draw.randbytes(SIZE))
    shell.write("run.sh", b"#!")
    (shell.folder / "run.sh").chmod(0o755)
    shell.ok("add", "model.bin", "run.sh")
    shell.set(metrics__mAP=0.5, labelmap__0="helmet")
    shell.commit("first", "--tag", "2026.1", "--alias", "prod")
    shell.ok("remote", "add", "origin", "../remote")
    shell.ok("push", "--all", "--tags")
    shell.ok("switch", "-c", "side")
    shell.write("side.txt", b"side")
    shell.ok("add", "side.txt")
    shell.commit("on the side")
    shell.ok("switch", "main")
    shell.write("model.bin", draw.randbytes(SIZE))
    shell.commit("second", "--tag", "2026.2")
    shell.tick()
    shell.ok("merge", "side")
    shell.ok("alias", "set", "prod", "main", "-m", "better")
    shell.ok("notes", "add", "v1", "bad in rain", "incident=4711")
    shell.write("results.json", b'{"mAP50": 0.625}')
    shell.ok("eval", "add", "v1", "--dataset", "night@3", "--file", "results.json")
    shell.ok("push", "--all", "--tags")
    return shell


@pytest.fixture
def target(tmp_path: Path, monkeypatch: Any, source: Shell) -> Shell:
    """An empty repository of somebody else."""
    (tmp_path / "target").mkdir()
    init(tmp_path / "target")
    shell = Shell(tmp_path / "target", monkeypatch)
    monkeypatch.setenv("MVC_AUTHOR_NAME", "Ben")
    return shell


def refs(repository: Repository, model: str = "helmets") -> dict[str, Any]:
    """Each ref with its version; of an alias, all its moves."""
    found: dict[str, Any] = {}
    for kind in (HEADS, TAGS, ALIASES):
        for ref in repository.refs.all(model, kind):
            moves = [
                (entry.new, entry.move.by, entry.move.at, entry.move.reason) for entry in repository.refs.entries(ref)
            ]
            found[ref.text] = moves if kind == ALIASES else repository.refs.target(ref)
    return found


def files(root: Path) -> dict[str, bytes]:
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file() and not {"cache", "lock", "tmp"} & {*path.parts}
    }


def clean(shell: Shell) -> Said:
    assert not list(shell.folder.glob(".import*"))
    return shell.ok("fsck", "--read-data")


def test_random_histories_come_whole(made: Made, ben: Actor, rng: random.Random, tmp_path: Path, deep: bool) -> None:
    for number in range(40 if deep else 3):
        (tmp_path / f"files{number}").mkdir()
        one, other = made(f"one{number}"), made(f"other{number}")
        import_history(one, drawn(rng, tmp_path / f"files{number}", rng.randrange(1, 14)), ben)
        if not any(name.startswith("heads/") for name in refs(one)):  # each step of a branch lacks files
            with pytest.raises(errors.NotThere, match=r"has no (branch of|model) helmets"):
                import_source(Request(other, [f"{one.root}#helmets"], ben))
            continue
        for _ in range(2):
            import_source(Request(other, [f"{one.root}#helmets"], ben))
            assert refs(other) == refs(one)
        assert not fsck(other, read_data=True).findings


def test_versions_that_nobody_could_commit_are_left_out(made: Made, ben: Actor) -> None:
    one, other = made("one"), made("other")
    good = import_history(one, history(step("a")), ben).versions[0].id
    assert good is not None
    version = one.objects.version(good)
    entry = one.objects.tree(version.tree).entries[0]
    tree = one.objects.put_tree(Tree((entry._replace(path="../up.pt"),)))
    forged = [replace(version, number=7), replace(version, tree=tree), replace(version, number=3, parents=(good,))]
    ids = [one.objects.put_version(each) for each in forged]
    one.door.barrier()
    for number, id_ in enumerate(ids):
        one.refs.append(RefName("helmets", HEADS, f"b{number}"), None, id_, ben.move("forged"))
    done = import_source(Request(other, [f"{one.root}#helmets"], ben))
    assert {each.id for each in done.versions if each.how == NEW} == {good}
    assert [each.how for each in done.versions].count(LEFT_OUT) == 3
    assert sorted(refs(other)) == ["heads/b2", "heads/main"]
    assert not fsck(other).findings


@pytest.mark.parametrize(
    "place", ["../source#helmets", "../source", "../remote#helmets", "file://{top}/remote#helmets"]
)
def test_it_comes_with_its_ids_refs_and_notes(source: Shell, target: Shell, place: str, tmp_path: Path) -> None:
    before = files(source.folder), files(tmp_path / "remote")
    flag = [] if "#" in place or "source" in place else ["--mvc"]
    done = target.ok("import", *flag, place.format(top=tmp_path)).out
    assert refs(target.repository) == refs(source.repository)
    assert (files(source.folder), files(tmp_path / "remote")) == before
    assert "4 versions" in done
    for name in ("model.bin", "run.sh", "side.txt", "model.toml"):
        assert (target.folder / name).read_bytes() == (source.folder / name).read_bytes()
    assert (target.folder / "run.sh").stat().st_mode & 0o100
    assert "bad in rain" in target.ok("notes", "show", "v1").out
    assert "0.625" in target.ok("eval", "show", "v1").out
    assert target.ok("status").out.endswith("working tree clean.\n")
    clean(target)
    if "#" in place:
        other = target.ok("import", "--model", "hard", place.format(top=tmp_path)).out
        assert ("4 versions already imported" in other, "branch main: new" in other) == (True, True)
        assert ("Created model hard with 4 versions." in other, "Nothing new." in other) == (True, False)
    again = target.ok("import", place.format(top=tmp_path))
    assert ("Nothing new." in again.out, "warning" in again.err) == (True, False)


def test_only_what_is_new_is_fetched(source: Shell, target: Shell) -> None:
    first = target.ok("import", "--json", "../remote#helmets").json
    assert first["bytes_received"] > SIZE * 2
    assert documents.faults("import", first) == []
    source.write("model.bin", b"three" * SIZE)
    source.commit("third")
    source.ok("push")
    target.ok("import", "../remote#helmets")
    assert refs(target.repository)["heads/main"] == refs(source.repository)["heads/main"]
    second = target.ok("import", "--json", "../remote#helmets").json
    assert (second["bytes_received"], [each["how"] for each in second["versions"]]) == (0, ["known"] * 5)


def test_a_dry_run_says_what_would_come(source: Shell, target: Shell) -> None:
    before = files(target.folder)
    for place in ("../source#helmets", "../remote#helmets"):
        told = target.ok("import", "-n", "--json", place).json
        assert {each["id"] for each in told["versions"]} == {
            each["id"] for each in source.ok("log", "--all", "--json").json["versions"]
        }
        assert {each["how"] for each in told["versions"]} == {"new"}
        assert files(target.folder) == before


def test_another_model_of_that_name_is_left(source: Shell, target: Shell) -> None:
    target.ok("init", "--model", "helmets")
    target.write("own.bin", b"own")
    target.ok("add", "own.bin")
    own = target.commit("own")
    refused = target("import", "../source#helmets")
    assert (refused.code, "another history" in refused.err) == (13, True)
    assert refs(target.repository)["heads/main"] == own
    target.ok("import", "--model", "theirs", "../source#helmets")
    assert refs(target.repository, "theirs") == refs(source.repository)
    assert (target.folder / "theirs" / "model.bin").is_file()
    assert 'name = "theirs"' in (target.folder / "theirs" / "model.toml").read_text()
    clean(target)


def test_a_single_branch(source: Shell, target: Shell) -> None:
    target.ok("import", "--branch", "side", "../source#helmets")
    assert list(refs(target.repository)) == ["heads/side"]
    assert "No such branch" not in target("import", "--branch", "nothing", "../source#helmets").err
    assert target("import", "--branch", "nothing", "../source#helmets").code == 2


def test_files_that_the_source_lacks_are_named(source: Shell, target: Shell, tmp_path: Path) -> None:
    source.folder = tmp_path
    source.ok("clone", "--only", "run.sh", "remote", "partial")
    said = target("import", "../partial#helmets")
    assert said.code == 3
    assert "the source lacks model.bin" in said.err


def test_dropped_bytes_stay_dropped(source: Shell, target: Shell) -> None:
    for number in range(3):
        source.write("model.bin", bytes([number]) * SIZE)
        source.commit(f"more {number}")
    source.ok("alias", "set", "gone", "v4")
    source.ok("alias", "rm", "gone")
    assert source.ok("prune", "--keep-last", "1", "--unpushed", "--yes").out
    assert source("cat", "v5:model.bin").code != 0
    said = target.ok("import", "../source#helmets")
    assert "left out" not in said.err
    assert refs(target.repository)["heads/main"] == refs(source.repository)["heads/main"]
    ids = {each["id"] for each in source.ok("log", "--json").json["versions"]}
    assert {each["id"] for each in target.ok("log", "--json").json["versions"]} == ids
    clean(target)
    assert "dropped" in target("cat", "v5:model.bin").err
    assert "Nothing new." in target.ok("import", "../source#helmets").out


def test_damage_in_the_source_is_named_and_stays_there(source: Shell, target: Shell) -> None:
    for pack in [path for path in (source.folder / ".mvc" / "packs").rglob("*") if path.is_file()]:
        data = bytearray(pack.read_bytes())
        for place in range(100, len(data), 500):
            data[place] ^= 1
        pack.chmod(0o644)
        pack.write_bytes(data)
    shutil.rmtree(source.folder / ".mvc" / "cache")
    said = target("import", "../source#helmets")
    assert said.code == 3
    assert "left out" in said.err
    if target.repository.heads.models():
        clean(target)


def test_a_place_that_has_no_such_model(source: Shell, target: Shell) -> None:
    for place in ("../source#nothing", "../remote#nothing"):
        said = target("import", place)
        assert (said.code, "helmets" in said.err) == (2, True), said
    said = target("import", "../nowhere#x")
    assert said.code not in (0, 1)
    assert not list(target.folder.glob(".import*"))
    assert Model(target.repository, "helmets").names(HEADS) == []
