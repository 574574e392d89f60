"""Files beside and in place of weights: HDF5, GGUF and safetensors with more than tensors, programs, and disguise."""

from __future__ import annotations

import base64
import importlib.util
import io
import json
import marshal
import os
import struct
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from mvc import lazy
from mvc.scan import scan as engine
from mvc.scan.formats import disguise, gguf, hdf5, programs, safetensors
from mvc.scan.verdict import Verdict
from tests.formats.headers import DATA
from tests.formats.test_gguf import ARRAY, TEXT, U32, file, info, pair, text
from tests.formats.test_hdf5 import made
from tests.scan.formats.cases import Case, broken, check, report
from tests.scan.formats.test_configs import KERAS_HONEST, KERAS_HOSTILE
from tests.scan.formats.test_templates import CHATML

BAD = "{{ x.__class__ }}"

# --- HDF5 ---------------------------------------------------------------------------------------------------------------


def keras_file(**configs: bytes | str) -> bytes:
    def fill(root: Any) -> None:
        root.attrs.update(configs)
        root.create_dataset("dense/kernel", data=np.ones((4, 4), "<f4"))

    return made(fill)


def _elsewhere(root: Any) -> None:
    root["linked"] = h5py.ExternalLink("/etc/passwd", "/x")
    root.create_dataset("stored", (4,), "u1", external=[("/etc/group", 0, 4)])
    layout = h5py.VirtualLayout((4,), "<f4")
    layout[:] = h5py.VirtualSource("/srv/other.h5", "w", (4,))
    root.create_virtual_dataset("virtual", layout)


def _inside(root: Any) -> None:
    root.attrs["model_config"] = KERAS_HONEST["keras 2"]
    root.create_dataset("w", data=np.ones(4, "<f4"))
    layout = h5py.VirtualLayout((4,), "<f4")
    layout[:] = h5py.VirtualSource(".", "w", (4,))
    root.create_virtual_dataset("v", layout)
    root["soft"] = h5py.SoftLink("/w")


LAMBDA = keras_file(model_config=KERAS_HOSTILE["lambda of keras 2"][0].decode())
HDF5 = [
    Case("m.h5", bytes(512) + LAMBDA, ("keras-lambda",)),
    Case("m.bin", keras_file(training_config=KERAS_HOSTILE["function of the system"][0]), ("keras-import",)),
    Case("m.h5", made(_elsewhere), ("hdf5-file",)),
    Case("m.h5", keras_file(model_config="a" * 9_000_000, training_config="{'a': 1}"), ("hdf5-config", "hdf5-long")),
]
HDF5_HONEST = [Case("model.weights.h5", made(_inside))]


def test_what_keras_and_hdf5_would_read_or_run_is_reported() -> None:
    reports = {case: report(case) for case in (*HDF5, *HDF5_HONEST)}  # each starts a process
    assert [(case.name, broken(got)) for case, got in reports.items() if broken(got) != case.rules] == []
    assert {got.verdict for case, got in reports.items() if not case.rules} == {Verdict.PLAIN}
    rules = {rule for case in HDF5 for rule in case.rules} | {"hdf5-not-scanned", "hdf5-failed"}
    assert {rule.id for rule in hdf5.RULES if rule.id.startswith("hdf5")} <= rules
    assert [finding.place for finding in reports[HDF5[2]].findings] == ["linked", "stored", "virtual"]


def test_attributes_that_pytables_would_unpickle_are_scanned_as_pickles() -> None:
    def tables(pickled: bytes) -> bytes:
        def fill(root: Any) -> None:
            root.attrs["PYTABLES_FORMAT_VERSION"] = np.bytes_(b"2.1")
            root.attrs["note"] = "A sentence that ends like a pickle."
            root.create_group("frame").attrs["levels"] = np.bytes_(pickled)

        return made(fill)

    hostile = report(Case("m.h5", tables(b"cos\nsystem\n(S'id'\ntR.")))
    assert (hostile.verdict, hostile.findings[0].place) == (Verdict.HOSTILE, "frame/levels")
    assert report(Case("m.h5", tables(b"(I1\nI2\nt."))).verdict is Verdict.PLAIN


