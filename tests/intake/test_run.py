"""`mvc add --run`: which files of a run folder get which roles, for each trainer, and what is refused."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path

import pytest

import mvc
from mvc import errors
from mvc.intake import listing
from mvc.porcelain.add import add
from mvc.porcelain.add_run import AddedRun, add_run, newest_runs
from mvc.porcelain.edit import remove, set_values, unset
from mvc.porcelain.init import init
from mvc.repository.model import Model
from mvc.repository.repository import Repository
from tests.cli.shell import MODEL, Shell, begin
from tests.intake import runs


@pytest.fixture
def model(tmp_path: Path) -> Model:
    init(tmp_path, model=MODEL)
    return Model(Repository(tmp_path), MODEL)


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    return begin(tmp_path, monkeypatch)


def files(root: Path) -> dict[str, str]:
    found: dict[str, str] = tomllib.loads((root / "model.toml").read_text(encoding="utf-8")).get("files", {})
    return found


def added(done: AddedRun) -> dict[str, str]:
    return {row.entry.role: row.entry.path for row in done.entries}


# --- the first run


def test_a_run_of_ultralytics(tmp_path: Path, model: Model) -> None:
    runs.ultralytics(tmp_path / "runs/detect/train", exports=("best.onnx",))
    (tmp_path / "runs/detect/train/weights/best_openvino_model").mkdir()
    (tmp_path / "runs/detect/train/weights/best_openvino_model/best.xml").write_bytes(b"<net/>")
    done = add_run(model, tmp_path / "runs/detect/train")
    assert (done.trainer, done.folder, done.before) == ("Ultralytics", "runs/detect/train", None)
    assert files(tmp_path) == {
        "model-latest": "runs/detect/train/weights/best.pt",
        "last": "runs/detect/train/weights/last.pt",
        "best-onnx": "runs/detect/train/weights/best.onnx",
        "best_openvino_model": "runs/detect/train/weights/best_openvino_model/**",
        "args": "runs/detect/train/args.yaml",
        "results": "runs/detect/train/results.csv",
    }
    assert added(done) == files(tmp_path)
    assert all(row.why for row in done.entries)


def test_a_run_of_lightning_has_the_checkpoint_with_the_best_metric_in_its_name(tmp_path: Path, model: Model) -> None:
    names = ("epoch=1-val_loss=0.50.ckpt", "epoch=3-val_loss=0.25.ckpt", "epoch=9-val_loss=1.5e-1.ckpt", "last.ckpt")
    runs.lightning(tmp_path / "lightning_logs/version_0", *names)
    done = add_run(model, tmp_path / "lightning_logs/version_0")
    assert done.trainer == "Lightning"
    assert {role: path.rpartition("/")[2] for role, path in files(tmp_path).items()} == {
        "model-latest": names[2],
        "last": names[3],
        "hparams": "hparams.yaml",
        "metrics": "metrics.csv",
    }
    assert done.entries[0].why == "lowest val_loss of 3 checkpoints"


@pytest.mark.parametrize(
    ("names", "chosen", "why"),
    [
        (("epoch=3-val_acc=0.25.ckpt", "epoch=4-val_acc=0.20.ckpt"), 0, "highest val_acc of 2 checkpoints"),
        (("epoch=9-step=90.ckpt", "epoch=10-step=100.ckpt"), 1, "newest of 2 checkpoints"),
        (("best.ckpt", "epoch=10-step=100.ckpt"), 0, "best weights"),
        (("last.ckpt",), 0, "the only checkpoint"),
        (("epoch=1-a=1.ckpt", "epoch=2-b=2.ckpt"), 1, "newest of 2 checkpoints"),
    ],
)
def test_checkpoints_of_lightning(tmp_path: Path, model: Model, names: tuple[str, ...], chosen: int, why: str) -> None:
    runs.lightning(tmp_path / "version_0", *names)
    done = add_run(model, tmp_path / "version_0")
    assert (files(tmp_path)["model-latest"], done.entries[0].why) == (f"version_0/checkpoints/{names[chosen]}", why)


def test_a_checkpoint_of_transformers(tmp_path: Path, model: Model) -> None:
    runs.transformers(tmp_path / "out/checkpoint-500")
    assert add_run(model, tmp_path / "out/checkpoint-500").trainer == "Transformers"
    assert {role: path.rpartition("/")[2] for role, path in files(tmp_path).items()} == {
        "model-latest": "model.safetensors",
        "config": "config.json",
        "preprocessor": "preprocessor_config.json",
        "trainer-state": "trainer_state.json",
        "training-args": "training_args.bin",
    }


@pytest.mark.parametrize(
    ("best", "chosen", "why"),
    [
        ("./out/checkpoint-500", "500", "the best of 2 checkpoints, by trainer_state.json"),
        ("C:\\out\\checkpoint-500", "500", "the best of 2 checkpoints, by trainer_state.json"),
        ("/elsewhere/checkpoint-77", "1000", "the newest of 2 checkpoints"),
        (None, "1000", "the newest of 2 checkpoints"),
    ],
)
def test_an_output_folder_has_its_best_checkpoint(
    tmp_path: Path, model: Model, best: str | None, chosen: str, why: str
) -> None:
    runs.transformers(tmp_path / "out/checkpoint-500")
    runs.transformers(tmp_path / "out/checkpoint-1000", best=best)
    done = add_run(model, tmp_path / "out")
    assert (done.folder, done.why) == (f"out/checkpoint-{chosen}", why)


def test_weights_in_parts_are_one_role_with_a_pattern(tmp_path: Path, model: Model) -> None:
    folder = runs.transformers(tmp_path / "out[1]/checkpoint-9")
    (folder / "model.safetensors").unlink()
    for number in (1, 2):
        (folder / f"model-0000{number}-of-00002.safetensors").write_bytes(b"part" * 10)
    (folder / "model.safetensors.index.json").write_text("{}", encoding="utf-8")
    done = add_run(model, folder)
    assert files(tmp_path)["model-latest"] == "out[[]1]/checkpoint-9/model-*-of-*.safetensors"
    assert done.entries[0].entry.files == 2


def test_a_plain_folder_has_weights_by_suffix_and_values_by_name(tmp_path: Path, model: Model) -> None:
    for name in ("best.pt", "last.pt", "optimizer.pt", "params.yaml", "metrics.json", "notes.md", "best.onnx"):
        (tmp_path / "exp").mkdir(exist_ok=True)
        (tmp_path / "exp" / name).write_bytes(name.encode())
    add_run(model, tmp_path / "exp")
    assert files(tmp_path) == {
        "model-latest": "exp/best.pt",
        "last": "exp/last.pt",
        "parameters": "exp/params.yaml",
        "metrics": "exp/metrics.json",
    }


def test_the_weights_fit_the_framework(tmp_path: Path, model: Model) -> None:
    set_values(model, ["model.framework=ONNX"])
    runs.ultralytics(tmp_path / "exp", exports=("best.onnx",))
    done = add_run(model, tmp_path / "exp")
    assert (added(done)["model-latest"], done.entries[0].why) == ("exp/weights/best.onnx", "exported for ONNX")
    assert added(done)["best-pt"] == "exp/weights/best.pt"


def test_a_role_that_a_use_requires_is_set_too(tmp_path: Path, model: Model) -> None:
    set_values(model, ['intent.ready_for=["training"]'])
    runs.ultralytics(tmp_path / "exp")
    assert added(add_run(model, tmp_path / "exp"))["pretrained-weights"] == "exp/weights/best.pt"


# --- the next run


def test_the_next_run_has_the_roles_of_the_run_before(tmp_path: Path, model: Model) -> None:
    runs.ultralytics(tmp_path / "runs/exp1")
    runs.ultralytics(tmp_path / "runs/exp2", step=1, exports=("best.onnx",))
    add_run(model, tmp_path / "runs/exp1")
    remove(model, ["last"], cached=True)
    add(model, [tmp_path / "runs/exp1/confusion_matrix.png"], role="matrix")
    (tmp_path / "runs/exp1/best.tflite").write_bytes(b"lite")
    add(model, [tmp_path / "runs/exp1/best.tflite"], role="lite")
    add(model, [tmp_path / "runs/exp1/weights"], role="all")
    done = add_run(model, tmp_path / "runs/exp2")
    assert done.before == "runs/exp1"
    assert files(tmp_path) == {
        "model-latest": "runs/exp2/weights/best.pt",
        "args": "runs/exp2/args.yaml",
        "results": "runs/exp2/results.csv",
        "matrix": "runs/exp2/confusion_matrix.png",
        "all": "runs/exp2/weights/**",
    }
    assert (done.dropped, done.left) == ((("lite", "runs/exp1/best.tflite"),), ())
    assert done.untracked == ("runs/exp2/weights/last.pt", "runs/exp2/weights/best.onnx")
    assert {row.entry.old for row in done.entries} == {
        "runs/exp1/weights/best.pt", "runs/exp1/args.yaml", "runs/exp1/results.csv", "runs/exp1/confusion_matrix.png",
        "runs/exp1/weights/**",
    }  # fmt: skip


def test_a_role_of_another_run_than_the_one_before_stays(tmp_path: Path, model: Model) -> None:
    for name in ("exp1", "exp2", "exp3"):
        runs.ultralytics(tmp_path / name)
    add(model, [tmp_path / "exp1/weights/best.pt"], role="pretrained-weights")
    add_run(model, tmp_path / "exp2")
    add_run(model, tmp_path / "exp3")
    assert files(tmp_path)["pretrained-weights"] == "exp1/weights/best.pt"
    assert files(tmp_path)["model-latest"] == "exp3/weights/best.pt"


def test_a_checkpoint_of_another_name_has_the_role_of_the_one_before(tmp_path: Path, model: Model) -> None:
    runs.lightning(tmp_path / "version_0", "epoch=3-step=40.ckpt")
    runs.lightning(tmp_path / "version_1", "epoch=5-step=60.ckpt")
    add(model, [tmp_path / "version_0/checkpoints/epoch=3-step=40.ckpt"], role="weights")
    add_run(model, tmp_path / "version_1")
    assert files(tmp_path)["weights"] == "version_1/checkpoints/epoch=5-step=60.ckpt"


def test_the_run_before_may_be_in_another_place(tmp_path: Path, model: Model) -> None:
    runs.transformers(tmp_path / "a/checkpoint-500")
    runs.transformers(tmp_path / "b/c/checkpoint-900")
    add_run(model, tmp_path / "a/checkpoint-500")
    assert add_run(model, tmp_path / "b/c").before == "a/checkpoint-500"
    assert {path.rpartition("/")[0] for path in files(tmp_path).values()} == {"b/c/checkpoint-900"}


def test_a_better_checkpoint_of_the_same_training_takes_the_roles(tmp_path: Path, model: Model) -> None:
    runs.transformers(tmp_path / "out/checkpoint-500")
    add_run(model, tmp_path / "out")
    runs.transformers(tmp_path / "out/checkpoint-900", best="out/checkpoint-900")
    done = add_run(model, tmp_path / "out")
    assert (done.folder, done.before) == ("out/checkpoint-900", "out/checkpoint-500")
    assert {path.rpartition("/")[0] for path in files(tmp_path).values()} == {"out/checkpoint-900"}


def test_a_run_whose_weights_were_deleted_has_none(tmp_path: Path, model: Model) -> None:
    runs.ultralytics(tmp_path / "exp1")
    add_run(model, tmp_path / "exp1")
    for name in ("best.pt", "last.pt"):
        (tmp_path / "exp1/weights" / name).unlink()
    with pytest.raises(errors.NoWeightsYet):
        add_run(model, tmp_path / "exp1")


def test_weights_that_were_tracked_by_hand_move_and_values_are_added(tmp_path: Path, model: Model) -> None:
    runs.ultralytics(tmp_path / "exp1")
    runs.ultralytics(tmp_path / "exp2")
    add(model, [tmp_path / "exp1/weights/last.pt"], role="model-latest")
    add_run(model, tmp_path / "exp2")
    assert files(tmp_path) == {
        "model-latest": "exp2/weights/last.pt",
        "args": "exp2/args.yaml",
        "results": "exp2/results.csv",
    }


def test_a_folder_beside_the_run_is_no_run_unless_it_has_its_parts(tmp_path: Path, model: Model) -> None:
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs/a.bin").write_bytes(b"a")
    add(model, [tmp_path / "runs"], role="runs")
    runs.ultralytics(tmp_path / "exp1")
    assert add_run(model, tmp_path / "exp1").before is None
    assert files(tmp_path)["runs"] == "runs/**"


def test_a_run_of_another_trainer_has_the_roles_of_the_run_before_too(tmp_path: Path, model: Model) -> None:
    runs.ultralytics(tmp_path / "runs/exp1")
    runs.lightning(tmp_path / "logs/version_0", "epoch=3-step=40.ckpt", "last.ckpt")
    add_run(model, tmp_path / "runs/exp1")
    done = add_run(model, tmp_path / "logs/version_0")
    assert done.before == "runs/exp1"
    assert files(tmp_path)["last"] == "logs/version_0/checkpoints/last.ckpt"
    assert done.dropped == (("args", "runs/exp1/args.yaml"), ("results", "runs/exp1/results.csv"))
    assert not files(tmp_path).keys() & {"args", "results"}


def test_back_to_the_trainer_before_the_roles_have_their_names_again(tmp_path: Path, model: Model) -> None:
    runs.ultralytics(tmp_path / "runs/t1")
    runs.lightning(tmp_path / "logs/version_0")
    runs.ultralytics(tmp_path / "runs/t2")
    (tmp_path / "old").mkdir()
    (tmp_path / "old/readme.md").write_bytes(b"x")
    (tmp_path / "old/model.pt").write_bytes(b"x")
    add(model, [tmp_path / "old/model.pt"], role="model-latest")
    add(model, [tmp_path / "old/readme.md"], role="readme")
    assert add_run(model, tmp_path / "runs/t1").left == (("readme", "old/readme.md"),)
    add(model, [tmp_path / "runs/t1/confusion_matrix.png"], role="matrix")
    done = add_run(model, tmp_path / "logs/version_0")
    assert {role for role, _ in done.dropped} == {"last", "args", "results", "matrix"}
    add_run(model, tmp_path / "runs/t2")
    assert files(tmp_path) == {
        "readme": "old/readme.md",
        "model-latest": "runs/t2/weights/best.pt",
        "last": "runs/t2/weights/last.pt",
        "args": "runs/t2/args.yaml",
        "results": "runs/t2/results.csv",
    }


def test_roles_that_stayed_at_an_earlier_run_move(tmp_path: Path, model: Model) -> None:
    """A model.toml of an mvc that left them there."""
    runs.ultralytics(tmp_path / "runs/t1")
    runs.lightning(tmp_path / "logs/version_0")
    runs.ultralytics(tmp_path / "runs/t2")
    add_run(model, tmp_path / "logs/version_0")
    add(model, [tmp_path / "runs/t1/args.yaml"], role="args")
    add_run(model, tmp_path / "runs/t2")
    assert files(tmp_path)["args"] == "runs/t2/args.yaml"


def test_the_only_weights_of_a_run_have_one_role(tmp_path: Path, model: Model) -> None:
    runs.ultralytics(tmp_path / "runs/t1")
    (tmp_path / "plain").mkdir()
    (tmp_path / "plain/model.pt").write_bytes(b"x")
    add_run(model, tmp_path / "runs/t1")
    remove(model, ["args", "results"], cached=True)
    unset(model, ["from"])
    add_run(model, tmp_path / "plain")
    assert files(tmp_path) == {"model-latest": "plain/model.pt"}


def test_the_first_run_is_the_first_one_with_weights(tmp_path: Path, model: Model) -> None:
    runs.ultralytics(tmp_path / "runs/t1")
    add(model, [tmp_path / "runs/t1/confusion_matrix.png"], role="matrix")
    done = add_run(model, tmp_path / "runs/t1")
    assert (files(tmp_path)["last"], done.untracked) == ("runs/t1/weights/last.pt", ())
    runs.ultralytics(tmp_path / "runs/t2")
    assert add_run(model, tmp_path / "runs/t2").untracked == ()


def test_a_role_that_is_taken_elsewhere_is_not_taken_from_there(tmp_path: Path, model: Model) -> None:
    runs.transformers(tmp_path / "checkpoint-5")
    (tmp_path / "job.config").write_bytes(b"lr")
    add(model, [tmp_path / "job.config"], role="config")
    done = add_run(model, tmp_path / "checkpoint-5")
    assert files(tmp_path)["config"] == "job.config"
    assert "checkpoint-5/config.json" in added(done).values()


def test_the_same_run_again_changes_nothing_but_finds_new_files(tmp_path: Path, model: Model) -> None:
    runs.ultralytics(tmp_path / "exp1")
    (tmp_path / "exp1/results.csv").rename(tmp_path / "later")
    add_run(model, tmp_path / "exp1")
    before = (tmp_path / "model.toml").read_bytes()
    assert add_run(model, tmp_path / "exp1").entries == ()
    assert (tmp_path / "model.toml").read_bytes() == before
    (tmp_path / "later").rename(tmp_path / "exp1/results.csv")
    assert added(add_run(model, tmp_path / "exp1")) == {"results": "exp1/results.csv"}


def test_what_was_added_can_be_committed(tmp_path: Path, shell: Shell) -> None:
    for number in (1, 2):
        runs.ultralytics(tmp_path / f"runs/exp{number}", step=number)
        shell.ok("add", "--run", f"runs/exp{number}")
        shell.commit(f"run {number}")
    assert shell.ok("ls", "v2").out.count("runs/exp2/") == 4


# --- refusals


def test_a_run_without_weights_is_refused_before_model_toml_is_written(tmp_path: Path, model: Model) -> None:
    runs.ultralytics(tmp_path / "runs/exp1")
    runs.ultralytics(tmp_path / "runs/exp2")
    for name in ("best.pt", "last.pt"):
        (tmp_path / "runs/exp2/weights" / name).unlink()
    before = (tmp_path / "model.toml").read_bytes()
    with pytest.raises(errors.NoWeightsYet, match="runs/exp2, a run of Ultralytics, has no weights") as caught:
        add_run(model, tmp_path / "runs/exp2")
    assert "weights/best.pt, weights/last.pt" in caught.value.hint
    assert "`mvc add --run runs/exp1`" in caught.value.hint
    assert caught.value.exit_code == 17
    assert (tmp_path / "model.toml").read_bytes() == before


def test_weights_that_are_links_are_named(tmp_path: Path, model: Model) -> None:
    runs.ultralytics(tmp_path / "exp")
    for name in ("best.pt", "last.pt"):
        (tmp_path / "exp/weights" / name).unlink()
        (tmp_path / "exp/weights" / name).symlink_to("/etc/hostname")
    with pytest.raises(errors.NoWeightsYet, match=r"weights/best\.pt is a link"):
        add_run(model, tmp_path / "exp")


def test_a_folder_with_several_runs_is_refused_with_the_newest_of_them(tmp_path: Path, model: Model) -> None:
    for number in range(5):
        folder = runs.ultralytics(tmp_path / f"runs/train/exp{number}")
        for path in folder.iterdir():
            os.utime(path, (number, number))
    newest = ", ".join(f"`mvc add --run runs/train/exp{number}`" for number in (4, 3, 2))
    for given in ("runs", "runs/train"):
        with pytest.raises(errors.NoRun) as caught:
            add_run(model, tmp_path / given)
        assert caught.value.hint.endswith(f"Newest runs: {newest}.")
    assert newest_runs(model) == f"Newest runs: {newest}."


@pytest.mark.parametrize("stray", ["yolov8n.pt", "old/best.pt", "weights/yolov8n.pt"])
def test_weights_beside_runs_do_not_make_one_of_their_folder(tmp_path: Path, model: Model, stray: str) -> None:
    for number in (1, 2):
        runs.ultralytics(tmp_path / f"runs/exp{number}")
        os.utime(tmp_path / f"runs/exp{number}/args.yaml", (2_000_000_000 + number,) * 2)
    (tmp_path / "runs" / stray).parent.mkdir(exist_ok=True)
    (tmp_path / "runs" / stray).write_bytes(b"x")
    for committed in (False, True):  # the run before is one of those in the folder
        with pytest.raises(errors.NoRun, match=f"it has {3 if stray == 'old/best.pt' else 2} run folders") as caught:
            add_run(model, tmp_path / "runs")
        assert "Newest runs: `mvc add --run runs/exp2`, `mvc add --run runs/exp1`." in caught.value.hint
        if stray != "old/best.pt":
            assert caught.value.hint.endswith(f"For these weights, use `mvc add runs/{stray} --as model-latest`.")
        if not committed:
            add_run(model, tmp_path / "runs/exp1")
    add(model, [tmp_path / "runs" / stray], role="model-latest")
    if stray != "old/best.pt":
        assert add_run(model, tmp_path / "runs").folder == "runs"  # the answer counts


def test_other_folders_are_refused(tmp_path: Path, model: Model) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_bytes(b"x")
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes/a.md").write_bytes(b"x")
    (tmp_path / "link").symlink_to("/")
    for name, error in (("empty", errors.NoRun), ("file", errors.NoRun), ("notes", errors.NoRun),
                        ("none", errors.NoSuchFile), ("link", errors.NotInModel), ("..", errors.NotInModel)):  # fmt: skip
        with pytest.raises(error):
            add_run(model, tmp_path / name)
    assert files(tmp_path) == {}


def test_weights_of_equal_rank_are_a_question(tmp_path: Path, model: Model) -> None:
    (tmp_path / "exp").mkdir()
    for name in ("a.pt", "b.pt", "c.onnx"):
        (tmp_path / "exp" / name).write_bytes(b"x")
    with pytest.raises(
        errors.WhichWeights, match=r"2 files in exp may be the model's weights: a\.pt, b\.pt\."
    ) as caught:
        add_run(model, tmp_path / "exp")
    assert "`mvc add exp/a.pt --as model-latest`" in caught.value.hint
    add(model, [tmp_path / "exp/b.pt"], role="model-latest")
    add_run(model, tmp_path / "exp")  # the answer counts
    assert files(tmp_path) == {"model-latest": "exp/b.pt"}


def test_a_link_to_the_newest_run_is_that_run(tmp_path: Path, model: Model) -> None:
    runs.ultralytics(tmp_path / "runs/exp1")
    (tmp_path / "runs/latest").symlink_to("exp1")
    assert add_run(model, tmp_path / "runs/latest").folder == "runs/exp1"


def test_folders_where_files_belong_and_files_where_folders_belong(tmp_path: Path, model: Model) -> None:
    (tmp_path / "exp/weights/best.pt").mkdir(parents=True)
    (tmp_path / "exp/args.yaml").write_bytes(b"\xff\xfe")
    with pytest.raises(errors.NoWeightsYet):
        add_run(model, tmp_path / "exp")
    (tmp_path / "v/checkpoints").mkdir(parents=True)
    (tmp_path / "v/checkpoints/last.ckpt").write_bytes(b"x")
    (tmp_path / "v/hparams.yaml").mkdir()
    (tmp_path / "v/trainer_state.json").write_bytes(b"[" * 100_000)
    with pytest.raises(errors.NoWeightsYet, match="Transformers"):
        add_run(model, tmp_path / "v")
    (tmp_path / "out").mkdir()
    for number in (1, 2):
        runs.transformers(tmp_path / f"out/checkpoint-{number}")
    (tmp_path / "out/checkpoint-2/trainer_state.json").write_bytes(b"[" * 100_000)
    assert add_run(model, tmp_path / "out").folder == "out/checkpoint-2"


def test_a_folder_of_very_many_files_is_refused(tmp_path: Path, model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "MAX_ENTRIES", 10)
    (tmp_path / "exp").mkdir()
    for number in range(11):
        (tmp_path / f"exp/{number}.jpg").write_bytes(b"")
    with pytest.raises(errors.TooBig, match="more than 10 files and folders"):
        add_run(model, tmp_path / "exp")


# --- the command


def test_the_command_prints_what_it_chose_and_why(tmp_path: Path, shell: Shell) -> None:
    runs.data_yaml(tmp_path / "data.yaml", "helmet")
    runs.ultralytics(tmp_path / "runs/exp1")
    runs.ultralytics(tmp_path / "runs/exp2", step=1, exports=("best.onnx",))
    said = shell.ok("add", "--run", "runs/exp1", "-n")
    assert said.lines[0] == "Run of Ultralytics: runs/exp1 (dry run, nothing changed)"
    assert files(tmp_path) == {}
    assert shell.ok("add", "--run", "runs/exp1").lines == [
        "Run of Ultralytics: runs/exp1",
        "  model-latest  weights/best.pt  best weights",
        "  last          weights/last.pt  weights of the last epoch",
        "  args          args.yaml        settings of the training",
        "  results       results.csv      metrics by epoch",
        "Values, read at each commit:",
        "  labelmap    data.yaml",
        "  parameters  args.yaml",
        "  metrics     results.csv (best metrics/mAP50-95(B); metrics/*)",
    ]
    shell.commit("one")
    assert shell.ok("add", "--run", "runs/exp2").lines == [
        "Run of Ultralytics: runs/exp2",
        "Roles move: runs/{exp1 => exp2}",
        "  model-latest  weights/best.pt  as in the run before",
        "  last          weights/last.pt  as in the run before",
        "  args          args.yaml        as in the run before",
        "  results       results.csv      as in the run before",
        "Values, read at each commit:",
        "  parameters  args.yaml",
        "  metrics     results.csv (best metrics/mAP50-95(B); metrics/*)",
        "Not tracked: runs/exp2/weights/best.onnx (track one with `mvc add PATH`)",
    ]


def test_the_command_takes_one_folder_and_names_the_newest_without_one(tmp_path: Path, shell: Shell) -> None:
    runs.ultralytics(tmp_path / "my runs/exp1")
    said = shell("add", "--run")
    assert (said.code, "--run needs the folder of a run. Newest runs: `mvc add --run 'my runs/exp1'`." in said.err) == (
        2,
        True,
    )
    for more in (("a", "b"), ("my runs/exp1", "--as", "x"), ("my runs/exp1", "--yes")):
        assert shell("add", "--run", *more).code == 2
    assert shell("add").code == 2


def test_the_json_has_every_role(tmp_path: Path, shell: Shell) -> None:
    runs.ultralytics(tmp_path / "exp1")
    document = shell.ok("--json", "add", "--run", "exp1").json
    assert document["schema"] == "mvc.add/1"
    assert document["added"][0] == {
        "role": "model-latest",
        "path": "exp1/weights/best.pt",
        "files": 1,
        "bytes_total": 7000,
        "why": "best weights",
    }


def test_a_run_is_committed_from_python(tmp_path: Path, model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    runs.ultralytics(tmp_path / "exp1")
    monkeypatch.chdir(tmp_path)
    done = mvc.open(".").model(MODEL).add_run("exp1")
    assert done.trainer == "Ultralytics"
    assert done.to_json()["before"] is None
