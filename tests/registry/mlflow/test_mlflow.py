"""MLflow's registered models, by the calls of a server and from a database: imported, published, and what goes wrong."""

from __future__ import annotations

import contextlib
import random
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mvc.backoff import Backoff
from mvc.registry.mlflow import client
from mvc.repository.policy.gate import NAME
from tests.cli.shell import Said, Shell
from tests.registry import histories
from tests.servers import picsellia
from tests.servers.mlflow import Tracking
from tests.servers.picsellia import Fault
from tests.servers.picsellia_wire import Call

ROUNDS, DEEP_ROUNDS = 12, 150
FAULTS = (
    Fault(), Fault(after=True), Fault(garbage=True), Fault(cut=3),
    *(Fault(status) for status in (401, 403, 404, 429, 500, 503)),
)  # fmt: skip
WEIGHTS = random.Random(1).randbytes(5000)


@pytest.fixture
def tracking(monkeypatch: pytest.MonkeyPatch) -> Iterator[Tracking]:
    tracking = Tracking()
    monkeypatch.setattr(client, "_RETRY", Backoff(attempts=3, first=0.0, longest=0.0))
    with picsellia.serve(tracking):
        yield tracking


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    shell = histories.six(tmp_path / "ana", monkeypatch, 60_000)
    shell.set(metrics__mAP50=0.71)
    shell.commit("Measured")
    return shell


def _url(tracking: Tracking, model: str = "helmet") -> str:
    return f"mlflow://{tracking.host.removeprefix('http://')}/{model}"


