"""MLflow itself: its server takes what mvc publishes, and its database and server are imported."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mlflow
import pytest
from mlflow.tracking import MlflowClient

from tests.cli.shell import Shell
from tests.registry import histories


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("mlflow")


@pytest.fixture(scope="module")
def server(place: Path) -> Iterator[str]:
    """The address of a server with a database and artifacts of its own."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1",
        "--backend-store-uri", f"sqlite:///{place}/mlflow.db", "--artifacts-destination", str(place / "served"),
    ]  # fmt: skip
    with open(place / "log", "wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=place)
    try:
        _wait(process, f"http://127.0.0.1:{port}/health", place / "log")
        yield f"127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(30)


def _wait(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    for _ in range(600):
        assert process.poll() is None, log.read_text(errors="replace")
        try:
            with urllib.request.urlopen(url) as answer:
                assert answer.status == 200
                return
        except OSError:
            time.sleep(0.2)
    raise AssertionError(log.read_text(errors="replace"))


def _empty(folder: Path, monkeypatch: Any) -> Shell:
    folder.mkdir()
    shell = Shell(folder, monkeypatch)
    shell.ok("init", "--model", "other")
    return shell


def _ids(shell: Shell) -> set[str]:
    return {version["id"] for version in shell.ok("--model", "helmets", "log", "--all", "--json").json["versions"]}


def test_mlflow_has_what_is_published_and_gives_it_back(server: str, tmp_path: Path, monkeypatch: Any) -> None:
    ana = histories.six(tmp_path / "ana", monkeypatch, 3_000_000)
    ana.set(metrics__mAP50=0.71, parameters__lr=0.01)
    ana.commit("Measured")
    url = f"mlflow://{server}/published"
    ana.ok("publish", url, "--all", "--tag", "prod")
    assert "Everything up to date." in ana.ok("publish", url, "--all").out

    client = MlflowClient(f"http://{server}", f"http://{server}")
    version = client.get_model_version_by_alias("published", "prod")
    run = client.get_run(version.run_id)
    assert run.data.metrics == {"mAP50": 0.71}
    assert run.data.params["lr"] == "0.01"
    assert run.info.status == "FINISHED"
    mlflow.set_tracking_uri(f"http://{server}")
    folder = mlflow.artifacts.download_artifacts(artifact_uri=version.source, dst_path=str(tmp_path / "download"))
    for path in ("picture.png", "mvc-version.json"):
        assert (Path(folder) / path).is_file()

    ben = _empty(tmp_path / "ben", monkeypatch)
    ben.ok("import", url)
    assert _ids(ben) == _ids(ana)
    assert ben.ok("fsck", "--read-data").code == 0


def test_models_of_the_database_and_of_the_server_are_imported(
    place: Path, server: str, tmp_path: Path, monkeypatch: Any
) -> None:
    weights = tmp_path / "model" / "best.pt"
    weights.parent.mkdir()
    for uri, name in ((f"http://{server}", "served"), (f"sqlite:///{tmp_path}/own.db", "local")):
        client = MlflowClient(uri, uri)
        location = None if name == "served" else str(tmp_path / "mlruns")
        experiment = client.create_experiment(name, artifact_location=location)
        client.create_registered_model(name, description="Finds helmets")
        for number in (1, 2):
            weights.write_bytes(b"w" * (1000 + number))
            run = client.create_run(experiment, run_name=f"run{number}", tags={"team": "vision"}).info
            client.log_param(run.run_id, "lr", 0.1 * number)
            client.log_metric(run.run_id, "mAP50", 0.1, step=1)
            client.log_metric(run.run_id, "mAP50", 0.5 + number / 10, step=2)
            client.log_artifacts(run.run_id, str(weights.parent), "model")
            client.set_terminated(run.run_id)
            client.create_model_version(name, f"{run.artifact_uri}/model", run.run_id, description=f"Number {number}")
        client.set_registered_model_alias(name, "prod", "1")
    for url, name in ((f"mlflow://{server}/served", "served"), (f"mlflow+sqlite:///{tmp_path}/own.db#local", "local")):
        ben = _empty(tmp_path / f"ben-{name}", monkeypatch)
        ben.ok("import", url)
        shown = ben.ok("--model", name, "show", "HEAD", "--json").json
        assert shown["message"] == "Number 2"
        assert shown["manifest"]["metrics"] == {"mAP50": 0.7}
        assert shown["manifest"]["parameters"] == {"lr": 0.2}
        assert shown["manifest"]["model"]["tags"] == ["team=vision"]
        assert ben.raw("--model", name, "cat", "prod:best.pt")[1] == b"w" * 1001
        assert "Nothing new." in ben.ok("import", url).out
