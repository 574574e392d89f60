"""Every command that `mvc check` proposes, run as printed from every failing state: the verdict turns ok.

A state is a model.toml with files. Words in capitals are filled in as a person would; a file that check names is there.
"""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from mvc.model.toml import schema
from tests.cli.shell import MODEL, Shell, begin
from tests.cli.test_check import ONNX, WORDS, saved_model

USES = tuple(
    f"{use}/{profile}" if profile else use for use, profiles in schema.PROFILES.items() for profile in profiles or ("",)
)
SAVED_MODEL = {"exported/saved_model.pb": b"graph", "exported/variables/variables.index": b"index"}
BY_RULE = {
    "saved-model": (".zip", saved_model()),
    "onnx": (".onnx", ONNX),
    "labelmap-classes": (".json", b'["helmet", "head"]'),
    "weights-classes": (".json", b'["helmet", "head"]'),
    "labels-from-0": (".json", b'{"0": "a"}'),
}
"""Suffix and bytes of the file that a person has for FILE; of other rules any."""


@dataclass(frozen=True)
class State:
    """A failing state: sections of model.toml, the files of the working tree, and uses beside the built-in ones."""

    name: str
    toml: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    uses: tuple[str, ...] = USES


def framework(name: str, *more: str, **files: bytes) -> State:
    toml = f'[model]\nframework = "{name}"\n' + "\n".join(more)
    return State(
        f"{name.lower()}-{len(more)}-{'-'.join(files)}",
        toml,
        {path.replace("__", "."): data for path, data in files.items()},
    )


