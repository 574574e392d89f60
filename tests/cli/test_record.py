"""`mvc record`: versions of files anywhere, of run folders, and of recordings that failed; several at once."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from mvc import errors
from mvc.model.compare.environment_record import EnvironmentRecord
from mvc.model.ids import VersionId
from mvc.model.version import Person, Timestamp
from mvc.repository import refnames
from mvc.repository.model import Model
from mvc.repository.record import plan as plans
from mvc.repository.record.options import Changes, Options
from mvc.repository.record.request import RecordRequest, RequestedFile, resume_command
from mvc.repository.repository import Actor
from mvc.storage.chunks.ingest import Ingest, Stored
from tests.cli.conftest import History
from tests.cli.shell import MODEL, Shell
from tests.intake import runs

WEIGHTS = random.Random(7).randbytes(50_000)


@pytest.fixture
def outside(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights that are not in the model's folder."""
    path = tmp_path_factory.mktemp("scratch") / "epoch=3.pt"
    path.write_bytes(WEIGHTS)
    return path


def _show(shell: Shell, revision: str) -> Mapping[str, object]:
    shown: Mapping[str, object] = shell.ok("show", revision, "--json").json
    return shown


def _files(shell: Shell, revision: str) -> dict[str, str]:
    return {file["role"]: file["path"] for file in shell.ok("ls", revision, "--json").json["files"]}


def _work(shell: Shell) -> dict[str, bytes]:
    places = (path for path in shell.folder.rglob("*") if ".mvc" not in path.parts and path.is_file())
    return {path.relative_to(shell.folder).as_posix(): path.read_bytes() for path in places}


# --- files


def test_a_version_of_a_file_elsewhere_leaves_all_as_it_is(shell: Shell, history: History, outside: Path) -> None:
    before = _work(shell)
    said = shell.ok(
        "record", "-m", "Epoch 3", "--file", f"weights={outside}", "--branch", "run/1", "--set", "metrics.mAP50=0.7",
        "--set", "parameters.augment.flip=0.5", "--tag", "t", "--alias", "best",
    )  # fmt: skip
    assert "[run/1 v3 " in said.out
    assert "weights  weights/best.pt  48.8 KiB" in said.out
    assert "refs: t, best" in said.out
    assert _work(shell) == before
    assert shell.ok("rev-parse", "HEAD").out.strip() == history.second
    shown = _show(shell, "run/1")
    assert shown["parents"] == [history.second]
    assert isinstance(shown["manifest"], dict)
    assert shown["manifest"]["metrics"] == {"mAP50": 0.7}
    assert shown["manifest"]["parameters"] == {"augment": {"flip": 0.5}}
    assert shown["labelmap"] == [[0, "head"], [1, "helmet"]]
    assert shell.raw("cat", "best:weights")[1] == WEIGHTS


def test_a_value_below_a_table_leaves_the_others(shell: Shell, history: History, outside: Path) -> None:
    record = ("record", "-m", "x", "--file", f"weights={outside}", "--branch", "run")
    shell.ok(*record, "--set", "parameters.augment={flip=0.5, mix=1}")
    shell.ok(*record, "--set", "parameters.augment.flip=0.1")
    manifest = shell.ok("show", "run", "--json").json["manifest"]
    assert manifest["parameters"] == {"augment": {"flip": 0.1, "mix": 1}}
    shell.ok(*record, "--replace", "parameters", "--set", "parameters.lr=1")
    assert shell.ok("show", "run", "--json").json["manifest"]["parameters"] == {"lr": 1}
    said = shell(*record, "--set", "parameters.lr.base=1")
    assert (said.code, "parameters.lr" in said.err) == (2, True)


def test_on_the_current_branch_the_output_names_the_command_that_takes_the_files(
    shell: Shell, history: History, outside: Path
) -> None:
    said = shell.ok("record", "-m", "Epoch 3", "--file", f"weights={outside}")
    assert (
        said.lines[-1] == "The working tree is unchanged; update it with `mvc restore .`, which discards local changes."
    )
    assert shell.ok("record", "-q", "-m", "4", "--file", f"weights={outside}").out.strip() == _show(shell, "main")["id"]
    shell.ok("restore", ".")
    assert (shell.folder / "weights" / "best.pt").read_bytes() == WEIGHTS


