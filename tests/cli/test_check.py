"""`mvc check`, and what status, commit and alias say of a version that is not ready for what it is meant for."""

from __future__ import annotations

import io
import json
import re
import shlex
import struct
import subprocess
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from mvc.readiness.datasets import OfDatasets
from mvc.readiness.table import RULES
from mvc.storage.disk import hashing
from mvc.storage.records.promised import EXPIRED
from tests.cli.shell import MODEL, Shell
from tests.formats.test_metadata import model as onnx_model
from tests.formats.test_metadata import value

READY = ("model.type=OBJECT_DETECTION", "model.framework=ONNX", "labelmap.0=helmet", "labelmap.1=head")


def saved_model(above: str = "") -> bytes:
    """A zip archive of a SavedModel, with its files in the folder `above`."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr(f"{above}saved_model.pb", b"graph")
        archive.writestr(f"{above}variables/variables.index", b"x" * 20_000)
    return data.getvalue()


def safetensors() -> bytes:
    """More than fits in a recipe, which comes with the metadata."""
    header = json.dumps({"w": {"dtype": "F32", "shape": [8_000], "data_offsets": [0, 32_000]}}).encode()
    return struct.pack("<Q", len(header)) + header + b"\0" * 32_000


ONNX = onnx_model(value(11, "images", 1, 3, 640, 640), names="{0: 'helmet', 1: 'head'}")
"""A model of two classes, with an input of 640 by 640 pixels."""


def track(shell: Shell, role: str, path: str = "", data: bytes = b"weights") -> None:
    path = path or f"weights/{role}.bin"
    shell.write(path, ONNX if path.endswith(".onnx") else data)
    shell.ok("add", path, "--as", role)


@pytest.fixture
def served(empty: Shell) -> Shell:
    """A model that is ready for deployment, and says that it is meant for that."""
    track(empty, "model-latest", "weights/best.onnx")
    empty.ok("set", *READY, "intent.ready_for=deployment")
    return empty


def rules(said: Any) -> dict[str, dict[str, Any]]:
    """The rules of the only use that was checked, by name."""
    (use,) = said.json["uses"]
    return {each["rule"]: each for each in use["findings"]}


# --- what is said


def test_ready_or_not_is_the_exit_code(empty: Shell) -> None:
    said = empty("check", "--for", "deployment")
    assert (said.code, said.lines[2]) == (1, "not ready  deployment/serving")
    assert "  no  required     a type: model.type is not set" in said.lines
    assert f"{'':<19}`mvc set model.type=TYPE`" in said.lines
    track(empty, "model-latest")
    empty.ok("set", *READY)
    said = empty.ok("check", "--for", "deployment")
    assert said.lines[:4] == [
        f"{MODEL} working tree",
        "",
        "ready      deployment/serving",
        "  ok  required     a file with role model-latest",
    ]
    assert empty("check", "--for", "deployment", "--for", "training").code == 1
    assert empty.ok("check", "-q", "--for", "deployment").out == ""


def test_a_version_is_checked_as_it_is_and_not_what_lies_here(served: Shell) -> None:
    served.commit("Ready")
    served.ok("unset", "model.type")
    served.commit("Not ready")
    served.ok("set", "model.type=MASK")
    assert served.ok("check").lines[0] == f"{MODEL} working tree"
    assert served.ok("check", "v1").code == 0
    said = served("check", "HEAD")
    assert said.code == 1
    assert said.lines[-1].startswith("Versions are immutable")
    assert served.ok("check", f"{MODEL}@v1", "--for", "deployment").code == 0
    assert served("check", "v9").code == 2


def test_the_document(served: Shell) -> None:
    id_ = served.commit("Ready")
    document = served.ok("check", "v1", "--json").json
    assert document["schema"] == "mvc.check/1"
    assert (document["model"], document["version"]) == (MODEL, {"id": id_, "number": 1})
    assert (document["ready"], document["asked"], document["problems"]) == (True, True, [])
    (use,) = document["uses"]
    assert (use["use"], use["ready"]) == ("deployment/serving", True)
    assert use["findings"][0] == {
        "rule": "model-latest",
        "use": "deployment/serving",
        "what": "a file with role model-latest",
        "need": "required",
        "fix": "",
        "sources": ["https://documentation.picsellia.com/docs/namespace"],
        "result": "ok",
        "why": "",
    }
    assert served("check", "--json").json["version"] is None


def test_without_a_use_all_are_summed_up(empty: Shell) -> None:
    said = empty("check")
    assert said.code == 1
    assert "  ready      storage" in said.lines
    assert (
        "  not ready  deployment/serving      lacks a file with role model-latest, a type, a labelmap (predictions"
        in said.out
    )
    document = empty("check", "--json").json
    assert not document["asked"]
    assert {use["use"]: use["ready"] for use in document["uses"]}["storage"]


def test_strict_counts_what_is_recommended_and_what_is_elsewhere(empty: Shell) -> None:
    track(empty, "pretrained-weights")
    empty.ok("set", "docker.image=acme/yolo")
    said = empty.ok("check", "--for", "training")
    assert (
        "  ?   required     the files that the training script loads: cannot be checked here, requires the training"
        in said.out
    )
    assert empty("check", "--for", "training", "--strict").code == 1
    assert empty.ok("check", "--for", "storage", "--strict").code == 0


def test_the_rules_are_listed_anywhere(empty: Shell, tmp_path: Path) -> None:
    everything = empty.ok("check", "--list", "--json").json["rules"]
    assert len(everything) == len(RULES)
    assert empty.ok("check", "--list", "--for", "conversion", "-q").lines == ["job-file"]
    empty.ok("set", 'intent.require=[{use="edge", role="onnx"}]')
    assert empty.ok("check", "--list", "--for", "edge").lines == ["edge  required  a file with role onnx"]
    empty.commit("With a rule", "--allow-empty")
    empty.ok("unset", "intent.require")
    assert empty("check", "--list", "--for", "edge").code == 2
    assert empty.ok("check", "v1", "--list", "--for", "edge").lines == ["edge  required  a file with role onnx"]
    outside = tmp_path.parent / f"{tmp_path.name}-outside"
    outside.mkdir()
    assert len(empty.ok("-C", str(outside), "check", "--list").lines) == len(RULES)
    assert empty("-C", str(outside), "check", "v1", "--list").code == 10


@pytest.mark.parametrize("use", ["deploy", "deployment/", "TRAINING", "edge", ""])
def test_an_unknown_use_is_refused_with_those_that_are_known(empty: Shell, use: str) -> None:
    for arguments in (("check",), ("check", "--list")):
        said = empty(*arguments, "--for", use, "--json")
        assert said.code == 2
        assert json.loads(said.err)["kind"] == "unknown-use"
        assert "pre-annotation/legacy" in json.loads(said.err)["message"]


def test_what_cannot_be_committed_is_ready_for_nothing(empty: Shell) -> None:
    empty.ok("set", "labelmap.0=helmet", "labelmap.2=head")
    said = empty("check", "--for", "storage")
    assert said.code == 1
    assert said.lines[1:3] == [
        "Not ready: the working tree cannot be committed, because of:",
        "  !  labelmap: class 1 is missing (`mvc set labelmap.1=NAME`, or `mvc set model.labelmap_sparse=true` if this is intended)",
    ]
    empty.ok("set", "labelmap.1=vest")
    track(empty, "model-latest")
    assert empty.ok("check", "--for", "storage").code == 0
    (empty.folder / "weights" / "model-latest.bin").unlink()
    document = empty("check", "--for", "storage", "--json").json
    assert (document["ready"], [each["kind"] for each in document["problems"]]) == (False, ["missing-file"])


def test_what_a_rule_says_reaches_no_terminal_as_it_is(empty: Shell) -> None:
    empty.ok("set", 'intent.require=[{use="e\\u001b[31m", role="\\u001b]0;x"}]')
    assert "\x1b" not in empty("check", "--for", "e\x1b[31m").out
    assert "\x1b" not in empty("check").out
    assert "\x1b" not in empty("check", "--list").out
    empty.ok("set", 'intent.ready_for=["e\\u001b[31m"]')
    assert "\x1b" not in empty("status").out


# --- what is in files


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The bytes of each file of the working tree that was read whole."""
    found: list[int] = []
    monkeypatch.setattr(hashing, "on_read", found.append)
    return found