LABELS = '[labelmap]\n0 = "helmet"\n1 = "vest"\n'
ROLES = ("model-latest", "pretrained-weights", "checkpoint-index-latest", "checkpoint-data-latest", "config")
TRACKED = "[files]\n" + "".join(f'{role} = "a.bin"\n' for role in ROLES)
WEIGHTS = '[files]\nmodel-latest = "a.onnx"\npretrained-weights = "a.onnx"\n'
OWN = """
[[intent.require]]
use = "edge"
role = "on nx"
[[intent.require]]
use = "edge"
metric = "mAP@0.5"
min = 0.5
[[intent.require]]
use = "edge"
format = "onnx"
"""
STATES = (
    State("empty"),
    State("unknown-vocabulary", '[model]\ntype = "YOLO"\nframework = "CAFFE"\n[docker]\ntag = "latest"\nflags = ["--gpus all"]\n'),
    State("type-only", '[model]\ntype = "OBJECT_DETECTION"\n'),
    State("weights-untracked", files={"best.onnx": ONNX}),
    State("two-weights-untracked", '[model]\nframework = "ONNX"\n', {"best.onnx": ONNX, "best.pt": b"weights"}),
    State("odd-name-untracked", files={"my 'best' weights.onnx": ONNX}),
    State("option-like-name", files={"-best.onnx": ONNX}),
    State("tracked-as-another-role", '[files]\nbest = "best.onnx"\n', {"best.onnx": ONNX}),
    State("tracked-by-a-pattern", '[files]\nall = "w/*"\n', {"w/best.onnx": ONNX, "w/notes.txt": b"x"}),
    State("roles-of-patterns", "[files]\n" + "".join(f'{r} = "{r}/*"\n' for r in ROLES), {f"{r}/{n}.bin": b"x" for r in ROLES for n in "ab"}),
    State("missing-files", TRACKED),
    framework("ONNX"),
    framework("ONNX", a__onnx=ONNX),
    framework("ONNX", TRACKED, a__bin=b"text"),
    framework("ONNX", TRACKED, a__bin=b"text", b__onnx=ONNX),
    framework("PYTORCH"),
    framework("PYTORCH", best__pt=b"weights"),
    framework("PYTORCH", LABELS.replace("0 =", "2 =")),
    framework("TENSORFLOW"),
    State("tensorflow-detector", '[model]\nframework = "TENSORFLOW"\ntype = "OBJECT_DETECTION"\n'),
    State(
        "tensorflow-checkpoint",
        '[model]\nframework = "TENSORFLOW"\ntype = "OBJECT_DETECTION"\n[files]\nckpt = "ckpt/*"\n',
        {"ckpt/model.index": b"i", "ckpt/model.data-00000-of-00001": b"d", "ckpt/pipeline.config": b"c"},
    ),
    State("saved-model-folder", '[model]\nframework = "TENSORFLOW"\n[files]\nexported = "exported/**"\n', SAVED_MODEL),
    State(
        "saved-model-deep-in-a-folder-role",
        '[model]\nframework = "TENSORFLOW"\n[files]\nmodel-latest = "exported/**"\n',
        {path.replace("exported/", "exported/1/"): data for path, data in SAVED_MODEL.items()},
    ),
    State(
        "saved-model-zipped-from-outside",
        '[model]\nframework = "TENSORFLOW"\n[files]\nmodel-latest = "exported.zip"\nexported = "exported/**"\n',
        {**SAVED_MODEL, "exported.zip": saved_model("exported/")},
    ),
    State("saved-model-elsewhere", '[model]\nframework = "TENSORFLOW"\n[files]\nmodel-latest = "a.zip"\n', {"a.zip": saved_model("x/")}),
    State("no-archive", '[model]\nframework = "TENSORFLOW"\n[files]\nmodel-latest = "a.bin"\n', {"a.bin": b"weights"}),
    State("from-0-tensorflow", '[model]\nframework = "TENSORFLOW"\n' + LABELS),
    State("from-1-onnx", '[model]\nframework = "ONNX"\n[labelmap]\n1 = "helmet"\n2 = "vest"  # as agreed\n'),
    State("from-1-sparse", '[model]\nframework = "ONNX"\nlabelmap_sparse = true\n[labelmap]\n1 = "helmet"\n7 = "vest"\n'),
    State("from-1-in-a-file", '[model]\nframework = "ONNX"\n[labelmap]\npath = "l.json"\n', {"l.json": b'{"1": "a", "2": "b"}'}),
    State("from-0-in-yaml", '[model]\nframework = "TENSORFLOW"\n[labelmap]\npath = "d.yaml"\n', {"d.yaml": b"names: [a, b]\n"}),
    State("gap", '[labelmap]\n0 = "a"\n3 = "b"\n'),
    State("many-gaps", '[labelmap]\n0 = "a"\n40 = "b"\n'),
    State("twins-and-blanks", '[labelmap]\n0 = "a"\n1 = "a"\n2 = " "\n'),
    State("twins-in-a-file", '[labelmap]\npath = "l.json"\n', {"l.json": b'["a", "a"]'}),
    State("other-classes-than-the-weights", LABELS + WEIGHTS, {"a.onnx": ONNX}),
    State("fewer-classes-than-the-weights", '[labelmap]\n1 = "x"\n' + WEIGHTS, {"a.onnx": ONNX}),
    State("more-classes-than-the-weights", LABELS + '2 = "c"\n3 = "d"\n' + WEIGHTS, {"a.onnx": ONNX}),
    State("far-more-classes", "[labelmap]\n" + "".join(f'{n} = "c{n}"\n' for n in range(30)) + WEIGHTS, {"a.onnx": ONNX}),
    State("other-size-than-the-weights", f"[parameters]\nimgsz = 320\n{WEIGHTS}", {"a.onnx": ONNX}),
    State("other-shape-than-the-weights", f'[parameters]\ninput_shape = "320x640"\n{WEIGHTS}', {"a.onnx": ONNX}),
    State("own-rules", OWN, uses=("edge",)),
    State("own-rules-with-a-file", OWN + '[files]\n"on nx" = "x/*"\n', {"x/a": b"a", "x/b": b"b", "b.onnx": ONNX}, uses=("edge",)),
    State("a-use-without-rules", '[intent]\nready_for = ["nowhere"]\n', uses=("",)),
)  # fmt: skip


class Person:
    """Runs what check prints, in a state that is made again for each command."""

    def __init__(self, shell: Shell, state: State) -> None:
        self.shell = shell
        self._state = state
        self._count = 0

    def begin(self) -> None:
        for old in self.shell.folder.iterdir():
            if old.name != ".mvc":
                shutil.rmtree(old) if old.is_dir() else old.unlink()
        toml = self._state.toml
        head = f'[model]\nname = "{MODEL}"\n'
        self.shell.write("model.toml", (toml.replace("[model]\n", head) if "[model]" in toml else head + toml).encode())
        for path, data in self._state.files.items():
            self.shell.write(path, data)

    def findings(self, use: str) -> dict[str, dict[str, Any]]:
        said = self.shell("check", *(["--for", use] if use else []), "--json")
        return {finding["rule"]: finding for checked in json.loads(said.out)["uses"] for finding in checked["findings"]}

    def proposed(self, uses: Iterable[str]) -> dict[tuple[str, str, str], str]:
        """The use that has each rule, command and reason in the state."""
        self.begin()
        return {
            (finding["rule"], finding["fix"], finding["why"]): use
            for use in uses
            for finding in self.findings(use).values()
            if finding["fix"] and finding["result"] == "no"
        }

    def obey(self, rule: str, fix: str) -> None:
        for command in fix.split(" && "):
            text = re.sub(r"(?<![\w'])[A-Z]{3,}\b(?!\w)", lambda match: self._word(rule, match[0]), command)
            program, *arguments = shlex.split(text)
            if program == "mvc":
                self.shell.ok(*arguments)
            else:
                subprocess.run([program, *arguments], cwd=self.shell.folder, check=True)

    def _word(self, rule: str, word: str) -> str:
        self._count += 1
        if word == "FILE":
            suffix, data = BY_RULE.get(rule, (".onnx" if rule.startswith("require") else ".bin", ONNX))
            self.shell.write(f"new-{self._count}{suffix}", data)
            return f"new-{self._count}{suffix}"
        if word == "FOLDER":
            for path, data in SAVED_MODEL.items():
                self.shell.write(f"folder-{self._count}/{path.partition('/')[2]}", data)
            return f"folder-{self._count}"
        return f"class-{self._count}" if word == "NAME" else WORDS[word]