def test_a_recorded_version_is_undone(shell: Shell, history: History, outside: Path) -> None:
    shell.ok("record", "-m", "Epoch 3", "--file", f"weights={outside}", "--branch", "run/1")
    shell.ok("undo")
    assert "run/1" not in shell.ok("branch").out
    shell.ok("redo")
    assert "run/1" in shell.ok("branch").out


def test_the_first_version_of_a_model_is_recorded(empty: Shell, outside: Path) -> None:
    empty.ok(
        "record",
        "-m",
        "First",
        "--file",
        f"model-latest={outside}",
        "--author",
        "Ben <b@example.org>",
        "--date",
        "@0 +0000",
    )
    shown = _show(empty, "HEAD")
    assert (shown["number"], shown["author"], shown["time"]) == (
        1,
        {"name": "Ben", "email": "b@example.org"},
        "1970-01-01T00:00:00Z",
    )
    assert _files(empty, "HEAD") == {"model-latest": "model-latest.pt"}


def test_the_first_version_has_what_model_toml_says_of_the_model(empty: Shell, outside: Path) -> None:
    empty.set(model__type="OBJECT_DETECTION", labelmap__0="helmet", parameters__epochs=3, metrics__mAP50=0.1)
    empty.ok("record", "-m", "First", "--file", f"model-latest={outside}")
    shown = empty.ok("show", "--json").json
    assert shown["manifest"]["model"] == {"name": MODEL, "type": "OBJECT_DETECTION"}
    assert (shown["labelmap"], shown["manifest"].keys() & {"parameters", "metrics"}) == ([[0, "helmet"]], set())


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (("-m", "x"), 2, "name files with --file ROLE=PATH"),
        (("-m", "x", "--file", "best.pt"), 2, "--file expects ROLE=PATH"),
        (("-m", "x", "--file", "a=FILE", "--file", "a=FILE"), 2, "--file names a twice"),
        (("--file", "a=FILE"), 2, "The message is empty"),
        (("-m", "x", "--file", "a=absent"), 2, "No file or folder"),
        (("-m", "x", "--file", "a=."), 2, "not a regular file"),
        (("-m", "x", "--file", "/a=FILE"), 2, "Invalid role"),
        (("-m", "x", "--file", "a=FILE", "--set", "files.b=c"), 2, "--set has no key of [files]"),
        (("-m", "x", "--file", "a=FILE", "--set", "model.name=other"), 2, "model.name"),
        (("-m", "x", "--file", "a=FILE", "--set", "metrics.a=high"), 2, "metrics.a"),
        (("-m", "x", "--file", "a=FILE", "--replace", "files"), 2, "--replace expects one of"),
        (("-m", "x", "--file", "a=FILE", "--parent", "v1"), 13, "main"),
        (("-m", "x", "--file", "a=FILE", "--branch", "a..b"), 2, "Invalid ref name"),
        (("-m", "x", "--file", "a=FILE", "--tag", "2026.1"), 13, "2026.1"),
        (("-m", "x", "--file", "a=FILE", "--set", "parameters.key=sk-abcdefghijklmnopqrstuvwxyz123456"), 17, "secret"),
        (("--resume", "FILE", "-m", "x"), 2, "and no --message"),
        (("--resume", "FILE"), 2, "not a valid record request"),
        (("--resume", "absent"), 2, "No file or folder"),
    ],
)
def test_what_cannot_be_recorded_leaves_nothing(
    shell: Shell, history: History, outside: Path, arguments: tuple[str, ...], code: int, text: str
) -> None:
    before = shell.ok("reflog", "main", "--json").json
    said = shell("record", *(argument.replace("FILE", str(outside)) for argument in arguments))
    assert (said.code, text in said.err) == (code, True), said
    assert "Traceback" not in said.err
    assert shell.ok("reflog", "main", "--json").json == before
    shell.ok("fsck", "--read-data")


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="there is no /proc")
def test_files_whose_stat_says_another_size_are_recorded_as_they_were_read(shell: Shell, history: History) -> None:
    shell.ok("record", "-m", "x", "--file", "kernel=/proc/version")
    assert shell.raw("cat", "main:kernel")[1] == Path("/proc/version").read_bytes()
    shell.ok("fsck", "--read-data")
    said = shell("record", "-m", "x", "--file", "memory=/proc/self/mem")
    assert (said.code, "Cannot read /proc/self/mem: Input/output error." in said.err) == (2, True), said