def _empty(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    folder.mkdir()
    shell = Shell(folder, monkeypatch)
    shell.ok("init", "--model", "other")
    return shell


def _logged(key: str, value: object) -> dict[str, object]:
    return {"key": key, "value": value}


def _three(tracking: Tracking) -> None:
    for number in range(3):
        files = {"best.pt": WEIGHTS + bytes([number]), "conf/args.yaml": b"lr: 1"}
        tracking.add_version(
            "helmet", files, description=f"Number {number + 1}", user_id="ben", tags=[_logged("stage", "test")],
            params=[_logged("lr", "0.1"), _logged("epochs", "100"), _logged("amp", "True"), _logged("name", "007")],
            metrics=[_logged("mAP50", 0.5 + number / 10), _logged("loss", "NaN")],
            run_tags={"mlflow.source.git.commit": "a" * 40, "mlflow.user": "eve"},
        )  # fmt: skip
    tracking.models["helmet"]["aliases"] = [{"alias": "prod", "version": "2"}]


def test_versions_of_a_server_become_versions_with_values_and_aliases(
    tmp_path: Path, monkeypatch: Any, tracking: Tracking
) -> None:
    _three(tracking)
    ben = _empty(tmp_path / "ben", monkeypatch)
    said = ben.ok("import", _url(tracking))
    assert "metrics that are not finite were left out: loss" in said.err
    log = ben.ok("--model", "helmet", "log", "--json").json["versions"]
    assert [version["message"] for version in log] == ["Number 3", "Number 2", "Number 1"]
    assert {version["author"]["name"] for version in log} == {"ben"}
    shown = ben.ok("--model", "helmet", "show", "prod", "--json").json
    assert shown["number"] == 2
    assert shown["manifest"]["parameters"] == {"amp": True, "epochs": 100, "lr": 0.1, "name": "007"}
    assert shown["manifest"]["metrics"] == {"mAP50": 0.6}
    assert shown["manifest"]["model"]["description"] == "Finds helmets"
    assert shown["manifest"]["model"]["tags"] == ["stage=test"]
    assert shown["code"]["commit"] == "a" * 40
    assert ben.raw("--model", "helmet", "cat", "HEAD:best.pt")[1] == WEIGHTS + b"\2"
    assert "Nothing new." in ben.ok("import", _url(tracking)).out
    tracking.models["helmet"]["aliases"] = [{"alias": "prod", "version": "3"}]
    assert ben("import", _url(tracking)).code == 0


def test_a_hostile_file_is_refused_before_it_is_stored(tmp_path: Path, monkeypatch: Any, tracking: Tracking) -> None:
    tracking.add_version("helmet", {"best.pt": b"cos\nsystem\n(S'true'\ntR."})
    ben = _empty(tmp_path / "ben", monkeypatch)
    said = ben("import", _url(tracking))
    assert (said.code, "best.pt is hostile" in said.err) == (17, True), said
    assert ben.repository.heads.get("helmet") is None
    ben.ok("import", _url(tracking), "--allow-unsafe")


def test_a_version_without_readable_artifacts_is_left_out_by_name(
    tmp_path: Path, monkeypatch: Any, tracking: Tracking
) -> None:
    _three(tracking)
    tracking.versions[1]["source"] = "s3://bucket/model"
    tracking.versions[2]["source"] = "models:/m-1"
    tracking.logged["m-1"] = "mlflow-artifacts:/0/models/m-1"
    tracking.files["0/models/m-1/model.onnx"] = WEIGHTS
    ben = _empty(tmp_path / "ben", monkeypatch)
    said = ben("import", _url(tracking))
    assert said.code == 3
    assert "s3://bucket/model; start the server with --serve-artifacts" in said.err
    assert ben.raw("--model", "helmet", "cat", "HEAD:model.onnx")[1] == WEIGHTS


def test_what_is_published_is_imported_with_the_same_ids(
    tmp_path: Path, monkeypatch: Any, shell: Shell, tracking: Tracking
) -> None:
    shell.ok("tag", "2026.1", "HEAD")
    shell.ok("publish", _url(tracking), "--all", "--tag", "prod")
    versions = tracking.versions
    assert len(versions) == 7
    assert all(run["info"]["status"] == "FINISHED" for run in tracking.runs.values())
    (run,) = (run for run in tracking.runs.values() if run["data"]["metrics"])
    assert [(row["key"], row["value"]) for row in run["data"]["metrics"]] == [("mAP50", 0.71)]
    assert {"key": "epochs", "value": "100"} in run["data"]["params"]
    before = len(tracking.files), len(versions), len(tracking.runs)
    assert "Everything up to date." in shell.ok("publish", _url(tracking), "--all").out
    assert (len(tracking.files), len(versions), len(tracking.runs)) == before
    ben = _empty(tmp_path / "ben", monkeypatch)
    ben.ok("import", _url(tracking))
    mine = {version["id"] for version in shell.ok("log", "--all", "--json").json["versions"]}
    theirs = {version["id"] for version in ben.ok("--model", "helmets", "log", "--all", "--json").json["versions"]}
    assert theirs == mine
    assert ben.ok("--model", "helmets", "rev-parse", "prod").out == shell.ok("rev-parse", "HEAD").out
    assert ben.ok("fsck", "--read-data").code == 0


def test_a_dry_run_only_looks_and_aliases_move_by_force_only(shell: Shell, tracking: Tracking) -> None:
    shell.ok("publish", _url(tracking), "-n")
    assert {call.method for call in tracking.calls} == {"GET"}
    shell.ok("publish", _url(tracking), "v1", "--tag", "prod")
    refused = shell("publish", _url(tracking), "v2", "--tag", "prod")
    assert refused.code == 13
    assert "prod on" in refused.err
    assert len(tracking.versions) == 1
    shell.ok("publish", _url(tracking), "v2", "--tag", "prod", "--force")
    assert tracking.models["helmet"]["aliases"] == [{"alias": "prod", "version": "2"}]
    assert shell("publish", _url(tracking), "--tag", "v7").code == 13


def test_a_server_that_serves_no_artifacts_gets_no_version(shell: Shell, tracking: Tracking) -> None:
    tracking.artifact_root = "s3://bucket/"
    refused = shell("publish", _url(tracking))
    assert refused.code == 17
    assert "--serve-artifacts" in refused.err
    assert not tracking.versions


def test_credentials_are_sent_to_the_server_that_was_typed(
    shell: Shell, tracking: Tracking, monkeypatch: pytest.MonkeyPatch
) -> None:
    tracking.authorization = "Bearer canary-token"
    refused = shell("publish", _url(tracking))
    assert refused.code == 12
    assert "MLFLOW_TRACKING_TOKEN" in refused.err
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "canary-token")
    shell.ok("publish", _url(tracking))
    plain = shell("publish", "mlflow+http://mlflow.example.org/helmet")
    assert plain.code == 12
    assert "unencrypted HTTP" in plain.err
    assert "canary-token" not in plain.err + plain.out


@pytest.mark.parametrize(
    "url",
    [
        "mlflow://",
        "mlflow://host",
        "mlflow://u@host/m",
        "mlflow+sqlite:///a.db",
        "mlflow://host/a%2Fb",
        "mlflow://h/../m",
    ],
)
def test_a_url_that_names_no_model_is_refused(shell: Shell, url: str) -> None:
    assert shell("import", url).code == 2
    assert "Invalid URL" in shell("publish", url).err


