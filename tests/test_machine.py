"""What a version says of the machine that it was trained on: found without importing, running or touching anything."""

from __future__ import annotations

import importlib.metadata
import json
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from mvc import machine
from mvc.model.compare import environment_record
from mvc.model.compare.environment_record import EnvironmentChange, EnvironmentRecord


def _canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_the_packages_are_those_that_pip_lists() -> None:
    listed = {_canonical(each.metadata["Name"]): each.version for each in importlib.metadata.distributions()}
    assert machine.packages() == dict(sorted(listed.items()))


@pytest.mark.parametrize(
    ("name", "package"),
    [
        ("torch-2.4.0+cu121.dist-info", ("torch", "2.4.0+cu121")),
        ("ruamel.yaml-0.18.dist-info", ("ruamel-yaml", "0.18")),
        ("opencv_python-4.10.0.84.dist-info", ("opencv-python", "4.10.0.84")),
        ("PyYAML-6.0-py3.11.egg-info", ("pyyaml", "6.0")),
        ("old-name-1.0.egg-info", ("old-name", "1.0")),
        ("notes.txt", None),
        ("x.dist-info", None),
        ("a\u202e-1.dist-info", None),
    ],
)
def test_a_package_is_known_by_the_name_of_its_metadata(
    name: str, package: tuple[str, str] | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / name).mkdir()
    monkeypatch.setattr(sys, "path", [str(tmp_path), str(tmp_path / "absent"), str(tmp_path / "archive.zip")])
    assert machine.packages() == (dict([package]) if package else {})


def test_of_two_installations_the_imported_one_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for folder, version in (("user", "2.0"), ("system", "1.0")):
        (tmp_path / folder / f"torch-{version}.dist-info").mkdir(parents=True)
    monkeypatch.setattr(sys, "path", [str(tmp_path / "user"), str(tmp_path / "system")])
    assert machine.packages() == {"torch": "2.0"}


def test_gpus_are_read_from_the_system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "NVIDIA", tmp_path)
    for number in range(2):
        place = tmp_path / "gpus" / f"0000:0{number}:00.0"
        place.mkdir(parents=True)
        (place / "information").write_text("Model: \t\t NVIDIA L4\nIRQ:  24\n", encoding="utf-8")
    version = "NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.54.15  Tue Mar  5 22:23:56 UTC 2024\nGCC version:\n"
    (tmp_path / "version").write_text(version, encoding="utf-8")
    found = machine.environment_record()
    assert (found.gpus, found.driver, found.cuda) == (("NVIDIA L4", "NVIDIA L4"), "550.54.15", None)


def _torch(*, begun: bool, fails: bool = False) -> Any:
    def name(_: int) -> str:
        if fails:
            raise RuntimeError("CUDA error: device-side assert triggered")
        return "NVIDIA H100"

    cuda = SimpleNamespace(is_initialized=lambda: begun, device_count=lambda: 1, get_device_name=name)
    return SimpleNamespace(version=SimpleNamespace(cuda="12.4"), cuda=cuda)


def test_torch_is_asked_only_for_what_it_uses_already(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "NVIDIA", tmp_path)
    for torch, gpus in ((_torch(begun=True), ("NVIDIA H100",)), (_torch(begun=False), ())):
        monkeypatch.setitem(sys.modules, "torch", torch)
        found = machine.environment_record()
        assert (found.gpus, found.cuda) == (gpus, "12.4")
    for broken in (_torch(begun=True, fails=True), SimpleNamespace()):
        monkeypatch.setitem(sys.modules, "torch", broken)
        assert machine.environment_record().gpus == ()


def test_nothing_is_imported_and_no_program_is_run() -> None:
    code = (
        "import sys, mvc.machine; before = set(sys.modules)\n"
        "sys.addaudithook(lambda event, _: event.startswith(('subprocess', 'os.exec', 'os.posix_spawn')) and sys.exit(event))\n"
        "mvc.machine.environment_record()\n"
        "print({name.partition('.')[0] for name in set(sys.modules) - before} & {'torch', 'numpy', 'email', 'subprocess'})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


# --- the file


RECORD = EnvironmentRecord("CPython 3.11.7", "Linux", {"torch": "2.3.0", "wandb": "0.17"}, ("L4", "L4"), "12.1", "550")


def test_equal_environments_have_equal_bytes_that_are_read_back() -> None:
    other = EnvironmentRecord(
        "CPython 3.11.7", "Linux", {"wandb": "0.17", "torch": "2.3.0"}, ("L4", "L4"), "12.1", "550"
    )
    assert RECORD.encode() == other.encode()
    assert EnvironmentRecord.decode(RECORD.encode()) == RECORD
    assert machine.environment_record().encode() == machine.environment_record().encode()


INVALID: list[dict[str, Any]] = [
    {"kind": "x"}, {"packages": []}, {"packages": {"a": 1}}, {"gpus": "L4"}, {"gpus": [1]}, {"cuda": 12},
]  # fmt: skip


@pytest.mark.parametrize(
    "data",
    [b"", b"{}", b"[]", b"\xff", b"[" * 100_000, b" " * (2 << 20), *(
        json.dumps(json.loads(RECORD.encode()) | changed).encode()
        for changed in INVALID
    )],
)  # fmt: skip
def test_what_is_no_record_is_none(data: bytes) -> None:
    assert EnvironmentRecord.decode(data) is None


def test_changes_name_what_was_added_removed_and_updated() -> None:
    new = EnvironmentRecord("CPython 3.12.1", "Linux", {"torch": "2.4.0", "tqdm": "4.66"}, ("L4",), "12.1", None)
    assert environment_record.changes(RECORD, RECORD) == ()
    assert environment_record.changes(RECORD, new) == (
        EnvironmentChange("python", "CPython 3.11.7", "CPython 3.12.1"),
        EnvironmentChange("driver", "550", None),
        EnvironmentChange("gpus", "2 x L4", "L4"),
        EnvironmentChange("torch", "2.3.0", "2.4.0"),
        EnvironmentChange("tqdm", None, "4.66"),
        EnvironmentChange("wandb", "0.17", None),
    )
