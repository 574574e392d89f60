"""A DVC repository as a history: weights of its cache, values, versions and stages of GTO."""

from __future__ import annotations

import hashlib
import os
import textwrap
from pathlib import Path

import pytest

import mvc
from mvc import errors
from mvc.porcelain.import_history import ImportedHistory
from tests.crash.harness import mvc as command
from tests.imports.dvc_repositories import NEW, OLD, DvcRepository
from tests.imports.git_repositories import Files

ONE, TWO = (b"\0" + bytes([number]) * 3000 for number in (1, 2))
TEXT = b"a text\r\nof two lines\r\n"
ARTIFACT = (
    b"artifacts:\n  helmet:\n    path: best.pt\n    type: model\n    labels: [cv, helmets]\n    desc: Finds helmets\n"
)


@pytest.fixture(params=[NEW, OLD])
def code(request: pytest.FixtureRequest, tmp_path: Path) -> DvcRepository:
    return DvcRepository(tmp_path / "detector", request.param)


def imported(code: DvcRepository, here: Path, **options: object) -> tuple[ImportedHistory, mvc.Model]:
    """Import a repository into a new one."""
    repo = mvc.open(here) if here.exists() else mvc.init(here, model="other")
    done = repo.imports.dvc(code.folder, **options)  # type: ignore[arg-type]
    return done, repo.model(done.model)


def contents(version: mvc.Version) -> dict[str, bytes]:
    return {file.name: file.read() for file in version.files.values()}


# --- contents


def test_files_and_folders_of_the_cache_are_those_of_the_version(code: DvcRepository, tmp_path: Path) -> None:
    models = {"a.pt": ONE, "deep/config.txt": TEXT, "empty.json": b""}
    first = code.git.commit({**code.tracked("out/best.pt", TWO), **code.tracked("models", models)})
    code.git.commit({**code.tracked("out/best.pt", ONE), **code.tracked("models", {"a.pt": TWO})}, [first])
    done, model = imported(code.write(), tmp_path / "here")
    assert [step.how for step in done.versions] == ["new", "new"]
    folder = {f"models/{path}": data for path, data in models.items()}
    assert contents(model["v1"]) == {"out/best.pt": TWO, **folder}
    assert contents(model["v2"]) == {"out/best.pt": ONE, "models/a.pt": TWO}
    again, _ = imported(code, tmp_path / "here")
    assert {step.how for step in again.versions} == {"known"}


@pytest.mark.parametrize("place", ["cache.dir", "config.local", "remote"])
def test_contents_are_found_where_the_settings_say(place: str, code: DvcRepository, tmp_path: Path) -> None:
    code.cache = tmp_path / "shared"
    code.git.commit(code.tracked("best.pt", ONE))
    remote = "['remote \"unused\"']\n    url = s3://bucket\n['remote \"disk\"']\n    url = ../../shared\n[core]\n    remote = disk\n"
    code.write(remote if place == "remote" else "[cache]\n    dir = ../../shared\n" if place == "cache.dir" else "")
    if place == "config.local":
        (code.folder / ".dvc" / "config.local").write_text(f"[cache]\ndir = {code.cache}\n", encoding="utf-8")
    _, model = imported(code, tmp_path / "here")
    assert contents(model["v1"]) == {"best.pt": ONE}


def test_a_wrong_content_is_refused_by_name(code: DvcRepository, tmp_path: Path) -> None:
    first = code.git.commit(code.tracked("best.pt", ONE))
    code.git.commit(code.tracked("best.pt", TWO), [first])
    code.write().place(code.cached(TWO)).write_bytes(ONE)
    done, model = imported(code, tmp_path / "here")
    assert [step.how for step in done.versions] == ["new", "left out"]
    assert "best.pt" in done.versions[1].notes[0]
    assert "md5" in done.versions[1].notes[0]
    assert model["main"] == model["v1"]