def test_pickles_in_datasets_of_pytables_and_hickle_are_scanned() -> None:
    def pandas(pickled: bytes, count: int = 1) -> bytes:
        def fill(root: Any) -> None:
            rows = root.create_dataset("axis0", (count,), h5py.vlen_dtype(np.uint8))
            rows[:] = [np.frombuffer(pickled, np.uint8)] * count
            rows.attrs["PSEUDOATOM"] = np.bytes_(b"object")

        return made(fill)

    def hickle(pickled: bytes) -> bytes:
        def fill(root: Any) -> None:
            root.create_dataset("data", data=np.frombuffer(pickled, np.uint8)).attrs["base_type"] = np.bytes_(b"pickle")

        return made(fill)

    for write in (pandas, hickle):
        hostile = report(Case("m.h5", write(b"cos\nsystem\n(S'id'\ntR.")))
        assert (hostile.verdict, hostile.names) == (Verdict.HOSTILE, ("os.system",))
        assert report(Case("m.h5", write(b"(I1\nI2\nt."))).verdict is Verdict.PLAIN
    assert broken(report(Case("m.h5", pandas(b"N.", 300)))) == ("hdf5-failed",)


def test_a_file_that_the_library_cannot_list_is_unreadable_and_a_truncated_one_damaged(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    data = HDF5_HONEST[0].data
    assert report(Case("m.h5", data[:-64])).verdict is Verdict.DAMAGED
    with monkeypatch.context() as patch:
        patch.setattr("mvc.formats.hdf5.SECONDS", 0.0)
        assert broken(report(Case("m.h5", data))) == ("hdf5-failed",)


def test_without_h5py_hdf5_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lazy, "installed", lambda name: name != "h5py")
    assert report(HDF5[0]).verdict is Verdict.UNKNOWN


# --- GGUF ---------------------------------------------------------------------------------------------------------------


def templates(*pairs: bytes, version: int = 3) -> bytes:
    data = file(
        [pair("general.architecture", TEXT, text("llama")), pair("x", U32, struct.pack("<I", 1)), *pairs], [info()]
    )
    return data[:4] + struct.pack("<I", version) + data[8:]


def template(key: str, value: str) -> bytes:
    return pair(key, TEXT, text(value))


TOKENS = pair("tokenizer.ggml.tokens", ARRAY, struct.pack("<IQ", TEXT, 2) + text("{{ x.__class__ }}") + text("b"))
LISTED = pair("tokenizer.chat_templates", ARRAY, struct.pack("<IQ", TEXT, 2) + text("tool_use") + text(BAD))
GGUF = [
    Case("m.gguf", templates(TOKENS, template("tokenizer.chat_template", BAD)), ("template-underscore",)),
    Case("m.bin", templates(template("tokenizer.chat_template.tool_use", BAD)), ("template-underscore",)),
    Case("m.gguf", templates(LISTED), ("template-underscore",)),
    Case("m.gguf", templates(*[template("tokenizer.chat_template", CHATML)] * 2), ("gguf-key-twice",)),
    Case("m.gguf", templates(version=1), ("gguf-version",)),
]
GGUF_HONEST = [
    Case("m.gguf", templates(TOKENS, template("tokenizer.chat_template", CHATML))),
    *(Case(path.name, path.read_bytes()) for path in sorted(DATA.glob("*.gguf"))),
]


def test_templates_of_gguf_are_examined() -> None:
    assert [fault for case in (*GGUF, *GGUF_HONEST) if (fault := check(case))] == []
    rules = {rule for case in GGUF for rule in case.rules if rule.startswith("gguf")}
    assert rules == {rule.id for rule in gguf.RULES if rule.id.startswith("gguf")}


def test_a_template_of_gguf_names_its_key() -> None:
    assert [finding.place for finding in report(GGUF[1]).findings] == ["tokenizer.chat_template.tool_use"]


# --- safetensors --------------------------------------------------------------------------------------------------------


