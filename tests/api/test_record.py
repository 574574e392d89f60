"""`Model.record`: a version of given files, without the working tree, HEAD or model.toml."""

from __future__ import annotations

import multiprocessing
import subprocess
import sys
from pathlib import Path

import pytest

import mvc
from mvc import errors
from tests.api.conftest import WEIGHTS


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    path = tmp_path / "runs" / "epoch=3.pt"
    path.parent.mkdir()
    path.write_bytes(WEIGHTS[::-1])
    return path


def _folder(model: mvc.Model) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in model.folder.iterdir() if path.is_file()}


def test_files_from_anywhere_become_a_version_and_nothing_here_changes(model: mvc.Model, weights: Path) -> None:
    before = _folder(model)
    done = model.record(
        {"model-latest": str(weights), "optimizer": weights}, "Epoch 3", metrics={"mAP50": 0.7}, branch="run/1"
    )
    version = model[done.id]
    assert (version.number, version.parents, done.branch) == (2, (model["v1"],), "run/1")
    assert {file.role: file.name for file in version.files.values()} == {
        "model-latest": "best.pt",  # the parent's path for that role, best.onnx, with the suffix of the new format
        "optimizer": "optimizer.pt",  # else the role, and the file's suffix
    }
    assert version.files["model-latest"].read() == WEIGHTS[::-1]
    assert (model.branch, model["HEAD"].number, model.status().clean) == ("main", 1, True)
    assert _folder(model) == before


def test_values_are_the_parents_but_for_metrics(model: mvc.Model, weights: Path) -> None:
    done = model.record({"model-latest": weights}, "Epoch 3", parameters={"lr": 0.1}, branch="run")
    version = model[done.id]
    assert version.labelmap == {0: "helmet", 1: "head"}
    assert version.parameters == {"epochs": 3, "lr": 0.1}
    assert version.metrics == {}
    assert version.about["type"] == "OBJECT_DETECTION"
    model.switch("run")
    assert model.status().clean
    assert model.get("parameters.lr") == 0.1


def test_a_metric_that_is_no_number_is_left_out(model: mvc.Model, weights: Path) -> None:
    done = model.record({"model-latest": weights}, "Epoch 3", metrics={"a": float("nan"), "b": 1}, branch="run")
    assert list(done.left_out) == ["metrics.a"]
    assert model[done.id].metrics == {"b": 1}


def test_a_file_of_a_version_is_taken_along_unread(model: mvc.Model, weights: Path) -> None:
    first = model["v1"].files["model-latest"]
    done = model.record({"base": first, "model-latest": weights}, "Two", branch="run")
    assert model[done.id].files["base"].id == first.id
    assert model[done.id].files["base"].name == "base.onnx"


def test_the_first_version_of_a_model_is_recorded(folder: Path, weights: Path) -> None:
    model = mvc.init(folder, model="helmets").model()
    done = model.record({"model-latest": weights}, "First", labelmap=["a"], tags="t")
    assert (model["t"].number, model["t"].parents, model["t"].labelmap) == (1, (), {0: "a"})
    assert model["t"].id == done.id
    model.update(metrics={"mAP50": 0.3})
    with pytest.raises(errors.RecordedMeanwhile, match="the working tree has none of them"):
        model.commit("It would take the recorded weights out")
    model.restore(".")
    assert model.status().clean


def test_status_says_that_the_current_branch_moved_without_its_files(model: mvc.Model, weights: Path) -> None:
    model.record({"model-latest": weights}, "Two")
    model.record({"model-latest": weights}, "Three")
    status = model.status()
    assert status.advanced is not None
    assert (status.advanced.number, status.number) == (1, 3)
    run = [sys.executable, "-m", "mvc", "-C", str(model.folder), "status"]
    said = subprocess.run(run, capture_output=True, text=True, check=True).stdout
    assert "v3 was recorded from files elsewhere; the working tree is still that of v1" in said
    assert "mvc restore ." in said
    model.update(metrics={"mAP50": 0.3})
    with pytest.raises(errors.RecordedMeanwhile, match=r"v3 .* the working tree is still that of v1"):
        model.commit("It would take the recorded weights out")
    model.restore(".")
    assert model.status().clean
    (model.folder / "best.onnx").write_bytes(WEIGHTS[:100])
    assert model.status().advanced is None


def test_a_branch_moves_forward_only(model: mvc.Model, weights: Path) -> None:
    model.record({"model-latest": weights}, "Two")
    with pytest.raises(errors.NotAtTip):
        model.record({"model-latest": weights}, "Other", parent="v1")
    done = model.record({"model-latest": weights}, "Other", parent="v1", branch="other")
    assert model[done.id].parents == (model["main~1"],)


@pytest.mark.parametrize(
    ("files", "kind"),
    [
        ({"model-latest": "nowhere.pt"}, errors.NoSuchFile),
        ({"model-latest": "."}, errors.NotRegularFile),
        ({"/role": "x"}, errors.BadRole),
        ({"model-latest": "own.toml/x"}, errors.NoSuchFile),
    ],
)
def test_what_cannot_be_recorded_leaves_nothing(model: mvc.Model, files: dict[str, str], kind: type[Exception]) -> None:
    before = model.reflog("main").moves
    with pytest.raises(kind):
        model.record(files, "Two", parameters={"x": 1})
    assert model.reflog("main").moves == before
    repository = mvc.open(model.folder)
    assert not repository.fsck(read_data=True).findings
    assert not [path for path in (repository.root / ".mvc" / "tmp").iterdir() if path.is_file()]


def test_a_secret_in_the_values_is_refused(model: mvc.Model, weights: Path) -> None:
    with pytest.raises(errors.SecretFound):
        model.record({"model-latest": weights}, "Two", parameters={"api_key": "sk-abcdefghijklmnopqrstuvwxyz123456"})


def _record(folder: Path, path: Path, count: int) -> None:
    model = mvc.open(folder).model()
    for number in range(count):
        model.record({"model-latest": path}, f"{path.name} {number}", parameters={"run": path.name, "n": number})


def test_several_trainings_record_on_one_branch_at_once(model: mvc.Model, tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    runs = []
    for number in range(3):
        path = tmp_path / f"{number}.pt"
        path.write_bytes(bytes([number]) * 100_000)
        runs.append(context.Process(target=_record, args=(model.folder, path, 4)))
    for run in runs:
        run.start()
    for run in runs:
        run.join()
    assert [run.exitcode for run in runs] == [0, 0, 0]
    assert [version.number for version in model.log()] == list(range(13, 0, -1))
    assert len({version.message for version in model.log()}) == 13
    assert not mvc.open(model.folder).fsck(read_data=True).findings