def test_a_file_is_not_committed_with_another_size(
    shell: Shell, history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    add = Ingest.add

    def shortened(ingest: Ingest, fd: int, path: str = "", role: str = "") -> Stored:
        return replace(add(ingest, fd, path, role), size=3)

    monkeypatch.setattr(Ingest, "add", shortened)
    shell.write("weights/best.onnx", b"longer")
    said = shell("commit", "-m", "x")
    assert (said.code != 0, "weights/best.onnx kept changing" in said.err) == (True, True), said


# --- the environment


def test_the_environment_is_recorded_and_compared_by_package(shell: Shell, history: History, outside: Path) -> None:
    record = ("record", "-m", "x", "--branch", "run", "--file", f"weights={outside}")
    shell.ok(*record, "--environment")
    data = shell.raw("cat", "run:environment")[1]
    found = EnvironmentRecord.decode(data)
    assert found is not None
    assert _files(shell, "run") == {"environment": "environment.json", "weights": "weights/best.pt"}
    assert found.packages["click"] == version("click")
    other = replace(found, packages={**found.packages, "click": "0.1\x1b[31m", "aaa": "1"}, python=None)
    shell.write("other.json", other.encode())
    shell.ok(*record, "--file", "environment=other.json")
    said = shell.ok("diff", "run~1", "run").lines
    assert said[said.index("environment.json") :] == [
        "environment.json",
        f"  python {found.python} removed",
        "  aaa 1 added",
        f"  click {version('click')} -> 0.1\\x1b[31m",
    ]
    (text,) = shell.ok("diff", "run~1", "run", "--json").json["texts"]
    assert text["environment"][1] == {"name": "aaa", "old": None, "new": "1"}
    assert "environment.json" in shell.ok("show", "run").out
    shell.ok(*record, "--environment")
    assert shell.raw("cat", "run:environment")[1] == data


# --- preflight


def test_a_dry_run_prints_the_plan_and_records_nothing(shell: Shell, history: History, outside: Path) -> None:
    said = shell.ok("record", "-n", "--file", f"weights={outside}", "--branch", "run/1")
    assert said.lines == [
        f"Would record on run/1 of {MODEL} (parent: {history.second[:10]}):",
        f"  weights  weights/best.pt  {outside}",
        "  1 file, 48.8 KiB",
    ]
    assert "run/1" not in shell.ok("branch").out
    (outside.parent / "deep").mkdir()
    above = outside.parent / "deep" / ".." / outside.name
    assert f"  weights  weights/best.pt  {outside}" in shell.ok("record", "-n", "--file", f"weights={above}").lines


def test_a_dry_run_prints_what_would_stop_it(shell: Shell, history: History, outside: Path) -> None:
    shell.ok("switch", "--detach", "v1")
    (shell.folder / "model.toml").write_text("[model\n", encoding="utf-8")
    said = shell("--model", MODEL, "record", "-n", "--file", f"weights={outside}", "--json")
    found = said.json
    assert (said.code, found["planned"]) == (1, None)
    assert [(problem["severity"], problem["key"]) for problem in found["problems"]] == [
        ("error", "branch"),
        ("warning", "model.toml"),
    ]
    said = shell("--model", MODEL, "record", "-n", "--file", f"weights={outside}")
    assert "--branch NAME" in said.out
    shell.ok("--model", MODEL, "record", "-n", "--file", f"weights={outside}", "--branch", "run")
    shell.ok("--model", MODEL, "record", "-m", "x", "--file", f"weights={outside}", "--branch", "run")


def test_a_merge_in_progress_stops_a_recording_on_its_branch_only(
    shell: Shell, history: History, outside: Path
) -> None:
    shell.write("weights/best.onnx", b"ours" * 40_000)
    shell.commit("Ours")
    assert shell("merge", "side").code == 1
    record = ("record", "-m", "x", "--file", f"weights={outside}")
    assert shell(*record, "-n").code == 1
    assert shell(*record).code == shell("merge", "side").code == 13
    shell.ok(*record, "--branch", "run", "-n")
    shell.ok(*record, "--branch", "run")


# --- run folders


def test_a_run_folder_outside_is_recorded_with_its_values(
    shell: Shell, tmp_path_factory: pytest.TempPathFactory
) -> None:
    place = tmp_path_factory.mktemp("train")
    for step, name in enumerate(("exp1", "exp2")):
        runs.ultralytics(place / name, step=step)
        (place / name / "data.yaml").write_text("names: [helmet, vest]\n", encoding="utf-8")
        shell.ok("record", "-m", name, "--run", str(place / name), "--branch", "runs", "--set", "metrics.fps=30")
    assert _files(shell, "runs") == {
        "model-latest": "weights/best.pt",
        "last": "weights/last.pt",
        "args": "args.yaml",
        "results": "results.csv",
    }
    shown = shell.ok("show", "runs", "--json").json
    assert (shown["number"], shown["labelmap"]) == (2, [[0, "helmet"], [1, "vest"]])
    assert shown["manifest"]["parameters"]["epochs"] == 3
    assert shown["manifest"]["metrics"]["metrics/mAP50-95(B)"] == 0.59
    assert shown["manifest"]["metrics"]["fps"] == 30
    assert shell.raw("cat", "runs:model-latest")[1] == (place / "exp2" / "weights" / "best.pt").read_bytes()
    assert "from" not in shown["manifest"]


def test_a_run_folder_has_the_roles_of_the_run_before(shell: Shell) -> None:
    for step, name in enumerate(("exp1", "exp2")):
        runs.ultralytics(shell.folder / "runs" / name, step=step)
    shell.ok("add", "--run", "runs/exp1")
    shell.ok("rm", "--cached", "last")
    shell.ok("set", "from.metrics.best=metrics/mAP50(B)")
    shell.commit("One")
    assert "] Run exp2" in shell.ok("record", "--run", "runs/exp2", "--branch", "next").out
    assert "last" not in _files(shell, "next")
    assert _files(shell, "next") == {role: path.replace("exp1", "exp2") for role, path in _files(shell, "HEAD").items()}
    assert shell.raw("cat", "next:model-latest")[1] == (shell.folder / "runs/exp2/weights/best.pt").read_bytes()


def test_a_run_folder_that_is_absent_is_named(shell: Shell, history: History) -> None:
    said = shell("record", "-m", "x", "--run", "FOLDER")
    assert (said.code, said.err.splitlines()[0]) == (2, "mvc: No file or folder FOLDER.")


@pytest.mark.parametrize("made", ["empty", "no weights"])
def test_a_folder_that_is_no_run_is_refused(shell: Shell, history: History, outside: Path, made: str) -> None:
    place = outside.parent / "exp"
    place.mkdir()
    if made == "no weights":
        (place / "args.yaml").write_text("a: 1\n", encoding="utf-8")
        (place / "weights").mkdir()
    said = shell("record", "-m", "x", "--run", str(place))
    assert said.code in (2, 17)
    assert place.name in said.err


@pytest.mark.parametrize("verb", ["record", "commit"])
@pytest.mark.parametrize("cause", [errors.TagExists(tag="t1", version="v1"), errors.LockTimeout(owner="x", seconds=1)])
def test_a_version_whose_tag_cannot_be_set_is_said_to_be_recorded(
    shell: Shell, history: History, outside: Path, monkeypatch: pytest.MonkeyPatch, verb: str, cause: errors.MvcError
) -> None:
    def late(*_: object) -> bool:
        raise cause

    monkeypatch.setattr(refnames, "set_tag", late)
    files = ("--file", f"weights={outside}") if verb == "record" else ("--allow-empty",)
    said = shell(verb, "-m", "x", "--tag", "t1", *files)
    id_ = shell.ok("rev-parse", "HEAD").out.strip()
    assert id_ != history.second
    assert said.code == cause.exit_code
    assert f"{id_[:10]} is recorded, but not all of its tags and aliases were set (t1): {cause.message}" in said.err


# --- what failed before


def _request(shell: Shell, outside: Path, **options: object) -> Path:
    asked = RecordRequest(
        MODEL,
        {"weights": RequestedFile.of(outside)},
        "The night's training",
        Person("Night", "night@example.org"),
        Timestamp(1_770_000_000, 60),
        Changes([(("metrics", "mAP50"), 0.9), (("parameters", "epochs"), 100)]),
        Options("run/night", tags=("night",), aliases=("best",)),
        reason="No space left on device.",
    )
    path = outside.parent / "mvc-record.json"
    path.write_bytes(asked.encode(resume_command(path, shell.folder)))
    return path


def test_a_failed_recording_is_recorded_later_and_once(shell: Shell, history: History, outside: Path) -> None:
    path = _request(shell, outside)
    assert "[run/night v3 " in shell.ok("record", "--resume", str(path)).out
    shown = _show(shell, "run/night")
    assert (shown["author"], shown["time"]) == ({"name": "Night", "email": "night@example.org"}, "2026-02-02T02:40:00Z")
    assert isinstance(shown["manifest"], dict)
    assert shown["manifest"]["metrics"] == {"mAP50": 0.9}
    outside.unlink()  # its bytes are in the store
    shell.ok("alias", "set", "best", "v1", "-m", "back")
    again = shell.ok("record", "--resume", str(path))
    assert again.lines == [f"Already recorded: v3 {str(shown['id'])[:10]} on run/night of {MODEL}; nothing was added."]
    assert _show(shell, "run/night")["id"] == shown["id"]
    assert shell.ok("rev-parse", "best").out.strip() == history.first
    assert shell.ok("record", "--resume", str(path), "--json").json["created"] is False


def test_a_request_with_other_metrics_is_another_version(shell: Shell, history: History, outside: Path) -> None:
    path = _request(shell, outside)
    shell.ok("record", "--resume", str(path))
    record = json.loads(path.read_bytes())
    record["values"]["metrics"]["mAP50"] = 0.8
    path.write_text(json.dumps(record | {"tags": []}), encoding="utf-8")
    assert "[run/night v4 " in shell.ok("record", "--resume", str(path)).out


def test_it_is_found_on_any_branch(shell: Shell, history: History, outside: Path) -> None:
    path = _request(shell, outside)
    shell.ok("record", "--resume", str(path))
    shell.ok("merge", "run/night")
    shell.ok("tag", "-d", "night")
    shell.ok("branch", "-D", "run/night")
    assert "Already recorded: v3" in shell.ok("record", "--resume", str(path)).out
    assert "run/night" not in shell.ok("branch").out


def test_refs_that_an_interrupted_resume_left_out_are_set(shell: Shell, history: History, outside: Path) -> None:
    path = _request(shell, outside)
    record = json.loads(path.read_bytes())
    path.write_text(json.dumps(record | {"tags": [], "aliases": []}), encoding="utf-8")
    id_ = shell.ok("record", "--resume", str(path), "-q").out.strip()
    path.write_text(json.dumps(record), encoding="utf-8")
    assert "refs: night, best" in shell.ok("record", "--resume", str(path)).out
    assert {shell.ok("rev-parse", name).out.strip() for name in ("night", "best")} == {id_}


def test_another_file_at_that_path_is_refused(shell: Shell, history: History, outside: Path) -> None:
    path = _request(shell, outside)
    outside.write_bytes(WEIGHTS[::-1])
    said = shell("record", "--resume", str(path))
    assert (said.code, "has changed since the training" in said.err) == (17, True)
    assert "run/night" not in shell.ok("branch").out
    shell.ok("fsck", "--read-data")


def test_a_branch_and_a_secret_may_be_allowed_later(shell: Shell, history: History, outside: Path) -> None:
    path = _request(shell, outside)
    record = json.loads(path.read_bytes())
    record["values"]["parameters"]["api_key"] = "sk-abcdefghijklmnopqrstuvwxyz123456"
    path.write_text(json.dumps(record | {"branch": None}), encoding="utf-8")
    shell.ok("switch", "--detach", "v1")
    assert shell("record", "--resume", str(path)).code == 13
    assert shell("record", "--resume", str(path), "--branch", "other").code == 17
    assert "[other v2 " in shell.ok("record", "--resume", str(path), "--branch", "other", "--allow-secret").out


def test_the_command_of_a_request_works_from_anywhere(shell: Shell, history: History, outside: Path) -> None:
    command = json.loads(_request(shell, outside).read_bytes())["command"]
    done = subprocess.run(
        ["sh", "-c", command.replace("mvc ", f"{sys.executable} -m mvc ", 1)],
        cwd=outside.parent, capture_output=True, text=True, check=False,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parents[2])},
    )  # fmt: skip
    assert (done.returncode, "[run/night v3 " in done.stdout) == (0, True), done.stderr