def tensors(*ranges: tuple[int, int], behind: bytes = b"", raw: bytes | None = None) -> bytes:
    table = {f"t{number}": {"dtype": "U8", "shape": [stop - first], "data_offsets": [first, stop]}
             for number, (first, stop) in enumerate(ranges)}  # fmt: skip
    header = raw or json.dumps(table).encode()
    end = max((stop for _, stop in ranges), default=0)
    return struct.pack("<Q", len(header)) + header + b"\1" * end + behind


def polyglot() -> bytes:
    """A safetensors file with a zip archive behind the last tensor."""
    out = io.BytesIO()
    out.write(tensors((0, 8)))
    with zipfile.ZipFile(out, "a") as archive:
        archive.writestr("a.txt", "b")
    return out.getvalue()


HELD = base64.b64encode(b"\x80\4cos\nsystem\n(X\2\0\0\0idtR.").decode()


def described(text: str) -> bytes:
    """safetensors with a text in its metadata."""
    return tensors(
        (0, 4),
        raw=json.dumps(
            {"__metadata__": {"note": text}, "a": {"dtype": "U8", "shape": [4], "data_offsets": [0, 4]}}
        ).encode(),
    )


SAFETENSORS = [
    Case("m.safetensors", tensors((0, 8), (8, 12), behind=b"PK\3\4 and so on"), ("safetensors-unaccounted",)),
    Case("m.safetensors", tensors((0, 8), (12, 16)), ("safetensors-unaccounted",)),
    Case("m.safetensors", tensors((0, 8), behind=bytes(64)), ("safetensors-unaccounted",)),
    Case("m.safetensors", polyglot(), ("safetensors-behind", "zip-prefix")),
    Case("m.bin", tensors((4, 8)), ("safetensors-unaccounted",)),
    Case("m.safetensors", tensors((0, 8), (4, 12)), ("safetensors-overlap",)),
    Case("m.safetensors", tensors((0, 8), (0, 8)), ("safetensors-overlap",)),
    Case("m.safetensors", tensors((0, 4), raw=b'{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}'),
         ("safetensors-key-twice",)),
    *(
        Case("m.safetensors", described(text), ("safetensors-program",))
        for text in ("import os; os.system('id')", "<script>alert(1)</script>", "rm -rf / && wget http://a/b", "exec(x)")
    ),
    *(Case("m.safetensors", described(text), ("pickle-held",)) for text in (HELD, bytes.hex(base64.b64decode(HELD)))),
]  # fmt: skip
SAFETENSORS_HONEST = [
    Case("m.safetensors", tensors((0, 8), (8, 12), (12, 12))),
    *(
        Case("m.safetensors", described(text))
        for text in (
            "trained with import os in mind",
            "https://example.org/a",
            "gAAAAABl",
            "gASVIQAAAAAA",
            "evaluation (top 1)",
        )
    ),
    *(Case(path.name, path.read_bytes()) for path in sorted(DATA.glob("*.safetensors"))),
]


def test_bytes_that_no_tensor_accounts_for_are_reported() -> None:
    assert [fault for case in (*SAFETENSORS, *SAFETENSORS_HONEST) if (fault := check(case))] == []
    assert "safetensors-behind" in broken(report(Case("m.safetensors", polyglot())))
    assert {rule for case in SAFETENSORS for rule in case.rules} - {"zip-prefix"} == {
        rule.id for rule in safetensors.RULES
    }


NOTEBOOK = {
    "cells": [{"cell_type": "code", "source": ["import os"]}],
    "metadata": {},
    "nbformat": 4,
    "nbformat_minor": 5,
}


