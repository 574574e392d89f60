"""What a command left: which runs it wrote, and what each gives to a version that is recorded."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

import mvc
from mvc import errors
from mvc.intake import run_contents, snapshot
from mvc.intake.run_contents import RunContents
from mvc.intake.snapshot import Snapshot
from mvc.model.manifest import Manifest
from mvc.porcelain.check import manifest_of
from mvc.repository.model import Model
from tests.intake import runs

HELMET = "helmet-detector"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """The model's folder, without links."""
    return Path(os.path.realpath(tmp_path))


@pytest.fixture
def model(place: Path) -> Model:
    repo = mvc.init(place, model=HELMET)
    return Model(repo._session.repository, HELMET)


def left(place: Path, command: Callable[[], object]) -> list[Path]:
    """The files that `command` wrote."""
    before = snapshot.of([place])
    command()
    return snapshot.changed(before, snapshot.of([place]))


def contents(model: Model, place: Path, command: Callable[[], object]) -> RunContents:
    """What the only run of `command` gives to a version."""
    wrote = left(place, command)
    (folder,) = snapshot.runs(filter(snapshot.is_weights, wrote), [place])
    return run_contents.read(model, manifest_of(model), folder, wrote)


def names(found: RunContents, place: Path) -> dict[str, str]:
    return {role: path.relative_to(place).as_posix() for role, path in found.files.items()}


# --- which runs


def write(path: Path, data: bytes = b"\0weights") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("path", "folder"),
    [
        ("best.pt", ""),
        ("weights/best.pt", ""),
        ("out/best.pt", "out"),
        ("runs/7/checkpoints/best.pt", "runs/7"),
        ("runs/7/deep/er/best.pt", "runs/7/deep/er"),
    ],
)
def test_a_run_without_a_trainer_is_the_folder_of_its_weights(place: Path, path: str, folder: str) -> None:
    wrote = left(place, lambda: write(place / path))
    assert list(snapshot.runs(wrote, [place])) == [place / folder]


def test_a_run_of_a_trainer_is_the_folder_with_its_signs(place: Path) -> None:
    def train() -> None:
        runs.ultralytics(place / "runs/detect/train")
        runs.lightning(place / "lightning_logs/version_0")
        runs.transformers(place / "out/checkpoint-500")
        runs.transformers(place / "out/checkpoint-900")

    found = snapshot.runs(filter(snapshot.is_weights, left(place, train)), [place])
    assert {path.relative_to(place).as_posix() for path in found} == {
        "runs/detect/train",
        "lightning_logs/version_0",
        "out",
    }


def test_weights_beside_the_run_of_a_trainer_are_no_run(place: Path) -> None:
    def train() -> None:
        write(place / "yolo11n.pt")
        runs.ultralytics(place / "runs/detect/train")
        write(place / "exports/best.onnx")

    wrote = left(place, train)
    assert list(snapshot.runs(filter(snapshot.is_weights, wrote), [place])) == [place / "runs/detect/train"]


def test_only_what_changed_is_of_the_command(place: Path) -> None:
    for name in ("old.pt", "touched.pt", "same.pt"):
        write(place / name)

    def train() -> None:
        write(place / "new.pt")
        os.utime(place / "touched.pt", (1, 1))
        (place / "same.pt").read_bytes()
        write(place / ".cache/hidden.pt")
        write(place / "vest/model.toml", b"")
        write(place / "vest/other.pt")
        (place / "link.pt").symlink_to("old.pt")
        write(place / "optimizer.pt")

    wrote = filter(snapshot.is_weights, left(place, train))
    assert {path.name for path in wrote} == {"new.pt", "touched.pt"}


def test_weights_are_in_the_order_in_which_they_were_written(place: Path) -> None:
    def train() -> None:
        for second, name in enumerate(("c", "a", "b")):
            write(place / name / "model.pt")
            os.utime(place / name / "model.pt", (second, second))

    assert [path.name for path in snapshot.runs(left(place, train), [place])] == ["c", "a", "b"]


def test_a_search_of_many_folders_has_an_end(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshot, "MAX_FOLDERS", 5)
    for number in range(20):
        write(place / f"{number}/model.pt")
    found: Snapshot = snapshot.of([place])
    assert len(found) <= 5


# --- roles and values


def test_the_roles_of_a_run_of_ultralytics_are_those_of_add_run(model: Model, place: Path) -> None:
    runs.data_yaml(place / "data.yaml", "helmet", "vest")
    found = contents(model, place, lambda: runs.ultralytics(place / "runs/train", exports=("best.onnx",)))
    assert names(found, place) == {
        "model-latest": "runs/train/weights/best.pt",
        "last": "runs/train/weights/last.pt",
        "best-onnx": "runs/train/weights/best.onnx",
        "args": "runs/train/args.yaml",
        "results": "runs/train/results.csv",
        "labelmap": "data.yaml",
    }
    assert found.names == names(found, place)
    assert found.values["labelmap"] == {"0": "helmet", "1": "vest"}
    assert found.values["metrics"]["metrics/mAP50-95(B)"] == 0.58
    assert found.values["parameters"]["lr0"] == 0.01
    assert found.notes == ()