# --- several at once


def _at_once(shell: Shell, commands: list[list[str]]) -> list[str]:
    """Run commands at the same time; return what each printed."""
    source = os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    begun = [
        subprocess.Popen([sys.executable, "-m", "mvc", *command], cwd=shell.folder, env=source, stdout=-1, stderr=-1, text=True)
        for command in commands
    ]  # fmt: skip
    said = [process.communicate() for process in begun]
    assert [process.returncode for process in begun] == [0] * len(begun), said
    return [out for out, _ in said]


def test_of_four_recordings_at_once_none_is_lost(shell: Shell, history: History, outside: Path, deep: bool) -> None:
    rounds, number = (20 if deep else 2), 4
    for turn in range(rounds):
        commands = []
        for run in range(number):
            path = outside.parent / f"{turn}-{run}.pt"
            path.write_bytes(WEIGHTS[: 40_000 + run] + path.name.encode())
            commands.append(
                ["record", "-m", path.name, "--file", f"weights={path}", "--branch", "runs", "--alias", "new"]
            )
        _at_once(shell, commands)
    versions = shell.ok("log", "runs", "--json").json["versions"]
    assert [version["number"] for version in versions] == list(range(2 + rounds * number, 0, -1))
    assert len({version["message"] for version in versions}) == 2 + rounds * number
    shell.ok("fsck", "--read-data")