def test_engines_of_tensorrt_and_notebooks_are_code() -> None:
    description = json.dumps({"author": "Ultralytics"}).encode()
    engine = b"ftrt" + bytes(60)
    cases = [
        Case("best.engine", engine, ("engine-code",)),
        Case("best.engine", struct.pack("<I", len(description)) + description + engine, ("engine-code",)),
        Case("best.bin", engine, ("engine-code",)),
        Case("tour.ipynb", json.dumps(NOTEBOOK).encode(), ("notebook-code",)),
        Case("tour.ipynb", json.dumps({**NOTEBOOK, "cells": [{"cell_type": "markdown", "source": "a"}]}).encode()),
        Case("cells.json", json.dumps({"cells": [{"cell_type": "code"}]}).encode()),
    ]
    assert [fault for case in cases if (fault := check(case))] == []


def test_truncated_safetensors_are_damaged() -> None:
    assert report(Case("m.safetensors", tensors((0, 8))[:-1])).verdict is Verdict.DAMAGED


# --- programs and disguise ----------------------------------------------------------------------------------------------

ELF = b"\x7fELF\2\1\1" + bytes(57)
PE = b"MZ" + bytes(58) + struct.pack("<I", 64) + b"PE\0\0" + bytes(20)
MACH = b"\xcf\xfa\xed\xfe" + bytes(60)
SHELL = b"#!/bin/sh\nmkdir ran\n"
PYC = importlib.util.MAGIC_NUMBER + bytes(12) + b"\xe3" + bytes(20)
PROGRAMS = [
    Case("pytorch_model.bin", ELF, ("disguised-program",)),
    Case("model.safetensors", PE, ("disguised-program",)),
    Case("weights.pt", MACH, ("disguised-program",)),
    Case("labels.json", SHELL, ("disguised-program",)),
    Case("model.onnx", SHELL, ("disguised-program", "malformed")),
    Case("model.pkl", PYC, ("disguised-program",)),
    Case("model.ckpt", b"\0asm\1\0\0\0" + bytes(20), ("disguised-program",)),
    Case("x.py", ELF, ("disguised-program", "python-code")),
    Case("extra.pth", b"import os; os.mkdir('ran')\n", ("python-path-file",)),
    Case("extra.pth", b"# paths\n/srv/lib\nimport\tos; os.mkdir('ran')\n", ("python-path-file",)),
    Case("extra.pth", "# größe\r\rimport os\n".encode(), ("python-path-file",)),
    Case("extra.pth", b"/srv\x0cimport os\n", ("python-path-file",)),
    Case("libplugin.so", ELF, ("native-code",)),
    Case("libplugin.so.1.2", ELF, ("native-code",)),
    Case("plugin.dll", PE, ("native-code",)),
    Case("infer", ELF, ("native-code",)),
    Case("run.sh", SHELL, ("script",)),
    Case("run", SHELL, ("script",)),
    Case("run.desktop", b"[Desktop Entry]\nExec=sh -c id\n", ("script",)),
    Case("train.sh", b"python train.py\n", ("script",)),
    Case("init.lua", b"os.execute('id')\n", ("script",)),
    Case("model.bin", marshal.dumps(compile("import os", "x", "exec")), ("disguised-program",)),
    Case("hooks/pre-push.sample", SHELL, ("script",)),
    Case("tool.x86_64", ELF, ("native-code",)),
    Case("run.sh", ELF, ("disguised-program",)),
    Case("run.ps1", b"Write-Host hi\n", ("script",)),
    Case("modeling_x.py", b"class X: pass\n", ("python-code",)),
    Case("m.mar/handler.py", SHELL.replace(b"sh", b"python"), ("python-code",)),
    Case("modeling_x.pyc", PYC, ("python-bytecode",)),
]
DISGUISES = [
    Case("model.safetensors", b"\x80\4\x95\x02\0\0\0\0\0\0\0N.", ("disguise",)),
    Case("model.gguf", b"PK\3\4" + bytes(60), ("disguise",)),
    Case("config.json", b"PK\3\4" + bytes(60), ("disguise",)),
    Case("weights.npy", b"\x80\2N.", ("disguise",)),
    Case("weights.h5", b"\x80\2N.", ("disguise",)),
    Case("weights.hdf5", b"PK\3\4" + bytes(60), ("disguise",)),
    Case("model.keras", b"\x80\2N.", ("disguise",)),
    Case("labels.txt", b"\x1f\x8b\x08" + bytes(30), ("disguise",)),
    Case("picture.png", bytes(257) + b"ustar\x0000" + bytes(300), ("disguise",)),
    Case("model.tflite", b"7z\xbc\xaf\x27\x1c" + bytes(30), ("disguise",)),
]
PROGRAMS_HONEST = [
    Case("paths.pth", b"/srv/lib/python\n../src\n"),
    Case("model.pt", tensors((0, 8))),
    Case("notes.txt", b"MZ is how it begins, and #!/bin/sh follows\n"),
    Case("data.bin", b"MZ and more text of no program at all, which is longer than a header\n"),
]