def _failing(tracking: Tracking, number: int, fault: Fault) -> contextlib.AbstractContextManager[None]:
    @contextlib.contextmanager
    def block() -> Iterator[None]:
        count = iter(range(1_000_000))

        def faults(_: Call) -> Fault | None:
            return fault if next(count) == number else None

        tracking.faults = faults
        try:
            yield
        finally:
            tracking.faults = lambda _: None

    return block()


def _clear(tracking: Tracking) -> None:
    for kept in (tracking.models, tracking.versions, tracking.runs, tracking.experiments, tracking.files):
        kept.clear()


def test_a_fault_of_any_call_of_publish(deep: bool, rng: random.Random, shell: Shell, tracking: Tracking) -> None:
    def act() -> Said:
        return shell("publish", _url(tracking), "--tag", "prod")

    assert act().code == 0
    calls, expected = len(tracking.calls), sorted(tracking.files.values())
    for _ in range(DEEP_ROUNDS if deep else ROUNDS):
        number, fault = rng.randrange(calls), rng.choice(FAULTS)
        _clear(tracking)
        with _failing(tracking, number, fault):
            said = act()
        assert "internal error" not in said.err, (number, fault, said)
        assert said.code in {0, 2, 12, 13, 15, 128}, (number, fault, said)
        if tracking.versions:
            assert sorted(tracking.files.values()) == expected, (number, fault)
        assert act().code == 0, (number, fault)
        assert len(tracking.versions) == 1, (number, fault)
        assert sorted(tracking.files.values()) == expected, (number, fault)
        assert tracking.models["helmet"]["aliases"] == [{"alias": "prod", "version": "1"}]


def test_a_fault_of_any_call_of_import(
    deep: bool, rng: random.Random, shell: Shell, tracking: Tracking, tmp_path: Path, monkeypatch: Any
) -> None:
    shell.ok("publish", _url(tracking), "v1", "v2")
    expected = shell.ok("rev-parse", "v2").out
    tracking.calls.clear()
    _empty(tmp_path / "first", monkeypatch).ok("import", _url(tracking))
    calls = list(tracking.calls)
    for count in range(DEEP_ROUNDS if deep else ROUNDS):
        number = rng.randrange(len(calls))
        is_file = "/mlflow-artifacts/artifacts/" in calls[number].path
        fault = rng.choice((*FAULTS, *([Fault(flip=True)] * 4 if is_file else ())))
        ben = _empty(tmp_path / f"ben{count}", monkeypatch)
        with _failing(tracking, number, fault):
            said = ben("import", _url(tracking), "--model", "helmets")
        assert "internal error" not in said.err, (number, fault, said)
        assert said.code in {0, 2, 3, 12, 15, 128}, (number, fault, said)
        assert ben.ok("fsck", "--read-data").code == 0
        again = ben("import", _url(tracking), "--model", "helmets")
        assert again.code == 0, (number, fault, said, again)
        assert expected in ben.ok("--model", "helmets", "rev-parse", "HEAD").out, (number, fault, said)


# --- a database


def _database(folder: Path, artifacts: Path) -> Path:
    """A database as MLflow 3.17 writes it, of the tables and columns that mvc reads; two versions."""
    path = folder / "mlflow.db"
    rows = sqlite3.connect(path)
    rows.executescript(
        """
        CREATE TABLE registered_models (name TEXT, description TEXT);
        CREATE TABLE registered_model_aliases (alias TEXT, version INTEGER, name TEXT);
        CREATE TABLE model_versions (name TEXT, version INTEGER, creation_time BIGINT, description TEXT, user_id TEXT,
            current_stage TEXT, source TEXT, run_id TEXT, status TEXT, storage_location TEXT);
        CREATE TABLE model_version_tags (key TEXT, value TEXT, name TEXT, version INTEGER);
        CREATE TABLE runs (run_uuid TEXT, name TEXT, user_id TEXT);
        CREATE TABLE params (key TEXT, value TEXT, run_uuid TEXT);
        CREATE TABLE latest_metrics (key TEXT, value FLOAT, is_nan BOOLEAN, run_uuid TEXT);
        CREATE TABLE tags (key TEXT, value TEXT, run_uuid TEXT);
        CREATE TABLE logged_models (model_id TEXT, artifact_location TEXT);
        INSERT INTO registered_models VALUES ('helmet', NULL);
        INSERT INTO registered_model_aliases VALUES ('prod', 2, 'helmet');
        INSERT INTO params VALUES ('lr', '1e-3', 'r1');
        INSERT INTO latest_metrics VALUES ('mAP50', 0.6, 0, 'r2'), ('loss', 0, 1, 'r2');
        """
    )
    for number in (1, 2):
        place = artifacts / f"r{number}" / "artifacts"
        place.mkdir(parents=True)
        (place / "best.pt").write_bytes(WEIGHTS + bytes([number]))
        rows.execute("INSERT INTO runs VALUES (?, ?, 'ben')", (f"r{number}", f"run{number}"))
        rows.execute(
            "INSERT INTO model_versions VALUES ('helmet', ?, 1770109200000, NULL, NULL, 'None', ?, ?, 'READY', NULL)",
            (number, str(place), f"r{number}"),
        )
    rows.commit()
    rows.close()
    return path


