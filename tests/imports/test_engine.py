"""A history outside mvc becomes versions: the same for everybody, each once, and nothing that the source does not have."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from mvc import errors
from mvc.model.ids import VersionId, digest
from mvc.model.version import Person, Timestamp
from mvc.porcelain.fsck import fsck
from mvc.porcelain.import_history import ImportedHistory, import_history
from mvc.porcelain.init import init
from mvc.porcelain.undo import undo
from mvc.repository.imports.importer import KNOWN, LEFT_OUT, NEW
from mvc.repository.imports.source import AliasMove, Checksum, SourceFile, SourceHistory, VersionObjects
from mvc.repository.model import Model
from mvc.repository.repository import Actor, Repository
from mvc.storage.records.reflog import ALIASES, HEADS, TAGS, RefName
from tests.imports.conftest import Made
from tests.imports.sources import ANA, BEN, START, drawn, file, history, step


def hows(done: ImportedHistory) -> list[str]:
    return [each.how for each in done.versions]


def ids(done: ImportedHistory) -> dict[str, VersionId | None]:
    return {each.key: each.id for each in done.versions}


def targets(repository: Repository) -> dict[str, VersionId | None]:
    """Each ref with its version."""
    return {
        ref.text: repository.refs.target(ref)
        for kind in (HEADS, TAGS, ALIASES)
        for ref in repository.refs.all("helmets", kind)
    }


def names(repository: Repository) -> Iterator[str]:
    """The files of a store, but for caches and the lock."""
    top = repository.root / ".mvc"
    return (
        path.relative_to(top).as_posix()
        for path in top.rglob("*")
        if path.is_file() and not {"cache", "lock"} & {*path.parts}
    )


# --- the same versions for everybody


def test_two_people_get_the_same_ids(made: Made, rng: random.Random, tmp_path: Path, deep: bool) -> None:
    for number in range(60 if deep else 6):
        folder = tmp_path / f"source{number}"
        folder.mkdir()
        source = drawn(rng, folder, rng.randrange(1, 12))
        one, other = made(f"one{number}"), made(f"other{number}")
        first = import_history(one, source, Actor(ANA, Timestamp(1)))
        if rng.random() < 0.5:  # in parts, as the source grew
            part = rng.randrange(1, len(source.steps) + 1)
            before = replace(
                source, steps=source.steps[:part], branches={"main": source.steps[part - 1].key}, tags={}, aliases=()
            )
            import_history(other, before, Actor(BEN, Timestamp(2)), model="helmets")
        second = import_history(other, source, Actor(BEN, Timestamp(3)), model="helmets")
        assert ids(first) == ids(second)
        assert [each.how == LEFT_OUT for each in first.versions] == [bool(each.missing) for each in source.steps]
        for repository in (one, other):
            assert not fsck(repository, read_data=True).findings
        again = import_history(one, source, Actor(BEN, Timestamp(4)))
        assert NEW not in hows(again)
        assert (again.refs, ids(again)) == ((), ids(first))


def test_a_version_says_who_made_it_and_not_who_imported_it(made: Made, ben: Actor) -> None:
    repository = made("r")
    done = import_history(repository, history(step("a"), step("b", "a")), ben)
    version = repository.objects.version(done.versions[1].id)  # type: ignore[arg-type]
    assert (version.author, version.time, version.message) == (ANA, Timestamp(START), "message of b")
    assert (version.number, version.parents) == (2, (done.versions[0].id,))
    entry = repository.refs.tip(RefName("helmets", HEADS, "main"))
    assert entry is not None
    assert (entry.move.by, entry.move.reason) == (str(BEN), "import: made")


def test_the_name_in_a_version_is_that_of_the_source(made: Made, ben: Actor) -> None:
    source = history(step("a"))
    one, other = made("one"), made("other")
    first = import_history(one, source, ben)
    second = import_history(other, source, ben, model="mine")
    assert ids(first) == ids(second)
    assert b'name = "mine"' in (other.root / "model.toml").read_bytes()


def test_exact_objects_give_the_same_id_and_their_files_are_checked(made: Made, ben: Actor) -> None:
    one = made("one")
    done = import_history(one, history(step("a")), ben)
    version = one.objects.version(done.versions[0].id)  # type: ignore[arg-type]
    objects = VersionObjects(
        version,
        one.objects.manifest(version.manifest),
        one.objects.tree(version.tree),
        one.extract.small(version.model_toml),
    )
    exact = step("x", data=b"a", message="of no use", objects=objects)
    assert ids(import_history(made("two"), history(exact), ben)) == {"x": done.versions[0].id}
    other = import_history(made("three"), history(step("x", data=b"b", objects=objects)), ben)
    assert hows(other) == [LEFT_OUT]
    assert "its id is" in other.versions[0].notes[0]
    forged = replace(objects, model_toml=objects.model_toml + b"\n")
    assert hows(import_history(made("four"), history(step("x", data=b"a", objects=forged)), ben)) == [LEFT_OUT]


# --- what cannot be imported


def test_children_of_a_step_without_its_files_become_those_of_its_parents(made: Made, ben: Actor) -> None:
    source = history(
        step("a"),
        step("b", "a", missing=("w.pt",)),
        step("c", "b"),
        step("d", "b", "c"),
        step("r", missing=("w.pt",)),
        step("e", "r", "d"),
        branches={"main": "d", "old": "b"},
    )
    repository = made("r")
    done = import_history(repository, source, ben)
    assert hows(done) == [NEW, LEFT_OUT, NEW, NEW, LEFT_OUT, NEW]
    found = ids(done)
    parents = {key: repository.objects.version(id_).parents for key, id_ in found.items() if id_ is not None}
    assert parents == {"a": (), "c": (found["a"],), "d": (found["a"], found["c"]), "e": (found["d"],)}
    assert [each.number for each in done.versions] == [1, None, 2, 2, None, 3]
    assert done.versions[1].notes == ("the source lacks w.pt",)
    assert targets(repository) == {"heads/main": found["d"], "heads/old": found["a"]}


@pytest.mark.parametrize("algorithm", ["sha256", "md5"])
@pytest.mark.parametrize("on_disk", [True, False])
def test_a_file_with_another_checksum_is_left_out_by_name(
    made: Made, ben: Actor, tmp_path: Path, algorithm: str, on_disk: bool
) -> None:
    right = file(b"right", algorithm=algorithm)
    wrong = replace(file(b"wrong", place=tmp_path / "wrong" if on_disk else None), checksum=right.checksum)
    repository = made("r")
    done = import_history(repository, history(step("a", files=[wrong]), step("b", "a")), ben)
    assert hows(done) == [LEFT_OUT, NEW]
    assert f"model.pt of a is not the recorded file: its {algorithm} is" in done.versions[0].notes[0]
    assert not done.is_whole
    assert repository.recipes.best(digest(b"wrong")) is None  # type: ignore[arg-type]


@pytest.mark.parametrize("size", [2, 9])
def test_a_file_of_another_size_is_left_out(made: Made, ben: Actor, size: int) -> None:
    done = import_history(made("r"), history(step("a", files=[replace(file(b"12345"), size=size)])), ben)
    assert hows(done) == [LEFT_OUT]
    assert f"its size is {'more' if size == 2 else 5} bytes" in done.versions[0].notes[0]


@pytest.mark.parametrize(
    ("path", "role"),
    [("../up.pt", "w"), ("/abs.pt", "w"), (".git/hooks/x", "w"), ("a\\b", "w"), ("nul.pt", "w"), ("model.toml", "w"),
     ("x.pt", "-w"), ("x.pt", "a:b"), ("x.pt", "\n")],
)  # fmt: skip
def test_hostile_paths_and_roles_are_left_out(made: Made, ben: Actor, path: str, role: str) -> None:
    repository = made("r")
    before = set(names(repository))
    done = import_history(repository, history(step("a", files=[file(b"x", path, role)])), ben)
    assert hows(done) == [LEFT_OUT]
    assert set(names(repository)) - before == set()


def test_links_and_absent_files_are_left_out(made: Made, ben: Actor, tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"secret")
    (tmp_path / "link").symlink_to(tmp_path / "secret")
    steps = [step(name, files=[SourceFile("m.pt", "w", tmp_path / name)]) for name in ("link", "gone", "r")]
    done = import_history(made("r"), history(*steps), ben)
    assert hows(done) == [LEFT_OUT] * 3


def test_values_that_a_version_cannot_have_are_left_out_and_named(made: Made, ben: Actor) -> None:
    sections = {
        "metrics": {"a": float("nan"), "b": 0.5, "c": "x"},
        "parameters": {"p": None, "q": 1, "k": "hf_" + "a" * 34},
    }
    repository = made("r")
    done = import_history(repository, history(step("a", sections=sections)), ben)
    manifest = repository.objects.manifest(repository.objects.version(done.versions[0].id).manifest)  # type: ignore[arg-type]
    assert (dict(manifest.metrics), manifest.parameters["q"]) == ({"b": 0.5}, 1)
    notes = "; ".join(done.versions[0].notes)
    assert all(
        text in notes for text in ("metrics.a left out: it is nan", "metrics.c", "parameters.p", "looks like a secret")
    )


def test_authors_and_messages_as_other_systems_have_them(made: Made, ben: Actor) -> None:
    odd = step("a", author=Person("A\n<b>", "a b@c>\x00"), message="\ud800 \n")
    empty = step("b", "a", author=Person("", ""), message=" ")
    repository = made("r")
    done = import_history(repository, history(odd, empty), ben)
    versions = [repository.objects.version(id_) for id_ in ids(done).values() if id_ is not None]
    assert [version.author for version in versions] == [Person("Ab", "ab@c"), Person("unknown", "")]
    assert [version.message for version in versions] == ["?", "b"]


# --- reads


def test_a_content_is_read_once_also_by_later_imports(made: Made, ben: Actor) -> None:
    reads = []

    def write(sink: object) -> None:
        reads.append(1)
        sink(b"data" * 5_000)  # type: ignore[operator]

    sum_ = Checksum("sha256", hashlib.sha256(b"data" * 5_000).hexdigest())
    files = [SourceFile("m.pt", "w", write, checksum=sum_, remote=True)]
    source = history(step("a", files=files), step("b", "a", files=files))
    repository = made("r")
    preview = import_history(repository, source, ben, dry_run=True)
    assert (hows(preview), set(ids(preview).values()), reads) == ([NEW, NEW], {None}, [])
    assert hows(import_history(repository, source, ben)) == [NEW, NEW]
    assert hows(import_history(Repository(repository.root), source, ben)) == [KNOWN, KNOWN]
    assert reads == [1]
    preview = import_history(repository, source, ben, dry_run=True)
    assert (hows(preview), reads) == ([KNOWN, KNOWN], [1])


def test_an_import_that_broke_off_goes_on_where_it_ended(made: Made, ben: Actor) -> None:
    calls, broken = list[str](), [True]

    def content(key: str) -> SourceFile:
        def write(sink: object) -> None:
            calls.append(key)
            if key == "c" and broken:
                raise errors.RemoteUnreachable(remote="hub", reason="it hung up")
            sink(key.encode() * 5_000)  # type: ignore[operator]

        data = key.encode() * 5_000
        return SourceFile(
            "m.pt", "w", write, len(data), Checksum("sha256", hashlib.sha256(data).hexdigest()), remote=True
        )

    source = history(*(step(key, *above, files=[content(key)]) for key, above in (("a", ""), ("b", "a"), ("c", "b"))))
    repository = made("r")
    init(repository.root, root=repository.root, model="helmets")
    with pytest.raises(errors.RemoteUnreachable):
        import_history(repository, source, ben)
    assert not fsck(repository, read_data=True).findings
    assert targets(repository) == {}
    broken.clear()
    assert hows(import_history(Repository(repository.root), source, ben)) == [KNOWN, KNOWN, NEW]
    assert calls == ["a", "b", "c", "c"]


def test_a_dry_run_tells_the_ids_and_writes_nothing(made: Made, ben: Actor, rng: random.Random, tmp_path: Path) -> None:
    repository = made("r")
    before = sorted(names(repository))
    source = drawn(rng, tmp_path, 8)
    told = import_history(repository, source, ben, dry_run=True)
    assert sorted(names(repository)) == before
    done = import_history(repository, source, ben)
    assert (told.versions, told.refs) == (done.versions, ())
    assert {each.how for each in import_history(repository, source, ben, dry_run=True).versions} <= {KNOWN, LEFT_OUT}


# --- refs


def test_a_branch_is_fast_forwarded_and_a_diverged_one_left(made: Made, ben: Actor) -> None:
    repository = made("r")
    first = ids(import_history(repository, history(step("a")), ben))
    grown = import_history(repository, history(step("a"), step("b", "a")), ben)
    assert [(each.name, each.old, each.new) for each in grown.refs] == [("main", first["a"], ids(grown)["b"])]
    assert grown.warnings == ()
    other = import_history(repository, history(step("a"), step("c", "a")), ben)
    assert targets(repository) == {"heads/main": ids(grown)["b"], "heads/import/main": ids(other)["c"]}
    assert other.warnings == ("branch main has other versions and was left; see branch import/main",)
    assert (repository.root / "model.pt").read_bytes() == b"b" * 3_000


def test_a_model_with_another_history_is_not_mixed_by_chance(made: Made, ben: Actor) -> None:
    repository = made("r")
    import_history(repository, history(step("a")), ben)
    before = sorted(names(repository))
    with pytest.raises(errors.OtherHistory) as refused:
        import_history(repository, history(step("x")), ben)
    assert "--model helmets" in refused.value.hint
    assert sorted(names(repository)) == before
    done = import_history(repository, history(step("x")), ben, model="helmets")
    assert [each.name for each in done.refs] == ["import/main"]


def test_tags_never_move(made: Made, ben: Actor) -> None:
    repository = made("r")
    steps = (step("a"), step("b", "a"))
    import_history(repository, history(*steps, tags={"v1.0": "a", "bad name": "a", "main": "a"}), ben)
    again = import_history(repository, history(*steps, tags={"v1.0": "b"}), ben)
    assert len(again.warnings) == 1
    assert targets(repository)["tags/v1.0"] == again.versions[0].id


def test_aliases_get_the_moves_of_the_source(made: Made, ben: Actor) -> None:
    repository = made("r")
    steps = (step("a"), step("b", "a"))
    moves = [
        AliasMove("prod", "a", ANA, Timestamp(START + 1), "first"),
        AliasMove("prod", "b", ANA, Timestamp(START + 2), "better"),
    ]
    import_history(repository, history(*steps, aliases=moves[:1]), ben)
    done = import_history(
        repository, history(*steps, aliases=[*moves, AliasMove("prod", None, BEN, Timestamp(START + 3), "")]), ben
    )
    entries = repository.refs.entries(RefName("helmets", ALIASES, "prod"))
    found = ids(done)
    assert [(each.new, each.move.by, each.move.reason) for each in entries] == [
        (found["a"], str(ANA), "first"),
        (found["b"], str(ANA), "better"),
        (None, str(BEN), ""),
    ]
    moved = import_history(repository, history(*steps, aliases=[replace(moves[0], reason="x", author=BEN)]), ben)
    assert moved.warnings == ("alias prod has other moves here and was left",)


def test_the_working_tree_follows_unless_edited_files_are_in_the_way(made: Made, ben: Actor) -> None:
    repository = made("r")
    import_history(repository, history(step("a")), ben)
    (repository.root / "model.pt").write_bytes(b"edited")
    source = history(step("a"), step("b", "a"), tags={"t": "b"})
    before = targets(repository)
    with pytest.raises(errors.ImportInTheWay, match=r"1 file would be lost:\n  model\.pt: edited and not committed"):
        import_history(repository, source, ben)
    assert targets(repository) == before
    (repository.root / "model.pt").write_bytes(b"a" * 3_000)
    assert sorted(each.name for each in import_history(repository, source, ben).refs) == ["main", "t"]


@pytest.mark.parametrize("known", [True, False])
def test_files_in_the_way_of_a_new_model_are_seen_before_anything_is_stored(
    made: Made, ben: Actor, known: bool
) -> None:
    repository = made("r")
    one = file(b"b" * 3_000, "weights/best.pt")
    two = file(b"lr: 1" * 9, "args.yaml", "args")
    far = replace(one, size=None, remote=True)
    source = history(step("a"), step("b", "a", files=(one if known else far, two)), tags={"t": "a"})
    (repository.root / "weights").mkdir()
    (repository.root / "weights" / "best.pt").write_bytes(b"mine")
    if known:
        (repository.root / "args.yaml").write_bytes(b"lr: 2" * 9)  # of the same size
    listed = r"2 files would be lost:\n  args\.yaml: not tracked, and in the way\n  weights/best\.pt"
    with pytest.raises(errors.ImportInTheWay, match=listed if known else "1 file would be lost"):
        import_history(repository, source, ben)
    assert repository.heads.models() == []
    assert not (repository.root / "model.toml").exists()
    assert (repository.root / "weights" / "best.pt").read_bytes() == b"mine"
    for path in ("weights/best.pt", "args.yaml") if known else ("weights/best.pt",):
        (repository.root / path).unlink()
    (repository.root / "args.yaml").write_bytes(b"lr: 1" * 9)  # the same content is not in the way
    preview = import_history(repository, source, ben, dry_run=True)
    assert preview.written == ("args.yaml", "weights/best.pt", "model.toml")
    done = import_history(repository, source, ben)
    assert hows(done) == [NEW, NEW] if known else [KNOWN, KNOWN]
    assert (done.created, set(done.written)) == (True, {"weights/best.pt", "model.toml"})


def test_the_first_checkout_is_of_main_where_the_source_has_it(made: Made, ben: Actor) -> None:
    steps = step("a", files=[file(b"a", "old.pt")]), step("b", "a", files=[file(b"b", "new.pt")])
    for name, path in (("main", "new.pt"), ("next", "old.pt")):
        source = history(*steps, branches={"old": "a", name: "b"})
        repository = made(name)
        for dry_run in (True, False):
            done = import_history(repository, source, ben, dry_run=dry_run)
            assert set(done.written) == {path, "model.toml"}


def test_an_import_is_undone_as_one_command(made: Made, ben: Actor) -> None:
    repository = made("r")
    source = history(step("a"), step("b", "a"), tags={"t": "a"}, branches={"main": "b", "side": "a"})
    import_history(repository, source, ben)
    model = Model(repository, "helmets")
    undo(model, ben)
    assert set(targets(repository).values()) == {None}
    assert not (repository.root / "model.pt").exists()
    assert hows(import_history(repository, source, ben)) == [KNOWN, KNOWN]
    assert (repository.root / "model.pt").read_bytes() == b"b" * 3_000


def test_a_model_toml_that_names_no_files_yet_is_replaced(made: Made, ben: Actor, tmp_path: Path) -> None:
    repository = made("r")
    init(repository.root, root=repository.root, model="helmets")
    import_history(repository, history(step("a")), ben, model="helmets")
    assert b"model.pt" in (repository.root / "model.toml").read_bytes()


def test_an_empty_source_is_refused(made: Made, ben: Actor) -> None:
    with pytest.raises(errors.NothingToImport, match="exp1 left out"):
        import_history(made("r"), SourceHistory("made", "m", (), warnings=("exp1 left out",)), ben)