def test_programs_are_code_under_their_own_name_and_hostile_under_another() -> None:
    assert [fault for case in PROGRAMS if (fault := check(case))] == []
    assert [fault for case in PROGRAMS_HONEST if (fault := check(case))] == []
    hostile = {case.name for case in PROGRAMS if report(case).verdict is Verdict.HOSTILE}
    assert hostile == {case.name for case in PROGRAMS if {"disguised-program", "python-path-file"} & {*case.rules}}
    assert {rule for case in PROGRAMS for rule in case.rules} - {"malformed"} == {
        rule.id for rule in programs.RULES
    } - {"engine-code"}


@pytest.mark.parametrize("case", DISGUISES, ids=lambda case: case.name)
def test_content_that_its_name_contradicts_is_hostile(case: Case) -> None:
    assert "disguise" in broken(report(case))
    assert "disguise" not in broken(report(case, disabled=["disguise"]))
    assert report(case).verdict is Verdict.HOSTILE
    assert {rule.id for rule in disguise.RULES} == {"disguise"}


def test_a_path_file_really_runs_when_python_starts(tmp_path: Path) -> None:
    case = next(case for case in PROGRAMS if case.rules == ("python-path-file",))
    (tmp_path / case.name).write_bytes(case.data)
    script = f"import site; site.addsitedir({str(tmp_path)!r})"
    subprocess.run([sys.executable, "-I", "-S", "-c", script], cwd=tmp_path, check=True)
    assert (tmp_path / "ran").is_dir()


def test_files_that_packages_here_ship_are_neither_hostile_nor_unreadable() -> None:
    top = Path(np.__file__).parents[1]
    suffixes = (
        ".json",
        ".yaml",
        ".yml",
        ".txt",
        ".h5",
        ".onnx",
        ".pb",
        ".safetensors",
        ".gguf",
        ".pth",
        ".cfg",
        ".so",
        ".py",
    )
    paths: dict[str, list[str]] = {}
    for folder, _, names in os.walk(top):
        for name in names:
            suffix = os.path.splitext(name)[1]
            if (
                suffix in suffixes
                and len(paths.setdefault(suffix, [])) < 8
                and os.path.getsize(os.path.join(folder, name)) < 1 << 18
            ):
                paths[suffix].append(os.path.join(folder, name))
    files = [path for group in paths.values() for path in sorted(group)]
    verdicts = {path: report(Case(path, Path(path).read_bytes())) for path in files}
    bad = {path: broken(got) for path, got in verdicts.items() if got.verdict >= Verdict.UNREADABLE}
    assert {path: rules for path, rules in bad.items() if rules != ("python-path-file",)} == {}
    assert len(files) > 50


def test_the_rules_of_all_formats_have_different_ids() -> None:
    ids = [rule.id for rule in engine.rules()]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize(
    "case",
    [
        Case("labels.txt", b"cat\ndog\niguana\nimpala\n"),
        Case("classes.names", b"Rat\nowl\ncup\nbird.\n"),
        Case("cache", b"import datetime\nimport urllib.request\nfrom x import y\n"),
        Case("bundle.js.map", b'{"target": this.target, target: this.target}'),
    ],
    ids=lambda case: case.name,
)
def test_texts_whose_first_letters_are_opcodes_are_plain(case: Case) -> None:
    assert report(case).verdict in (Verdict.PLAIN, Verdict.UNKNOWN)