def test_a_database_is_imported_read_only(tmp_path: Path, monkeypatch: Any) -> None:
    path = _database(tmp_path, tmp_path / "mlruns")
    before = path.read_bytes()
    ben = _empty(tmp_path / "ben", monkeypatch)
    ben.ok("import", f"mlflow+sqlite://{path}#helmet")
    shown = ben.ok("--model", "helmet", "show", "prod", "--json").json
    assert shown["manifest"]["metrics"] == {"mAP50": 0.6}
    assert shown["author"]["name"] == "ben"
    first = ben.ok("--model", "helmet", "show", "v1", "--json").json
    assert first["manifest"]["parameters"] == {"lr": 0.001}
    assert ben.raw("--model", "helmet", "cat", "v1:best.pt")[1] == WEIGHTS + b"\1"
    assert path.read_bytes() == before
    assert "Nothing new." in ben.ok("import", f"mlflow+sqlite:///{path}#helmet").out
    unknown = ben("import", f"mlflow+sqlite://{path}#hat")
    assert unknown.code == 2
    assert "Models there: helmet" in unknown.err


def test_artifacts_elsewhere_are_read_only_if_they_are_allowed(tmp_path: Path, monkeypatch: Any) -> None:
    (tmp_path / "own").mkdir()
    path = _database(tmp_path / "own", tmp_path / "elsewhere")
    ben = _empty(tmp_path / "ben", monkeypatch)
    refused = ben("import", f"mlflow+sqlite://{path}#helmet")
    assert refused.code == 3
    assert "-o artifacts=DIR" in refused.err
    ben.ok("import", f"mlflow+sqlite://{path}#helmet", "-o", f"artifacts={tmp_path / 'elsewhere'}")
    assert ben.raw("--model", "helmet", "cat", "v2:best.pt")[1] == WEIGHTS + b"\2"


def test_a_link_among_the_artifacts_is_not_followed(tmp_path: Path, monkeypatch: Any) -> None:
    path = _database(tmp_path, tmp_path / "mlruns")
    (tmp_path / "secret").write_bytes(b"a key")
    (tmp_path / "mlruns" / "r2" / "artifacts" / "extra").symlink_to(tmp_path / "secret")
    ben = _empty(tmp_path / "ben", monkeypatch)
    said = ben("import", f"mlflow+sqlite://{path}#helmet")
    assert said.code == 3
    assert "extra" in said.err


@pytest.mark.parametrize("data", [b"", b"no database", b"SQLite format 3\0" + bytes(100)])
def test_a_file_that_is_no_database_is_refused(tmp_path: Path, monkeypatch: Any, data: bytes) -> None:
    (tmp_path / "x.db").write_bytes(data)
    refused = _empty(tmp_path / "ben", monkeypatch)("import", f"mlflow+sqlite://{tmp_path}/x.db#helmet")
    assert refused.code == 128
    assert "not a database of MLflow" in refused.err


def test_the_operation_keeps_the_reason_for_which_a_rule_was_passed(shell: Shell, tracking: Tracking) -> None:
    text = '[[rule]]\non = ["publish:mlflow://*"]\nmax-version = 0\nforce = true\n'
    (shell.folder / NAME).write_text(text, encoding="utf-8")
    assert shell("publish", _url(tracking), "v1").code == 17
    shell.ok("publish", _url(tracking), "v1", "-n", "--force-policy", "tried")
    shell.ok("publish", _url(tracking), "v1", "--force-policy", "agreed")
    shown = shell.ok("op", "log").out
    assert ("agreed" in shown, "tried" in shown) == (True, False), shown