def test_an_archive_is_looked_into_where_it_lies_and_in_the_store(empty: Shell, reads: list[int]) -> None:
    track(empty, "model-latest", "model.zip", b"no archive at all")
    empty.ok("set", "model.framework=TENSORFLOW")
    check = ("check", "--for", "pre-annotation/legacy", "--json")
    assert rules(empty(*check))["saved-model"]["result"] == "no"
    empty.write("model.zip", saved_model())
    assert rules(empty(*check))["saved-model"]["result"] == "ok"
    assert reads == []
    empty.commit("Packed")
    (empty.folder / "model.zip").unlink()
    assert rules(empty(*check[:1], "v1", *check[1:]))["saved-model"]["result"] == "ok"


def test_a_format_is_told_by_the_header(empty: Shell, reads: list[int]) -> None:
    track(empty, "weights", "weights.bin", safetensors())
    empty.ok("set", 'intent.require=[{use="edge", format="safetensors"}]')
    assert empty.ok("check", "--for", "edge").code == 0
    assert reads == []
    empty.commit("A header")
    assert empty.ok("check", "v1", "--for", "edge").code == 0
    empty.write("weights.bin", b"\xff" * 100)
    assert empty("check", "--for", "edge").code == 1


def test_bytes_that_are_not_here_cannot_be_checked(empty: Shell, tmp_path: Path) -> None:
    track(empty, "weights", "weights.bin", safetensors())
    track(empty, "model-latest", "model.zip", saved_model())
    empty.ok("set", "model.framework=TENSORFLOW", 'intent.require=[{use="edge", format="safetensors"}]')
    empty.commit("All here")
    there = tmp_path.parent / f"{tmp_path.name}-remote"
    empty.ok("remote", "add", "origin", str(there))
    empty.ok("push", "origin")
    clone = tmp_path.parent / f"{tmp_path.name}-clone"
    empty.ok("clone", "--meta", str(there), str(clone))
    for revision in ([], ["v1"]):
        for use, rule in (("edge", "require.0"), ("pre-annotation/legacy", "saved-model")):
            found = rules(empty("-C", str(clone), "check", *revision, "--for", use, "--json"))[rule]
            assert (found["result"], found["fix"]) == ("unknown", "")
            assert "not in this repository" in found["why"]
        assert empty("-C", str(clone), "check", *revision, "--for", "edge").code == 0
        assert empty("-C", str(clone), "check", *revision, "--for", "edge", "--strict").code == 1
    assert not list(clone.glob("*.bin"))