@pytest.mark.parametrize("state", STATES, ids=lambda state: state.name)
def test_each_command_turns_its_verdict_to_ok(
    state: State, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, record_property: Any, deep: bool
) -> None:
    """Commands that the empty state has for the same reason are run there only; with --deep, everywhere."""
    shell = begin(tmp_path, monkeypatch)
    usual = {} if deep or state.name == "empty" or state.uses != USES else Person(shell, STATES[0]).proposed(USES)
    person = Person(shell, state)
    proposed = {key: use for key, use in person.proposed(state.uses).items() if key not in usual}
    assert proposed, "a state of this list fails somewhere"
    for (rule, fix, _), use in proposed.items():
        person.begin()
        person.obey(rule, fix)
        found = person.findings("storage" if rule == "use" else use)
        assert rule == "use" or found[rule]["result"] == "ok", fix
    record_property("commands", len(proposed))


@pytest.mark.parametrize("use", ["deployment/serving", "pre-annotation/legacy", "training/current"])
@pytest.mark.parametrize("name", ["empty", "saved-model-folder", "from-1-onnx", "missing-files", "many-gaps"])
def test_one_command_after_another_leads_to_a_version_that_is_ready(
    name: str, use: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    [state] = [state for state in STATES if state.name == name]
    person = Person(begin(tmp_path, monkeypatch), state)
    person.begin()
    for _ in range(12):
        fixes = [(rule, finding["fix"]) for rule, finding in person.findings(use).items() if finding["fix"]]
        if not fixes:
            break
        person.obey(*fixes[0])
    person.shell.write("any.txt", b"any")
    person.shell.ok("add", "any.txt")
    person.shell("rm", "--cached", "ckpt")
    if name != "missing-files":
        id_ = person.shell.commit("ready")
        assert person.shell("check", id_, "--for", use).code == 0


def test_a_saved_model_is_zipped_from_inside_and_its_folder_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    [state] = [state for state in STATES if state.name == "saved-model-zipped-from-outside"]
    person = Person(begin(tmp_path, monkeypatch), state)
    person.begin()
    finding = person.findings("pre-annotation/legacy")["saved-model"]
    assert finding["why"] == (
        "saved_model.pb is in the folder exported of the archive; zip the files of the folder, not the folder"
    )
    assert (
        finding["fix"] == "python3 -m zipfile -c exported-2.zip exported/. && mvc set files.model-latest=exported-2.zip"
    )


def test_in_another_folder_it_says_where_the_commands_are_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shell = begin(tmp_path, monkeypatch)
    (tmp_path / "data").mkdir()
    below = Shell(tmp_path / "data", monkeypatch)
    assert "Run these commands in .., the folder of the model." in below("check", "--for", "deployment").out
    assert "Run these commands" not in shell("check", "--for", "deployment").out


def test_renumbering_loses_no_class_when_it_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shell = begin(tmp_path, monkeypatch)
    assert shell("set", "--first-class", "1").code == 1, "there is no class"
    assert shell("set", "--first-class", "1", "labelmap.0=a").code == 2
    assert shell("set").code == 2
    shell.set(labelmap__0="helmet", labelmap__1="head")
    before = (tmp_path / "model.toml").read_bytes()
    shell.write("bad.json", b"[1]")
    shell.write("none.json", b"[]")
    for file in ("bad.json", "none.json", "absent.json"):
        assert shell("set", f"labelmap.path={file}").code == 2
        assert (tmp_path / "model.toml").read_bytes() == before
    said = shell.ok("set", "--first-class", "1", "--json").json
    assert [change["key"] for change in said["changes"]] == ["labelmap.0", "labelmap.1", "labelmap.2"]
    assert shell.ok("get", "labelmap", "--json").json["value"] == {"1": "helmet", "2": "head"}
    assert shell.ok("set", "--first-class", "1").out == ""