def test_the_next_run_has_the_roles_of_the_one_before(model: Model, place: Path) -> None:
    runs.ultralytics(place / "runs/train")
    write(place / "classes.txt", b"helmet")
    mvc.open(place).model(HELMET).add(place / "runs/train/weights/best.pt", role="model-latest")
    mvc.open(place).model(HELMET).add(place / "runs/train/results.png", role="plot")
    mvc.open(place).model(HELMET).add(place / "classes.txt", role="names")
    found = contents(model, place, lambda: runs.ultralytics(place / "runs/train2", step=1))
    assert names(found, place) == {
        "model-latest": "runs/train2/weights/best.pt",
        "plot": "runs/train2/results.png",
        "names": "classes.txt",
        "args": "runs/train2/args.yaml",
        "results": "runs/train2/results.csv",
    }


def test_files_keep_their_paths_in_a_folder_that_a_link_names(model: Model, place: Path) -> None:
    runs.ultralytics(place / "runs/train")
    write(place / "docs/notes.txt", b"notes")
    mvc.open(place).model(HELMET).add(place / "docs/notes.txt", role="notes")
    link = place.parent / f"{place.name}-link"
    link.symlink_to(place)
    linked = Model(mvc.open(link)._session.repository, HELMET)
    found = run_contents.read(linked, manifest_of(linked), place / "runs/train")
    assert found.names == {role: path.relative_to(place).as_posix() for role, path in found.files.items()}
    assert (found.names["notes"], found.names["last"]) == ("docs/notes.txt", "runs/train/weights/last.pt")


def test_weights_that_are_tracked_already_keep_their_role(model: Model, place: Path) -> None:
    write(place / "weights/best.pt")
    write(place / "weights/old.pt")
    mvc.open(place).model(HELMET).add(place / "weights/best.pt", role="model-latest")
    found = contents(model, place, lambda: write(place / "weights/best.pt", b"\0again"))
    assert names(found, place) == {"model-latest": "weights/best.pt"}


def test_of_several_weights_the_last_written_is_taken(model: Model, place: Path) -> None:
    def train() -> None:
        for epoch in (3, 1, 2):
            write(place / f"out/epoch{epoch}.pt", str(epoch).encode())
            os.utime(place / f"out/epoch{epoch}.pt", (epoch, epoch))

    found = contents(model, place, train)
    assert names(found, place) == {"model-latest": "out/epoch3.pt"}
    assert found.notes == ("model-latest is out/epoch3.pt, the last weights that the command wrote.",)


def test_weights_of_before_are_not_those_of_the_run(model: Model, place: Path) -> None:
    write(place / "best.pt", b"\0before")
    found = contents(model, place, lambda: write(place / "last.pt"))
    assert names(found, place)["model-latest"] == "last.pt"


def test_metrics_that_the_command_did_not_write_are_not_of_its_weights(model: Model, place: Path) -> None:
    write(place / "metrics.json", b'{"mAP50": 0.5}')
    write(place / "params.yaml", b"lr: 0.1\n")
    found = contents(model, place, lambda: write(place / "model.pt"))
    assert "metrics" not in found.values
    assert found.values["parameters"] == {"lr": 0.1}
    assert found.notes == ("No metrics are read from metrics.json, which the command did not write.",)

    def train() -> None:
        write(place / "metrics.json", b'{"mAP50": 0.6}')
        write(place / "model.pt", b"\0new")

    assert contents(model, place, train).values["metrics"] == {"mAP50": 0.6}


def test_a_folder_of_runs_is_refused_unless_a_command_wrote_the_weights_in_it(model: Model, place: Path) -> None:
    runs.ultralytics(place / "runs/exp1")
    stray = place / "runs/yolov8n.pt"
    stray.write_bytes(b"x")
    manifest = Manifest({"name": HELMET})
    with pytest.raises(errors.NoRun, match=r"it has 1 run folder, and weights beside them: yolov8n\.pt"):
        run_contents.read(model, manifest, place / "runs")
    for more in ({"wrote": [stray]}, {"chosen": stray}):
        assert run_contents.read(model, manifest, place / "runs", **more).files["model-latest"] == stray


def test_a_data_set_beside_the_weights_hides_none(model: Model, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mvc.intake.listing.MAX_ENTRIES", 50)
    for number in range(100):
        write(place / f"data/images/{number}.jpg")
    found = contents(model, place, lambda: write(place / "weights/best.pt"))
    assert names(found, place) == {"model-latest": "weights/best.pt"}


def test_a_run_outside_of_the_model_is_read_where_it_lies(
    model: Model, place: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    outside = Path(os.path.realpath(tmp_path_factory.mktemp("elsewhere")))
    found = contents(model, outside, lambda: runs.lightning(outside / "version_0"))
    assert names(found, outside)["model-latest"] == "version_0/checkpoints/epoch=9-step=1000.ckpt"
    assert found.values["metrics"] == {"epoch": 1, "step": 99, "train_loss": 0.5, "val_acc": 0.72, "val_loss": 0.6}


def test_sharded_weights_have_a_role_each(model: Model, place: Path) -> None:
    def train() -> None:
        runs.transformers(place / "out/checkpoint-9")
        (place / "out/checkpoint-9/model.safetensors").unlink()
        for number in (1, 2):
            write(place / f"out/checkpoint-9/model-0000{number}-of-00002.safetensors")

    found = names(contents(model, place, train), place)
    assert {role for role in found if role.startswith("model-latest")} == {
        "model-latest/model-00001-of-00002.safetensors",
        "model-latest/model-00002-of-00002.safetensors",
    }


def test_an_empty_manifest_has_no_roles_of_before(model: Model, place: Path) -> None:
    runs.ultralytics(place / "runs/train")
    found = run_contents.read(model, Manifest({"name": HELMET}), place / "runs/train")
    assert names(found, place)["model-latest"] == "runs/train/weights/best.pt"