@pytest.mark.parametrize("what", ["file", "file of another size", "file of a folder", "folder", "wrong folder"])
def test_what_the_cache_lacks_is_named(what: str, code: DvcRepository, tmp_path: Path) -> None:
    files = {**code.tracked("best.pt", ONE), **code.tracked("models", {"a.pt": TWO})}
    code.git.commit(files)
    listed = next(path for path in code.place("aa").parents[1].rglob("*.dir"))
    code.write()
    of_file, of_folder = code.place(code.cached(ONE)), code.place(code.cached(TWO))
    if what == "file of another size":
        of_file.write_bytes(ONE[1:])
    elif what == "wrong folder":
        listed.write_bytes(b"[]")
    else:
        {"file": of_file, "file of a folder": of_folder, "folder": listed}[what].unlink()
    done = mvc.init(tmp_path / "here", model="other").imports.dvc(code.folder)
    assert done.versions[0].how == "left out"
    named = {"file of a folder": "models/a.pt", "folder": "models", "wrong folder": "models"}.get(what, "best.pt")
    assert done.versions[0].missing[0].startswith(f"{named} (")


def test_folders_of_data_are_left_alone(code: DvcRepository, tmp_path: Path) -> None:
    code.git.commit({**code.tracked("best.pt", ONE), **code.tracked("data", {"a.npz": TWO})})
    code.write()
    _, model = imported(code, tmp_path / "here")
    assert contents(model["v1"]) == {"best.pt": ONE}
    _, model = imported(code, tmp_path / "there", paths=["data/**"])
    assert contents(model["v1"]) == {"data/a.npz": TWO}


# --- values


def test_stages_have_outputs_parameters_and_metrics(code: DvcRepository, tmp_path: Path) -> None:
    pipeline = (
        b"stages:\n  train:\n    cmd: train\n    wdir: work\n    params: [lr, more.yaml: [a]]\n    outs: [best.pt]\n"
        b"    metrics:\n    - scores.json:\n        cache: false\n  old@1: {cmd: x, outs: [other.pt]}\nmetrics: [eval.json]\n"
    )
    outs = {"train": code.out("best.pt", ONE), "gone": code.out("gone.pt", TWO)}
    stages = "".join(f"  {name}:\n    outs:\n{textwrap.indent(lines, '    ')}" for name, lines in outs.items())
    files: Files = {
        "dvc.yaml": pipeline,
        "dvc.lock": f"schema: '2.0'\nstages:\n{stages}".encode(),
        "work/params.yaml": b"lr: 0.1\n",
        "work/scores.json": b'{"acc": 0.9}',
        "eval.json": b'{"acc": 0.1, "recall": 0.8}',
    }
    code.git.commit(files)
    done, model = imported(code.write(), tmp_path / "here")
    version = model["v1"]
    assert contents(version)["work/best.pt"] == ONE
    assert "gone.pt" not in contents(version)
    assert version.parameters == {"lr": 0.1}
    assert version.metrics == {"acc": 0.9, "recall": 0.8}
    assert "eval.json: acc is a metric of another file, too" in done.versions[0].notes


def test_weights_in_git_come_in_as_well(code: DvcRepository, tmp_path: Path) -> None:
    code.git.commit({**code.tracked("best.pt", ONE), "head.onnx": TWO, "params.yaml": b"lr: 0.1\n"})
    _, model = imported(code.write(), tmp_path / "here")
    assert contents(model["v1"]) == {"best.pt": ONE, "head.onnx": TWO, "params.yaml": b"lr: 0.1\n"}


# --- GTO


def test_versions_are_tags_and_stages_aliases(code: DvcRepository, tmp_path: Path) -> None:
    first = code.git.commit({**code.tracked("best.pt", ONE), "dvc.yaml": ARTIFACT})
    second = code.git.commit({**code.tracked("best.pt", TWO), "dvc.yaml": ARTIFACT}, [first])
    events = ["@v1.0.0", "@v2.0.0", "#prod#1", "#prod#2", "#prod!#3", "#edge#4", "@v2.0.0!#5"]
    on = [first, second, first, second, second, second, second]
    for minute, (event, number) in enumerate(zip(events, on, strict=True)):
        code.git.tag(f"helmet{event}", number, f"because of {event}", 1_770_109_200 + 60 * minute)
    code.git.tag("helmet@v1", first, "a version without dots")
    code.git.tag("release", first)
    done, model = imported(code.write(), tmp_path / "here")
    assert done.model == "helmet"
    assert {tag.name: tag.id for tag in model.tags.all()} == {
        "v1.0.0": model["v1"].id,
        "helmet-v1": model["v1"].id,
        "release": model["v1"].id,
    }
    moves = [(moved.new, moved.move.by, moved.move.reason) for moved in model.aliases.log("prod").moves[::-1]]
    one, two = model["v1"].id, model["v2"].id
    cleo = "Cleo <cleo@example.org>"
    assert moves == [
        (one, cleo, "because of #prod#1"), (two, cleo, "because of #prod#2"), (one, cleo, "because of #prod!#3"),
    ]  # fmt: skip
    assert [alias.name for alias in model.aliases.all()] == [
        "prod"
    ]  # edge was at the version that is registered no longer
    assert (model["v1"].about["tags"], model["v1"].about["description"]) == (["cv", "helmets"], "Finds helmets")