def test_an_alias_that_another_command_moves_at_that_moment_is_set_again(
    shell: Shell, history: History, outside: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_alias, moved = refnames.set_alias, iter((True, True, False))

    def contested(model: Model, name: str, version: VersionId, actor: Actor, reason: str) -> bool:
        if next(moved):
            raise errors.RefMoved(ref=name, by="Ben", reason="alias")
        return set_alias(model, name, version, actor, reason)

    monkeypatch.setattr(refnames, "set_alias", contested)
    assert "refs: best" in shell.ok("record", "-m", "x", "--file", f"weights={outside}", "--alias", "best").out


def test_of_four_resumes_of_one_request_at_once_one_records(shell: Shell, history: History, outside: Path) -> None:
    path = _request(shell, outside)
    said = _at_once(shell, [["record", "--resume", str(path)]] * 4)
    assert sum("Already recorded" in out for out in said) == 3
    assert [version["number"] for version in shell.ok("log", "run/night", "--json").json["versions"]] == [3, 2, 1]


def test_a_resume_sees_what_another_recorded_before_its_refs_are_set(
    shell: Shell, history: History, outside: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, plan, set_all = _request(shell, outside), plans.plan, refnames.set_all

    def late(*arguments: Any) -> plans.Plan:
        monkeypatch.setattr(plans, "plan", plan)
        monkeypatch.setattr(refnames, "set_all", lambda *_: ())
        assert "[run/night v3 " in shell.ok("record", "--resume", str(path)).out
        monkeypatch.setattr(refnames, "set_all", set_all)
        return plan(*arguments)

    monkeypatch.setattr(plans, "plan", late)
    assert "Already recorded" in shell.ok("record", "--resume", str(path)).out
    assert [version["number"] for version in shell.ok("log", "run/night", "--json").json["versions"]] == [3, 2, 1]


def test_a_read_only_store_is_reported_before(
    shell: Shell, history: History, outside: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode, **_: not str(path).endswith("packs"))
    found = shell("record", "-n", "--file", f"weights={outside}", "--json").json["problems"]
    assert [problem["key"] for problem in found] == ["store"]


def test_a_full_disk_is_reported_before(
    shell: Shell, history: History, outside: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = os.statvfs(shell.folder)
    monkeypatch.setattr(os, "statvfs", lambda _: os.statvfs_result((*free[:3], 0, 0, *free[5:])))
    found = shell("record", "-n", "--file", f"weights={outside}", "--json").json["problems"]
    assert [problem["key"] for problem in found] == ["disk"]


def test_json_says_that_a_version_was_created(shell: Shell, history: History, outside: Path) -> None:
    done = shell.ok("record", "-m", "x", "--file", f"weights={outside}", "--branch", "run", "--json").json
    assert (done["created"], done["number"]) == (True, 3)