def test_bytes_that_were_dropped_on_purpose_cannot_be_checked(empty: Shell) -> None:
    track(empty, "weights", "weights.bin", safetensors())
    empty.ok("set", 'intent.require=[{use="edge", format="safetensors"}]')
    id_ = empty.commit("Here once")
    repository = empty.repository
    version = repository.objects.version(empty.repository.current(MODEL) or id_)  # type: ignore[arg-type]
    file = repository.objects.tree(version.tree).by_role["weights"].file
    drop(empty, file)
    assert "not in this repository" in rules(empty("check", "v1", "--for", "edge", "--json"))["require.0"]["why"]


def drop(shell: Shell, file: Any) -> None:
    """Have the bytes of `file` be gone, and on record as expired."""
    repository = shell.repository
    repository.promised.add(EXPIRED, [file], reason="a test", by="Ana", at=shell.actor.at)
    for path in (shell.folder / ".mvc" / "recipes").rglob("*"):
        if path.is_file() and path.parent.name == file:
            path.unlink()


def test_bytes_that_are_missing_are_damage_and_no_answer(empty: Shell) -> None:
    track(empty, "weights", "weights.bin", safetensors())
    empty.ok("set", 'intent.require=[{use="edge", format="safetensors"}]')
    empty.commit("Here once")
    for path in (empty.folder / ".mvc" / "recipes").rglob("*"):
        if path.is_file():
            path.unlink()
    said = empty("check", "v1", "--for", "edge")
    assert said.code == 14, said
    assert "Traceback" not in said.err


# --- what model.toml says it is meant for