def test_one_of_several_artifacts_is_named(code: DvcRepository, tmp_path: Path) -> None:
    two = ARTIFACT + b"  head:\n    path: head.onnx\n"
    first = code.git.commit({**code.tracked("best.pt", ONE), **code.tracked("head.onnx", TWO), "dvc.yaml": two})
    code.git.tag("head@v1.0.0", first, "one")
    code.git.tag("helmet@v3.0.0", first, "other")
    code.write()
    with pytest.raises(errors.WhichArtifact, match="head, helmet"):
        imported(code, tmp_path / "here")
    with pytest.raises(errors.NoSuchArtifact):
        imported(code, tmp_path / "here", artifact="other")
    done, model = imported(code, tmp_path / "here", artifact="head")
    assert (done.model, contents(model["v1"]), list(model.tags)) == ("head", {"head.onnx": TWO}, ["v1.0.0"])
    here = os.fspath(tmp_path / "here")
    assert "Created model helmet" in command(
        Path(here), "import", "--dvc", os.fspath(code.folder), "--artifact", "helmet"
    )


# --- what others wrote


@pytest.mark.parametrize(
    "text",
    [
        "outs: [{md5: 00000000000000000000000000000000, path: ../../../etc/passwd.pt}]",
        "outs: [{md5: 00000000000000000000000000000000, path: /etc/passwd.pt}]",
        "outs: [{md5: ../../../../../etc/passwd, path: a.pt}]",
        "outs: [{md5: 0000, path: a.pt}]",
        "outs: [{path: a.pt}, 7, null]",
        "outs: {a: b}",
        "wdir: ../..\nouts: [{md5: 00000000000000000000000000000000, path: a.pt}]",
        "a: &a [1]\nb: [*a, *a]",
        "[" * 200,
        "\x00",
        "!!python/object/apply:os.system [touch ran]",
    ],
)
def test_a_hostile_file_of_dvc_does_no_harm(text: str, tmp_path: Path) -> None:
    code = DvcRepository(tmp_path / "detector")
    code.git.commit({**code.tracked("best.pt", ONE), "evil.dvc": text.encode(), "sub/dvc.yaml": text.encode()})
    _, model = imported(code.write(), tmp_path / "here")
    assert contents(model["v1"]) == {"best.pt": ONE}


@pytest.mark.parametrize(
    "path", ["../out.pt", "/etc/passwd", ".git/config", "a/../../b.pt", "a\\..\\b.pt", "", "con.pt"]
)
def test_a_hostile_list_of_files_is_refused(path: str, tmp_path: Path) -> None:
    code = DvcRepository(tmp_path / "detector")
    first = code.git.commit(code.tracked("best.pt", ONE))
    code.git.commit({**code.tracked("best.pt", ONE), **code.tracked("models", {path: TWO, "a.pt": TWO})}, [first])
    done, _ = imported(code.write(), tmp_path / "here")
    assert done.versions[0].how == "new"
    assert [step.how for step in done.versions[1:]] in ([], ["left out"])
    assert not (tmp_path / "out.pt").exists()


def test_what_is_no_dvc_repository_is_refused(tmp_path: Path) -> None:
    code = DvcRepository(tmp_path / "detector")
    code.git.commit({"best.pt": ONE})
    code.git.write()
    with pytest.raises(errors.NotDvc):
        imported(code, tmp_path / "here")


def test_checksums_are_cached_but_not_those_of_a_dry_run(tmp_path: Path) -> None:
    code = DvcRepository(tmp_path / "detector", NEW)
    code.git.commit(code.tracked("best.pt", ONE))
    repo = mvc.init(tmp_path / "here", model="other")
    cache = tmp_path / "here" / ".mvc" / "cache" / "checksums"
    repo.imports.dvc(code.write().folder, dry_run=True)
    assert not cache.exists()
    repo.imports.dvc(code.folder)
    assert hashlib.md5(ONE).hexdigest().encode() in cache.read_bytes()
