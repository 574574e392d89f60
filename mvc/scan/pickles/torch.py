"""PyTorch: checkpoints as archives, with the storages that their pickles refer to.

    run/data.pkl ─ ("storage", FloatStorage, "0", "cpu", 147456)  ─►  run/data/0 has 589,824 bytes

A storage of another size than its pickle names is a finding: tensors over it would reach other memory (CVE-2026-24747).
Source: torch/serialization.py of PyTorch.
"""

from __future__ import annotations

from typing import Any

from mvc.formats import tensor_tree
from mvc.model.segment import WIDTHS
from mvc.scan.archive import Archive
from mvc.scan.pickles import embedded
from mvc.scan.pickles.joblib import ArrayCalls
from mvc.scan.pickles.machine import Machine
from mvc.scan.pickles.values import Named, Persistent
from mvc.scan.pickles.window import Window
from mvc.scan.scan import Scan
from mvc.scan.verdict import Rule, Verdict

SIZE = Rule(
    "torch-storage", Verdict.HOSTILE, "A storage has another size than its pickle names, so tensors leave it: {}."
)
REFERENCE = Rule("torch-reference", Verdict.UNREADABLE, "Its pickle refers to an object that is not a storage.")
OLD = Rule("torch-tar", Verdict.UNREADABLE, "It is a checkpoint of PyTorch before 0.2, whose pickles are not all read.")
RULES = (SIZE, REFERENCE, OLD)

_TEXTS = ("version", "byteorder", ".format_version", ".storage_alignment", ".data/serialization_id")
_MAX_TEXT = 4096


class StorageCalls(ArrayCalls):
    """The judgement for `torch.load`, which finds storages by their persistent ids."""

    def __init__(self) -> None:
        """Begin without storages."""
        self.sizes: dict[str, int | None] = {}
        """The bytes of each storage by its key, as its first reference has them; None if its type is not known."""
        self.counts: dict[str, int] = {}
        self.conflicts: set[str] = set()

    def refer(self, machine: Machine, id_: Any) -> Any:
        """Remember the size of a storage; return the class of a module, beside which older files have its source."""
        match id_:
            case ("storage", Named(path=path), str(key), _, int(count), *_):
                width = WIDTHS.get(tensor_tree.storage_dtype(path), 0)
                size = count * width if width else None
                self.counts.setdefault(key, count)
                if self.sizes.setdefault(key, size) != size:
                    self.conflicts.add(key)
            case ("module", Named() as class_, *_):
                return class_
            case _:
                machine.report(REFERENCE)
        return Persistent(id_)


def matches(archive: Archive) -> bool:
    """Return whether the members are those of `torch.save` or `torch.jit.save`, or of a tar archive before these."""
    is_old = archive.kind == "tar" and {"pickle", "storages", "tensors"} <= set(archive.sizes)
    return is_old or (archive.kind == "zip" and f"{archive.root}data.pkl" in archive.sizes)


def scan(archive: Archive, scan: Scan) -> None:
    """Read the pickles of an archive, and claim the storages that they refer to."""
    if archive.kind == "tar":
        scan.report(OLD)
        return
    for folder in ("data", "constants"):
        name = f"{archive.root}{folder}.pkl"
        if name in archive.sizes:
            archive.claim(name)
            with scan.inside(name), scan.failures():
                _scan_pickle(archive, name, f"{archive.root}{folder}/", scan)
    texts = (f"{archive.root}{name}" for name in _TEXTS)
    archive.claim(*(name for name in texts if _is_word(archive, name)))


def _is_word(archive: Archive, name: str) -> bool:
    """Return whether a member is one word or number in a line, as PyTorch writes its settings."""
    size = archive.sizes.get(name, _MAX_TEXT)
    return size < _MAX_TEXT and archive.open(name).read(0, size).strip().isalnum()


def _scan_pickle(archive: Archive, name: str, folder: str, scan: Scan) -> None:
    calls = StorageCalls()
    try:
        Machine(Window(archive.open(name)), scan, calls).read()
    finally:
        for key, size in calls.sizes.items():
            member = f"{folder}{key}"
            if member in archive.sizes:
                if not archive.name.lower().endswith(".npz"):  # numpy reads each member as an array
                    archive.claim(member)
                    if archive.name.lower().endswith(embedded.DISTRIBUTED):
                        embedded.report(archive.open(member), scan, is_part=True)
                if key in calls.conflicts or size not in (None, archive.sizes[member]):
                    scan.report(SIZE, detail=member)
