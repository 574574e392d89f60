"""The scan beside the real loaders, beside honest files that they write, and beside other scanners."""

from __future__ import annotations

import contextlib
import pickle
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

import picklescan.scanner
import pytest
import torch
from fickling import fickle
from fickling.analysis import Severity, check_safety
from torch import _weights_only_unpickler

import mvc
from mvc.scan import allow
from mvc.scan.globals import TABLE
from mvc.scan.scan import scan_file
from mvc.scan.verdict import Verdict
from tests.scan import calls, containers, structures
from tests.scan.cases import Case, source

HERE = Path(__file__).parent
RAN_BY_LOADERS = {"torch": 5, "torch legacy": 4, "joblib": 8}
"""How many files of a family a real loader runs, at least; others need another reader of archives, or are cut."""
ONLY_TORCH = {"torch._utils._rebuild_wrapper_subclass"}
"""What `weights_only` admits and the table does not: it makes any class, which is code."""
DISTRIBUTED = {
    "filesystem._StorageInfo",
    "metadata.BytesStorageMetadata",
    "metadata.ChunkStorageMetadata",
    "metadata.Metadata",
    "metadata.MetadataIndex",
    "metadata.StorageMeta",
    "metadata.TensorProperties",
    "metadata.TensorStorageMetadata",
    "metadata._MEM_FORMAT_ENCODING",
}
ONLY_TABLE = {
    "torch.storage._load_from_bytes",
    "torch.torch_version.TorchVersion",
    *(f"torch.distributed.checkpoint.{name}" for name in DISTRIBUTED),
}
"""What the table admits and `weights_only` does not: a tensor in a plain pickle, whose bytes are scanned; a text; and data
classes in the metadata of distributed checkpoints, which PyTorch reads with a plain unpickler."""

FAULTY = {"plain-storage.pt", "plain-storage-legacy.pt", "plain-nested.pt", "plain-nested-legacy.pt"}
"""What this version of PyTorch writes and cannot read with `weights_only`."""


def _cases() -> list[Case]:
    return [*calls.cases(), *structures.cases(), *containers.cases()]


def _run(script: str, folder: Path) -> str:
    done = subprocess.run([sys.executable, HERE / script, folder], capture_output=True, text=True, check=True)
    return done.stdout


def test_payloads_run_under_the_real_loaders_and_are_found(tmp_path: Path) -> None:
    cases = [case for case in containers.cases() if case.family in RAN_BY_LOADERS]
    for number, case in enumerate(cases):
        (tmp_path / f"{number}.bin").write_bytes(case.data)
    ran = {int(line.partition(":")[2]) for line in _run("loaders.py", tmp_path).splitlines() if ":" in line}
    families = [cases[number].family for number in ran]
    print({family: families.count(family) for family in RAN_BY_LOADERS})
    assert all(families.count(family) >= least for family, least in RAN_BY_LOADERS.items())
    assert all(scan_file(source(cases[number].data)).verdict >= Verdict.UNREADABLE for number in ran)


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("honest")
    _run("honest.py", folder)
    return sorted(folder.iterdir())


def test_honest_files_have_their_verdicts(honest: list[Path]) -> None:
    assert len(honest) >= 100
    verdicts = {file.path: file.verdict for path in honest for file in mvc.scan_files(path).files}
    assert {path: verdict for path, verdict in verdicts.items() if not Path(path).name.startswith(str(verdict))} == {}


def test_whole_modules_are_plain_once_their_classes_are_allowed(honest: list[Path]) -> None:
    modules = [path for path in honest if path.name.startswith("code-module")]
    assert len(modules) == 2
    for path in modules:
        report = scan_file(source(path.read_bytes()))
        assert {name.rpartition(".")[2] for name in report.names} >= {"Conv2d", "BatchNorm2d", "Linear", "Sequential"}
        assert allow.allowed(report, allow.names([report])).verdict is Verdict.PLAIN
        assert allow.allowed(report, ["torch.nn.modules.*"]).verdict is Verdict.PLAIN


def test_what_is_plain_is_what_torch_loads_without_code(honest: list[Path]) -> None:
    """`weights_only` refuses what it does not know; each name that it refuses is explained above, or is one of numpy."""
    known = (
        *ONLY_TABLE,
        "UntypedStorage",
        "Unsupported operand",
        "protocol",
        "numpy",
        "argparse",
        "pathlib",
        "datetime",
    )
    refused = {}
    for path in honest:
        if path.suffix == ".pt" and not path.name.startswith("code-") and path.name not in FAULTY:
            try:
                torch.load(path, weights_only=True)
            except (pickle.UnpicklingError, AttributeError) as error:
                refused[path.name] = str(error)
    assert {name: error for name, error in refused.items() if not any(word in error for word in known)} == {}


def test_each_difference_to_the_table_of_torch_is_explained() -> None:
    with warnings.catch_warnings(action="ignore"):
        theirs = set(_weights_only_unpickler._get_allowed_globals())
    ours = {name for name in TABLE if name.startswith("torch")}
    assert {name for name in theirs if name.startswith("torch")} - ours == ONLY_TORCH
    assert ours - theirs == ONLY_TABLE


def _picklescan(path: Path) -> bool:
    found = picklescan.scanner.scan_file_path(str(path))
    return bool(found.issues_count)


def _fickling(path: Path) -> bool:
    with path.open("rb") as file:
        return any(check_safety(pickled).severity > Severity.SUSPICIOUS for pickled in fickle.StackedPickle.load(file))


OTHERS: dict[str, Callable[[Path], bool]] = {"picklescan": _picklescan, "fickling": _fickling}


def test_no_other_scanner_finds_more(tmp_path: Path) -> None:
    cases = _cases()
    for number, case in enumerate(cases):
        (tmp_path / f"{number:03}.pkl").write_bytes(case.data)
    own = {
        f"{number:03}.pkl"
        for number, case in enumerate(cases)
        if scan_file(source(case.data)).verdict >= Verdict.UNREADABLE
    }
    assert len(own) == len(cases)
    for name, is_found in OTHERS.items():
        found = set()
        for path in tmp_path.iterdir():
            with contextlib.suppress(Exception):  # it cannot read every file
                found |= {path.name} if is_found(path) else set()
        print(f"{name} finds {len(found)} of {len(cases)}, mvc {len(own)}")
        assert found <= own