def test_status_says_in_a_line_what_is_missing(served: Shell, reads: list[int]) -> None:
    assert "Not ready" not in served.ok("status").out
    served.ok("unset", "model.type")
    assert (
        "Not ready for deployment/serving: model.type is not set (`mvc set model.type=TYPE`)"
        in served.ok("status").lines
    )
    served.ok("unset", "labelmap")
    said = served.ok("status")
    line = (
        "Not ready for deployment/serving: model.type is not set (`mvc set model.type=TYPE`); `mvc check` shows 1 more"
    )
    assert line in said.lines
    (found,) = served.ok("status", "--json").json["not_ready"]
    assert (found["use"], found["ready"]) == ("deployment/serving", False)


def test_status_opens_no_file_to_tell(empty: Shell, reads: list[int]) -> None:
    track(empty, "weights", "weights.bin", safetensors())
    empty.ok("set", 'intent.require=[{use="edge", format="onnx"}]', "intent.ready_for=edge")
    (empty.folder / "weights.bin").chmod(0o000)
    assert "Not ready" not in empty.ok("status").out
    assert reads == []


def test_commit_warns_and_commits(served: Shell) -> None:
    assert "Not ready" not in served.ok("commit", "-m", "Ready").err
    served.ok("unset", "model.type")
    said = served.ok("commit", "-m", "Not ready")
    assert "warning: Not ready for deployment/serving: model.type is not set (`mvc set model.type=TYPE`)\n" in said.err
    assert served.ok("log", "--oneline").out.count("\n") == 2
    served.ok("unset", "labelmap")
    document = served.ok("commit", "-m", "Even less", "--json").json
    assert [each["use"] for each in document["not_ready"]] == ["deployment/serving"]


def test_merge_warns_and_merges(served: Shell) -> None:
    served.commit("Ready")
    served.ok("switch", "-c", "side")
    served.ok("set", "parameters.epochs=3")
    served.commit("Side")
    served.ok("switch", "main")
    served.ok("unset", "model.type")
    served.ok("set", "parameters.lr=0.1")
    served.commit("Not ready")
    warning = "warning: Not ready for deployment/serving: model.type is not set (`mvc set model.type=TYPE`)\n"
    assert warning in served.ok("merge", "side").err
    served.ok("reset", "--keep", "HEAD~1")
    served.ok("set", "parameters.epochs=4")
    served.commit("In conflict")
    assert served("merge", "side").code == 1
    assert warning in served.ok("merge", "--continue", "--ours").err


def everything(folder: Path) -> dict[str, bytes]:
    parts = (path for path in folder.rglob("*") if path.is_file())
    kept = (path for path in parts if not {"cache", "tmp"}.intersection(path.relative_to(folder).parts))
    return {str(path.relative_to(folder)): path.read_bytes() for path in kept if path.name != "lock"}


def test_an_alias_is_refused_to_what_is_not_ready(served: Shell) -> None:
    served.commit("Ready", "--alias", "prod")
    served.ok("unset", "model.type")
    id_ = served.commit("Not ready")
    before = everything(served.folder)
    said = served("alias", "set", "prod", "v2", "--json")
    error = json.loads(said.err)
    assert (said.code, error["kind"]) == (17, "not-ready")
    assert "v2" in error["message"]
    assert "deployment/serving" in error["message"]
    assert "model.type is not set" in error["message"]
    assert f"mvc check {id_[:10]}" in error["hint"]
    assert "--force" in error["hint"]
    assert everything(served.folder) == before
    assert "prod -> v2" in served.ok("alias", "set", "prod", "v2", "--force").out
    served.ok("alias", "set", "prod", "v2")  # where it stands already
    served.ok("set", "model.type=MASK")
    served.commit("Ready again", "--alias", "prod")
    assert "prod -> v2" in served.ok("alias", "rollback", "prod").out


def test_commit_with_an_alias_is_refused_before_anything_is_stored(served: Shell, reads: list[int]) -> None:
    served.ok("unset", "model.type")
    before = everything(served.folder)
    for more in ([], ["--dry-run"]):
        said = served("commit", "-m", "Not ready", "--alias", "prod", "--tag", "2026.1", *more)
        assert said.code == 17, said
        assert "fixes with `mvc check`" in said.err
        assert "--force" in said.err
    assert reads == []
    assert everything(served.folder) == before
    said = served.ok("commit", "-m", "Not ready", "--alias", "prod", "--force")
    assert "Not ready for deployment/serving" in said.err
    assert served.ok("alias", "-q").lines == ["prod"]


