"""`mvc.run`: a training becomes one version, whatever its values are; nothing here changes, and nothing is raised."""

from __future__ import annotations

from pathlib import Path

import mvc
from tests.training.conftest import WEIGHTS, Reports


def test_a_run_becomes_one_version_with_the_best_weights_and_their_metrics(
    model: mvc.Model, weights: Path, reports: Reports
) -> None:
    with mvc.run("helmets", parameters={"lr": 0.1}, report=reports) as run:
        for epoch, score in enumerate((0.5, 0.71, 0.6)):
            run.log(epoch=epoch, mAP50=score)
            if score == 0.71:
                run.best(weights, mAP50=score)
    assert run.recorded is not None
    version = model[run.recorded.id]
    assert (version.number, version.parents, version.metrics) == (2, (model["v1"],), {"mAP50": 0.71})
    assert version.files["model-latest"].read() == WEIGHTS[::-1]
    assert version.files["model-latest"].name == "best.onnx"  # as the parent has that role
    assert version.files["training-log"].read() == b"epoch,step,mAP50\n0,,0.5\n1,,0.71\n2,,0.6\n"
    assert version.parameters == {"lr": 0.1}
    assert version.labelmap == {0: "helmet", 1: "head"}
    assert reports.texts == [f"recorded helmets v2 {version.short} on main, 10.0 KiB (10.0 KiB new)"]
    assert model["HEAD"].number == 2
    assert not list(Path.cwd().glob("mvc-runs"))
