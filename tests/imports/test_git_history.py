"""A Git repository as a history: which commits are versions, with which files, roles, values and names."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

import mvc
from mvc import errors
from mvc.porcelain.import_history import ImportedHistory
from tests.crash.harness import mvc as command
from tests.hostile.test_git import SETTINGS
from tests.imports.git_repositories import Repository, pointer

ONE, TWO, THREE = (bytes([number]) * 3000 for number in (1, 2, 3))
ARGS = b"task: detect\ndata: sets/helmets.yaml\nlr0: 0.01\n"
RESULTS = b"epoch,metrics/mAP50(B),metrics/mAP50-95(B)\n1,0.5,0.3\n2,0.7,0.6\n3,0.8,0.4\n"
CLASSES = b"nc: 2\nnames: [helmet, head]\n"


@pytest.fixture
def code(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "detector")


def imported(repository: Repository, here: Path, **options: object) -> tuple[ImportedHistory, mvc.Model]:
    """Import a repository into a new one."""
    repo = mvc.open(here) if here.exists() else mvc.init(here, model="other")
    done = repo.imports.git(repository.folder, **options)  # type: ignore[arg-type]
    return done, repo.model("other" if done.dry_run else done.model)


def _ids(repository: Repository, *commits: str) -> list[str]:
    return [repository.git("rev-parse", f"{commit}:best.pt").strip() for commit in commits]


def roles(version: mvc.Version) -> dict[str, str]:
    return {role: file.name for role, file in version.files.items()}


# --- which commits, and what of them


def test_a_commit_that_changes_weights_is_a_version(code: Repository, tmp_path: Path) -> None:
    first = code.commit(
        {"best.pt": ONE, "train.py": b"1"}, message="First\n\nbaseline", author="Ana <a@x> 1770109200 +0130"
    )
    second = code.commit({"best.pt": ONE, "train.py": b"2"}, [first], message="Only code")
    code.commit({"best.pt": TWO, "train.py": b"2"}, [second], message="Better")
    done, model = imported(code.write(), tmp_path / "here")
    assert [step.message for step in done.versions] == ["First", "Better"]
    version = model["v1"]
    assert (version.message, str(version.author), str(version.time)) == (
        "First\n\nbaseline", "Ana <a@x>", "2026-02-03T10:30:00+01:30",
    )  # fmt: skip
    assert version.code == mvc.Code(done.versions[0].key, None, None, dirty=False)
    assert model["main"].parents == (version,)
    assert model["main"].files["model-latest"].read() == TWO
    assert done.model == "detector"


def test_a_merge_has_both_parents_unless_a_side_adds_nothing(code: Repository, tmp_path: Path) -> None:
    base = code.commit({"best.pt": ONE})
    left = code.commit({"best.pt": TWO}, [base], branch="left")
    only_code = code.commit({"best.pt": ONE, "a.py": b"1"}, [base], branch="code")
    plain = code.commit({"best.pt": TWO, "a.py": b"1"}, [left, only_code], branch="left", message="adds nothing")
    right = code.commit({"best.pt": THREE}, [base], branch="right")
    code.commit({"best.pt": THREE, "a.py": b"1"}, [plain, right], message="takes the other side")
    done, model = imported(code.write(), tmp_path / "here")
    assert "adds nothing" not in [step.message for step in done.versions]
    assert model["main"].parents == (model["left"], model["right"])
    assert model["code"] == model["v1"]


def test_weights_that_were_deleted_have_no_version_until_they_are_back(code: Repository, tmp_path: Path) -> None:
    first = code.commit({"best.pt": ONE})
    gone = code.commit({"a.py": b"1"}, [first])
    again = code.commit({"best.pt": ONE}, [gone])
    code.commit({"best.pt": TWO}, [again])
    done, model = imported(code.write(), tmp_path / "here")
    assert len(done.versions) == 2
    assert model["main"].parents == (model["v1"],)


def test_a_renamed_file_keeps_its_role(code: Repository, tmp_path: Path) -> None:
    first = code.commit({"best.pt": ONE, "helmet.onnx": TWO, "head.onnx": THREE})
    second = code.commit({"best.pt": ONE, "export/h.onnx": TWO, "export/head.onnx": ONE}, [first])
    code.commit({"old/best.pt": THREE, "export/h.onnx": TWO, "export/head.onnx": ONE}, [second])
    _, model = imported(code.write(), tmp_path / "here")
    assert roles(model["v1"]) == {"model-latest": "best.pt", "helmet": "helmet.onnx", "head": "head.onnx"}
    assert roles(model["v2"]) == {"model-latest": "best.pt", "helmet": "export/h.onnx", "head": "export/head.onnx"}
    assert roles(model["v3"])["model-latest"] == "old/best.pt"


def test_the_newest_run_has_the_latest_weights(code: Repository, tmp_path: Path) -> None:
    first = {"runs/exp1/weights/best.pt": ONE, "runs/exp1/args.yaml": ARGS, "runs/exp1/results.csv": RESULTS}
    next_ = {path.replace("exp1", "exp2"): data for path, data in first.items()} | {"runs/exp2/weights/best.pt": TWO}
    number = code.commit({**first, "sets/helmets.yaml": CLASSES})
    code.commit({**first, **next_, "sets/helmets.yaml": CLASSES}, [number])
    _, model = imported(code.write(), tmp_path / "here")
    assert roles(model["v2"]) == {
        "model-latest": "runs/exp2/weights/best.pt",
        "best": "runs/exp1/weights/best.pt",
        "args": "runs/exp2/args.yaml",
        "results": "runs/exp2/results.csv",
        "labelmap": "sets/helmets.yaml",
    }
    version = model["v1"]
    assert version.labelmap == {0: "helmet", 1: "head"}
    assert version.parameters["lr0"] == 0.01
    assert version.metrics == {"metrics/mAP50(B)": 0.7, "metrics/mAP50-95(B)": 0.6}  # of the best epoch


def test_values_at_the_top_belong_to_weights_without_any(code: Repository, tmp_path: Path) -> None:
    files = {"models/best.pt": ONE, "params.yaml": b"lr: 1e-3\n", "metrics.json": b'{"val": {"acc": 0.9}}'}
    first = code.commit({**files, "data.yaml": CLASSES})
    code.commit({**files, "data.yaml": CLASSES, "metrics.json": b'{"val": {"acc": 0.8}}'}, [first])
    _, model = imported(code.write(), tmp_path / "here")
    version = model["v2"]
    assert (version.parameters, version.metrics) == ({"lr": 0.001}, {"val.acc": 0.8})
    assert version.labelmap == {0: "helmet", 1: "head"}
    model.switch("main")
    assert model.status().clean


def test_values_that_cannot_be_read_are_a_warning(code: Repository, tmp_path: Path) -> None:
    code.commit({"best.pt": ONE, "params.yaml": b"a: [1\n"})
    done, model = imported(code.write(), tmp_path / "here")
    assert "no parameters from params.yaml" in done.versions[0].notes[0]
    assert model["v1"].parameters == {}


def test_patterns_choose_the_files(code: Repository, tmp_path: Path) -> None:
    first = code.commit({"a/best.pt": ONE, "a/config.txt": b"1", "b/best.pt": TWO})
    code.commit({"a/best.pt": ONE, "a/config.txt": b"1", "b/best.pt": THREE}, [first])
    done, model = imported(code.write(), tmp_path / "here", paths=["a/**"], model="a")
    assert len(done.versions) == 1
    assert roles(model["v1"]) == {"model-latest": "a/best.pt", "config": "a/config.txt"}


def test_one_branch_can_be_imported(code: Repository, tmp_path: Path) -> None:
    first = code.commit({"best.pt": ONE})
    code.commit({"best.pt": TWO}, [first], branch="side")
    done, model = imported(code.write(), tmp_path / "here", branch="main")
    assert (len(done.versions), list(model.branches)) == (1, ["main"])
    with pytest.raises(errors.NothingToImport, match="no branch other"):
        imported(code, tmp_path / "here", branch="other")


def test_names_that_mvc_lacks_are_changed_or_named(code: Repository, tmp_path: Path) -> None:
    first = code.commit({"best.pt": ONE})
    for name in ("v1", "release-1", "a@b", "beef"):
        code.tag(name, first, "why" if name == "v1" else "")
    done, model = imported(code.write(), tmp_path / "here")
    assert set(model.tags) == {"detector-v1", "release-1", "detector-beef"}
    assert [warning for warning in done.warnings if "a@b" in warning]


def test_odd_entries_and_commits_do_no_harm(code: Repository, tmp_path: Path) -> None:
    code.commit({"best.pt": ONE})
    repository = code.write()
    tree = repository.git("rev-parse", "main^{tree}").strip()
    odd = f"tree {tree}\nauthor <> -99999999999 +9999\ncommitter x\nencoding nothing\n\n \n".encode()
    made = ["git", "-C", os.fspath(repository.folder), "hash-object", "-t", "commit", "-w", "--stdin", "--literally"]
    done_ = subprocess.run(made, input=odd, capture_output=True, check=True)
    repository.git("update-ref", "refs/heads/main", done_.stdout.decode().strip())
    link = subprocess.run(
        ["git", "-C", repository.folder, "hash-object", "-w", "--stdin"],
        input=b"/etc/passwd",
        capture_output=True,
        check=True,
    )
    for mode, oid, path in (
        ("120000", link.stdout.decode().strip(), "link.pt"),
        ("160000", repository.git("rev-parse", "HEAD").strip(), "sub.pt"),
    ):
        repository.git("update-index", "--add", "--cacheinfo", f"{mode},{oid},{path}")
    repository.git("read-tree", "--prefix=deep/", "HEAD")
    repository.git("-c", "user.name=A", "-c", "user.email=a@x", "commit", "-q", "-m", "odd entries")
    done, model = imported(repository, tmp_path / "here")
    assert [step.how for step in done.versions] == ["new", "new"]
    assert roles(model["main"]) == {"model-latest": "deep/best.pt"}
    assert (str(model["v1"].author), model["v1"].time.seconds) == ("unknown <>", 0)


# --- the same for everybody


def test_the_current_branch_is_checked_out_where_there_is_no_main(code: Repository, tmp_path: Path) -> None:
    first = code.commit({"best.pt": ONE}, branch="alpha")
    code.commit({"best.pt": TWO}, [first], branch="trunk")
    code.commit({"best.pt": THREE}, [first], branch="zebra")
    code.write().git("symbolic-ref", "HEAD", "refs/heads/trunk")
    _, model = imported(code, tmp_path / "here")
    assert (model.branch, (model.folder / "best.pt").read_bytes()) == ("trunk", TWO)


def test_two_clones_give_the_same_versions(code: Repository, tmp_path: Path) -> None:
    first = code.commit({"best.pt": ONE, "params.yaml": b"lr: 1\n"})
    side = code.commit({"best.pt": TWO}, [first], branch="side")
    code.commit({"best.pt": THREE}, [first, side])
    code.write()
    subprocess.run(["git", "clone", "-q", code.folder, tmp_path / "elsewhere"], check=True)
    one, _ = imported(code, tmp_path / "one")
    foretold, _ = imported(Repository(tmp_path / "elsewhere"), tmp_path / "other", dry_run=True)
    other, model = imported(Repository(tmp_path / "elsewhere"), tmp_path / "other")
    assert (
        [step.id for step in one.versions]
        == [step.id for step in foretold.versions]
        == [step.id for step in other.versions]
    )
    assert set(model.branches) == {"main", "side"}  # one of them only at origin
    again, _ = imported(Repository(tmp_path / "elsewhere"), tmp_path / "other")
    assert {step.how for step in again.versions} == {"known"}
    assert again.refs == ()


def test_new_commits_go_on_where_the_import_ended(code: Repository, tmp_path: Path) -> None:
    first = code.commit({"best.pt": ONE})
    code.write()
    imported(code, tmp_path / "here")
    code.stream.clear()
    tip = code.git("rev-parse", "main").strip()
    code.commit({"best.pt": TWO}, [], branch="main")
    code.stream[0] = code.stream[0].replace(b"deleteall", f"from {tip}\ndeleteall".encode())
    subprocess.run(["git", "-C", code.folder, "fast-import", "--quiet"], input=b"".join(code.stream), check=True)
    done, model = imported(code, tmp_path / "here")
    assert ([step.how for step in done.versions], first) == (["known", "new"], 1)
    assert model["main"].parents == (model["v1"],)


def test_a_shallow_clone_is_refused(code: Repository, tmp_path: Path) -> None:
    first = code.commit({"best.pt": ONE})
    code.commit({"best.pt": TWO}, [first])
    code.write()
    subprocess.run(["git", "clone", "-q", "--depth=1", f"file://{code.folder}", tmp_path / "shallow"], check=True)
    with pytest.raises(errors.ShallowHistory):
        imported(Repository(tmp_path / "shallow"), tmp_path / "here")


# --- Git LFS on this machine


@pytest.mark.parametrize("kind", ["bare", "worktree", "storage", "borrowed"])
def test_objects_are_found_where_git_lfs_has_them(kind: str, code: Repository, tmp_path: Path) -> None:
    code.commit({"best.pt": pointer(ONE)})
    code.write(bare=kind == "bare")
    place = code.add_lfs_object(ONE)
    if kind == "worktree":
        code.git("worktree", "add", "-q", os.fspath(tmp_path / "tree"))
        code.folder = tmp_path / "tree"
    elif kind == "storage":
        code.git("config", "lfs.storage", "../elsewhere")
        (tmp_path / "detector" / "elsewhere").mkdir()
        place.parents[2].rename(tmp_path / "detector" / "elsewhere" / "objects")
    elif kind == "borrowed":
        subprocess.run(["git", "clone", "-q", "--shared", code.folder, tmp_path / "clone"], check=True)
        code.folder = tmp_path / "clone"
    _, model = imported(code, tmp_path / "here")
    assert model["v1"].files["model-latest"].read() == ONE


def test_a_missing_object_is_named_and_its_version_left_out(code: Repository, tmp_path: Path) -> None:
    first = code.commit({"best.pt": ONE})
    second = code.commit({"best.pt": pointer(TWO)}, [first])
    code.commit({"best.pt": pointer(THREE)}, [second])
    code.write()
    code.add_lfs_object(THREE)
    done, model = imported(code, tmp_path / "here")
    assert [step.how for step in done.versions] == ["new", "left out", "new"]
    assert "best.pt (Git LFS has not fetched" in done.versions[1].missing[0]
    assert model["main"].parents == (model["v1"],)


@pytest.mark.parametrize("place", ["lfs", "git"])
def test_a_damaged_content_is_refused_by_name(place: str, code: Repository, tmp_path: Path) -> None:
    first = code.commit({"best.pt": ONE})
    code.commit({"best.pt": pointer(TWO) if place == "lfs" else TWO}, [first])
    code.write()
    path = code.add_lfs_object(TWO)
    if place == "lfs":
        path.write_bytes(bytes(len(TWO)))
    else:  # another content under the name of this one
        one, two = (code.folder / ".git/objects" / oid[:2] / oid[2:] for oid in _ids(code, "main~1", "main"))
        two.unlink()
        two.write_bytes(one.read_bytes())
    done, model = imported(code, tmp_path / "here")
    assert [step.how for step in done.versions] == ["new", "left out"]
    assert "best.pt" in done.versions[1].notes[0]
    assert model["main"] == model["v1"]


# --- repositories of others


@pytest.mark.parametrize("name", SETTINGS)
def test_nothing_that_the_repository_names_runs(name: str, code: Repository, tmp_path: Path) -> None:
    evil = tmp_path / "evil"
    evil.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\nexec cat\n", encoding="utf-8")
    evil.chmod(0o755)
    (tmp_path / "hooks").mkdir()
    for hook in ("post-checkout", "reference-transaction", "post-index-change"):
        (tmp_path / "hooks" / hook).symlink_to(evil)
    code.commit({"best.pt": pointer(ONE), ".gitattributes": b"*.pt filter=evil diff=evil\n"})
    code.write()
    code.add_lfs_object(ONE)
    (tmp_path / "included").write_text(f'[filter "evil"]\nclean = {evil}\nsmudge = {evil}\n', encoding="utf-8")
    places = {"EVIL": str(evil), "HOOKS": str(tmp_path / "hooks"), "INCLUDED": str(tmp_path / "included")}
    for key, value in SETTINGS[name]:
        for word, place in places.items():
            value = value.replace(word, place)
        code.git("config", "--add", key, value)
    done, _ = imported(code, tmp_path / "here")
    assert [step.how for step in done.versions] == ["new"]
    assert not (tmp_path / "ran").exists()


def test_a_repository_of_another_user_is_refused_as_git_refuses_it(code: Repository, tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give a folder to another user")
    code.commit({"best.pt": ONE})
    code.write()
    for path in [code.folder, *code.folder.rglob("*")]:
        os.chown(path, 12345, 12345)
    with pytest.raises(errors.NotGit, match="dubious ownership") as caught:
        imported(code, tmp_path / "here")
    assert "safe.directory" in caught.value.hint


def test_what_is_no_repository_is_refused(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(errors.NotGit):
        imported(Repository(tmp_path / "folder"), tmp_path / "here")


def test_a_folder_of_folders_without_end_is_refused(code: Repository, tmp_path: Path) -> None:
    """Ten folders of ten folders of … one file: a few objects, and 10^10 paths."""
    code.commit({"best.pt": ONE})
    code.write()
    tree = code.git("rev-parse", "main^{tree}").strip()
    for _ in range(9):
        listing = "".join(f"040000 tree {tree}\t{number}\n" for number in range(10))
        made = subprocess.run(
            ["git", "-C", code.folder, "mktree"], input=listing, text=True, capture_output=True, check=True
        )
        tree = made.stdout.strip()
    commit = code.git("-c", "user.name=A", "-c", "user.email=a@x", "commit-tree", "-m", "bomb", tree).strip()
    code.git("update-ref", "refs/heads/main", commit)
    with pytest.raises(errors.TooBig):
        imported(code, tmp_path / "here")


# --- the command


def test_the_command_tells_what_it_does(code: Repository, tmp_path: Path) -> None:
    first = code.commit({"best.pt": ONE}, message="First baseline")
    code.commit({"best.pt": pointer(TWO)}, [first])
    code.write()
    here = tmp_path / "here"
    here.mkdir()
    command(here, "init")
    place = os.fspath(code.folder)
    assert "1 version would be imported into detector; nothing was changed" in command(
        here, "import", "-n", place, code=3
    )
    versions = json.loads(command(here, "import", "--git", place, "--json", code=3))["versions"]
    assert [version["how"] for version in versions] == ["new", "left out"]
    assert "Git LFS has not fetched" in versions[1]["missing"][0]
    assert "Nothing new." in command(here, "import", place, code=3)


@pytest.mark.parametrize("kind", ["commit", "tree"])
def test_a_damaged_commit_or_folder_ends_the_import(kind: str, code: Repository, tmp_path: Path) -> None:
    first = code.commit({"best.pt": ONE})
    code.commit({"best.pt": TWO}, [first])
    code.write()
    names = ("main~1", "main") if kind == "commit" else ("main~1^{tree}", "main^{tree}")
    one, two = (code.git("rev-parse", name).strip() for name in names)
    objects = code.folder / ".git/objects"
    (objects / two[:2] / two[2:]).unlink()
    (objects / two[:2] / two[2:]).write_bytes((objects / one[:2] / one[2:]).read_bytes())
    with pytest.raises(errors.BadGitObject, match="its checksum differs"):
        imported(code, tmp_path / "here")
    assert [model.name for model in mvc.open(tmp_path / "here").models()] == ["other"]


def test_a_partial_clone_fetches_nothing(code: Repository, tmp_path: Path) -> None:
    first = code.commit({"best.pt": ONE})
    code.commit({"best.pt": TWO}, [first])
    code.write().git("config", "uploadpack.allowFilter", "true")
    clone = Repository(tmp_path / "clone")
    subprocess.run(["git", "clone", "-q", "--filter=blob:none", f"file://{code.folder}", clone.folder], check=True)
    done, model = imported(clone, tmp_path / "here")
    assert [step.how for step in done.versions] == ["left out", "new"]  # the checkout has fetched the second
    assert "best.pt (Cannot read the object" in done.versions[0].missing[0]
    assert model["main"].files["model-latest"].read() == TWO


def test_an_import_of_nothing_says_why(code: Repository, tmp_path: Path) -> None:
    code.commit({"best.pt": pointer(TWO)}, [code.commit({"best.pt": pointer(ONE)})])
    code.write()
    here = tmp_path / "here"
    here.mkdir()
    command(here, "init")
    for flags, word in ((["-n"], "can"), ([], "could")):
        said = command(here, "import", *flags, os.fspath(code.folder), code=3)
        assert f"No version {word} be imported: the source lacks best.pt (Git LFS has not fetched" in said
        assert "and 1 more reason, see above." in said
        assert "Nothing new" not in said
        assert "0 files" not in said
    assert mvc.open(here).models() == []