def test_a_tag_is_refused_to_nothing(served: Shell) -> None:
    served.ok("unset", "model.type")
    served.commit("Not ready", "--tag", "2026.1")


def test_a_text_that_is_named_as_a_model_is_not_ready_for_serving(served: Shell) -> None:
    for text in (b"helmet\nhead\n", b"\x08\x07 this is no graph", b""):
        served.write("weights/best.onnx", text)
        said = served("check", "--for", "deployment/serving", "--json")
        assert said.code == 1
        assert rules(said)["weight-files"]["result"] == "no"


def test_classes_and_input_of_the_weights_are_compared(served: Shell) -> None:
    served.write("weights/best.onnx", ONNX)
    served.set(labelmap__0="helmet", labelmap__1="vest", parameters__imgsz="320")
    found = rules(served("check", "--for", "deployment/serving", "--json"))
    assert found["weights-classes"]["why"] == "class 1 is 'head' in weights/best.onnx, and 'vest' in the labelmap"
    assert found["weights-classes"]["fix"] == "mvc set labelmap.1=head"
    assert found["weights-size"]["why"] == "the input of weights/best.onnx is 1x3x640x640, and parameters.imgsz is 320"
    assert found["weights-size"]["fix"] == "mvc set parameters.imgsz=640"
    id_ = served.commit("as it is")
    assert (
        rules(served("check", id_, "--for", "deployment/serving", "--json"))["weights-classes"]
        == found["weights-classes"]
    )


def test_a_use_without_rules_is_never_ready(served: Shell) -> None:
    served.ok("set", "intent.ready_for=deployment,nowhere")
    said = served("check")
    assert said.code == 1
    assert "the use 'nowhere' has no rules" in said.out
    assert served("commit", "-m", "x", "--alias", "prod").code == 17


def test_a_teams_own_rules_from_model_toml_to_the_alias(served: Shell) -> None:
    toml = served.folder / "model.toml"
    toml.write_text(
        toml.read_text(encoding="utf-8")
        + '\n[[intent.require]]  # what we agreed on\nuse = "deployment"\nmetric = "mAP50"\nmin = 0.6\n'
        + '\n[[intent.require]]\nuse = "deployment/serving"\nformat = "onnx"\n',
        encoding="utf-8",
    )
    found = rules(served("check", "--json"))
    assert (found["require.0"]["result"], found["require.0"]["fix"]) == ("no", "mvc set metrics.mAP50=VALUE")
    assert found["require.1"]["result"] == "ok"
    served.commit("Not measured")
    assert served("alias", "set", "prod").code == 17
    served.ok("set", "metrics.mAP50=0.59")
    served.commit("Too low")
    assert "mAP50 is 0.59, below 0.6" in served("alias", "set", "prod").err
    served.ok("set", "metrics.mAP50=0.6")
    served.commit("Good enough", "--alias", "prod")
    served.ok("unset", "intent.require")  # an old version is judged by what was asked of it then
    assert served("check", "v1").code == 1


# --- every command mends


@dataclass(frozen=True)
class Mend:
    """A rule that is broken after `commands`, and what the words in capitals of its command are to be."""

    use: str
    rule: str
    commands: tuple[str, ...] = ()
    file: bytes = b"weights"
    suffix: str = ".bin"

    def __str__(self) -> str:
        return f"{self.use}-{self.rule}-{len(self.commands)}".replace("/", "-")


WORDS = {
    "TYPE": "OBJECT_DETECTION",
    "FRAMEWORK": "ONNX",
    "IMAGE": "acme/yolo",
    "TAG": "1.4",
    "KEY": "epochs",
    "VALUE": "100",
    "USE": "storage",
}
GAP = ("set labelmap.0=a labelmap.3=b",)
TWINS = ("set labelmap.0=a labelmap.1=a",)
IN_FILE = ("write labels.json", "set labelmap.path=labels.json")
PATTERN = ("write parts/a.bin", "write parts/b.bin", "set files.ROLE=parts/*")
FROM_0 = b'{"0": "a", "1": "b"}'
FROM_1 = b'{"1": "a", "2": "b"}'

MENDS: tuple[Mend, ...] = (
    Mend("training/current", "docker-image"),
    Mend("training/current", "docker-tag", ("set docker.tag=latest",)),
    Mend("training/current", "docker-flags", ('set \'docker.flags=["--shm-size 1g", "--gpus all"]\'',)),
    Mend("training/legacy", "docker-flags"),
    Mend("training/current", "pretrained-weights"),
    Mend("training/legacy", "checkpoints", ("set model.type=OBJECT_DETECTION model.framework=TENSORFLOW",)),
    Mend(
        "training/legacy",
        "checkpoints",
        ("set model.type=OBJECT_DETECTION model.framework=TENSORFLOW", "write c.bin", "add c.bin --as config"),
    ),
    Mend("training/current", "parameters"),
    Mend("training/current", "labelmap"),
    Mend("training/current", "type-and-framework"),
    Mend("training/current", "type-and-framework", ("set model.framework=PYTORCH",)),
    Mend("pre-annotation/current", "type"),
    Mend("pre-annotation/current", "type", ("set model.type=YOLO",)),
    Mend("pre-annotation/current", "labelmap"),
    Mend("pre-annotation/current", "labelmap-classes", GAP),
    Mend("pre-annotation/current", "labelmap-classes", TWINS),
    Mend("pre-annotation/legacy", "labelmap-classes", IN_FILE, file=FROM_0, suffix=".json"),
    Mend("pre-annotation/current", "pretrained-weights"),
    Mend("pre-annotation/legacy", "model-latest"),
    Mend("pre-annotation/legacy", "model-latest", tuple(each.replace("ROLE", "model-latest") for each in PATTERN)),
    Mend("pre-annotation/legacy", "model-latest", ("write a.bin", "add a.bin --as model-latest", "delete a.bin")),
    Mend(
        "pre-annotation/legacy",
        "saved-model",
        ("set model.framework=TENSORFLOW", "write a.bin", "add a.bin --as model-latest"),
        file=saved_model(),
        suffix=".zip",
    ),
    Mend(
        "pre-annotation/legacy",
        "onnx",
        ("set model.framework=ONNX", "write a.bin", "add a.bin --as model-latest"),
        suffix=".onnx",
    ),
    Mend("pre-annotation/legacy", "checkpoint", ("set model.framework=PYTORCH",)),
    Mend(
        "pre-annotation/current",
        "labels-from-1",
        ("set model.framework=TENSORFLOW labelmap.0=a labelmap.1=b",),
        file=FROM_1,
        suffix=".json",
    ),
    Mend(
        "pre-annotation/current",
        "labels-from-0",
        ("set model.framework=PYTORCH labelmap.1=a labelmap.2=b",),
        file=FROM_0,
        suffix=".json",
    ),
    Mend("deployment/serving", "model-latest"),
    Mend("deployment/serving", "type"),
    Mend("deployment/serving", "labelmap"),
    Mend("deployment/serving", "labelmap-classes", GAP),
    Mend("deployment/serving", "framework"),
    Mend("deployment/own", "type"),
    Mend("deployment/own", "labelmap"),
    Mend(
        "deployment/own",
        "labels-from-1",
        ("set model.framework=TENSORFLOW labelmap.0=a",),
        file=FROM_1,
        suffix=".json",
    ),
    Mend("deployment/own", "labels-from-0", ("set model.framework=ONNX labelmap.1=a",), file=FROM_0, suffix=".json"),
    Mend("conversion", "job-file"),
    Mend("edge", "require.0", ('set \'intent.require=[{use="edge", role="on nx"}]\'',)),
    Mend("edge", "require.0", ('set \'intent.require=[{use="edge", metric="mAP@0.5", min=0.5}]\'',)),
    Mend("edge", "require.0", ('set \'intent.require=[{use="edge", format="onnx"}]\'',), suffix=".onnx"),
)


FROM_WEIGHTS = tuple(
    Mend(use, rule, ("onnx a.onnx", f"add a.onnx --as {role}", *commands))
    for use, role in (
        ("training/current", "pretrained-weights"),
        ("pre-annotation/current", "pretrained-weights"),
        ("pre-annotation/legacy", "model-latest"),
        ("deployment/serving", "model-latest"),
        ("deployment/own", "model-latest"),
    )
    for rule, commands in (
        ("weights-classes", ("set labelmap.0=helmet labelmap.1=x",)),
        ("weights-classes", ("set labelmap.1=x labelmap.2=head labelmap.3=vest", "set labelmap.4=x")),
        ("weights-size", ("set parameters.imgsz=320",)),
    )
)
MENDS = (
    *MENDS,
    *FROM_WEIGHTS,
    Mend(
        "deployment/serving",
        "onnx",
        ("set model.framework=ONNX", "write a.bin", "add a.bin --as model-latest"),
        file=ONNX,
        suffix=".onnx",
    ),
)


class Hand:
    """Types commands, as they are written here or as mvc says."""

    def __init__(self, shell: Shell, mend: Mend) -> None:
        self._shell = shell
        self._mend = mend
        self._names = iter(range(100))

    def prepare(self) -> None:
        for line in self._mend.commands:
            verb, *rest = shlex.split(line)
            if verb == "write":
                self._shell.write(rest[0], b'{"0": "a", "2": "b"}')
            elif verb == "onnx":
                self._shell.write(rest[0], ONNX)
            elif verb == "delete":
                (self._shell.folder / rest[0]).unlink()
            else:
                self._shell.ok(verb, *rest)

    def obey(self, fix: str) -> None:
        """Run what mvc says, its words in capitals filled in."""
        for command in fix.split(" && "):
            program, *arguments = shlex.split(re.sub(r"\b[A-Z]{3,}\b", self._word, command))
            if program == "mvc":
                self._shell.ok(*arguments)
            else:
                subprocess.run([program, *arguments], cwd=self._shell.folder, check=True)

    def _word(self, match: re.Match[str]) -> str:
        number = next(self._names)
        if match[0] == "FILE":
            self._shell.write(f"new-{number}{self._mend.suffix}", self._mend.file)
            return f"new-{number}{self._mend.suffix}"
        if match[0] == "FOLDER":
            self._shell.write(f"folder-{number}/saved_model.pb", b"graph")
            return f"folder-{number}"
        return f"class-{number}" if match[0] == "NAME" else WORDS[match[0]]


@pytest.mark.parametrize("mend", MENDS, ids=str)
def test_the_command_that_is_named_mends(empty: Shell, mend: Mend) -> None:
    hand = Hand(empty, mend)
    hand.prepare()
    check = ("check", "--for", mend.use, "--json")
    found = rules(empty(*check))[mend.rule]
    assert found["result"] == "no"
    hand.obey(found["fix"])
    assert rules(empty(*check))[mend.rule]["result"] == "ok"
    track(empty, "anything", "anything.txt")
    empty.commit("It can be committed, too")


def test_every_rule_that_can_be_mended_is_tried() -> None:
    """But for those about datasets, which need a platform: tests/registry/test_check_online.py tries them."""
    tried = {(each.use, each.rule) for each in MENDS}
    fixed = [rule for rule in RULES if rule.fix and not isinstance(rule.test, OfDatasets)]
    rest = [rule for rule in fixed if not any(rule.is_of(use) for use, name in tried if name == rule.name)]
    assert rest == []


def test_too_many_classes_for_a_command_are_read_from_a_file(empty: Shell) -> None:
    empty.ok("set", "labelmap.0=a", "labelmap.40=b")
    found = rules(empty("check", "--for", "deployment", "--json"))["labelmap-classes"]
    assert (found["result"], found["why"]) == ("no", "class 1 is missing")
    assert found["fix"] == "mvc set labelmap.path=FILE"


def test_an_unverified_rule_proposes_no_false_value(empty: Shell) -> None:
    empty.write("best.pt", b"weights")
    empty.ok("add", "best.pt", "--as", "model-latest")
    empty.ok("set", "model.type=OBJECT_DETECTION", "model.framework=PYTORCH", "labelmap.0=helmet")
    said = empty("check", "--for", "deployment/serving")
    line = "  no  unverified   weights of a framework that is served: TENSORFLOW or ONNX: model.framework is PYTORCH"
    assert line in said.lines
    assert "`mvc set files.model-latest=FILE model.framework=FRAMEWORK`" in said.out  # not the name alone
    assert "without --strict, they only advise" in said.out
    assert "only advise" not in empty("check", "--for", "deployment/serving", "--strict").out
    empty.ok("unset", "model.framework")
    assert "`mvc set model.framework=FRAMEWORK`" in empty("check", "--for", "deployment/serving").out
