"""What a fine-tuning history of ten versions takes in every tool, and how fast it goes in and comes out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from blake3 import blake3

from tests.bench import training
from tests.bench.measure import Times, command, in_sequence
from tests.bench.peers import ANNEX, COPY, DVC, LFS, MVC, MVC_ITSELF, Peer, borg, present, remove, restic
from tests.bench.report import Report

FEW = (COPY, MVC_ITSELF, borg("zstd,3"), restic("max"))
EVERY = (COPY, MVC_ITSELF, borg("zstd,1"), borg("zstd,3"), restic("auto"), restic("max"), DVC, LFS, ANNEX)
BEST = 0.475
"""Of what the better of borg zstd,3 and restic max stores."""

MOST = {
    "v2 last-layer": 5,
    "v3 fine-tuned": 32.5,
    "v4 fine-tuned": 31,
    "v5 fine-tuned": 31,
    "v6 exported-again": 0.1,
    "v7 bf16": 1,
    "v8 bf16-after-4-steps": 6,
}
"""What mvc may store of a version at most, in per cent of its size."""


@dataclass
class Kept:
    """What became of every version in one tool, in their order."""

    stores: list[Times] = field(default_factory=list)
    stored: list[int] = field(default_factory=list)
    restores: list[Times] = field(default_factory=list)


def history(report: Report, place: Path, *, quick: bool) -> None:
    """Store the versions one after the other, and bring all of them back."""
    report.title("A fine-tuning history: ten versions of MiniLM, really trained")
    files = training.made()
    if files is None:
        report.say("left out: torch cannot be installed, and it trains the network")
        return
    peers, reasons = present(*(FEW if quick else EVERY))
    for reason in reasons:
        report.say(f"left out: {reason}")
    kept = {peer.name: Kept() for peer in peers}
    for number, file in enumerate(files, 1):
        for peer in peers:
            _store(peer, place / peer.name, file, number, kept[peer.name])
    for number, file in enumerate(files, 1):
        for peer in peers:
            kept[peer.name].restores.append(_restore(peer, place / peer.name, file, f"v{number}"))
    _print(report, files, kept)
    _after_gc(report, place / MVC_ITSELF.name, files)
    for peer in peers:
        remove(place / peer.name)


def _store(peer: Peer, folder: Path, file: Path, number: int, kept: Kept) -> None:
    name = _name(file)
    if number == 1:
        peer.begin(folder, file, name)
    else:
        peer.change(folder, file, name)
    before = peer.size(folder)
    kept.stores.append(peer.store(folder, f"v{number}"))
    kept.stored.append(peer.size(folder) - before)


def _restore(peer: Peer, folder: Path, file: Path, version: str) -> Times:
    times = peer.restore(folder, version)
    if _digest(folder / "work" / "weights" / _name(file)) != _digest(file):
        raise SystemExit(f"{peer.name} brought back other bytes of {version}")
    return times


def _after_gc(report: Report, folder: Path, files: Sequence[Path]) -> None:
    """Every version comes back from a store that was tidied, too."""
    times = command([MVC, "gc", "--grace", "0d"], folder / "work")
    for number, file in enumerate(files, 1):
        _restore(MVC_ITSELF, folder, file, f"v{number}")
    report.line("  mvc gc", times, f"{MVC_ITSELF.size(folder) / 1e6:,.2f} MB afterwards; every version came back")


def _name(file: Path) -> str:
    return "checkpoint.pt" if file.suffix == ".pt" else "model.safetensors"


def _digest(file: Path) -> bytes:
    hasher = blake3()
    with file.open("rb") as source:
        while block := source.read(1 << 20):
            hasher.update(block)
    return hasher.digest()


def _print(report: Report, files: Sequence[Path], kept: Mapping[str, Kept]) -> None:
    versions = [f"v{number} {file.stem[3:]}" for number, file in enumerate(files, 1)]
    raw = [file.stat().st_size for file in files]
    megabytes = {
        label: [f"{size / 1e6:.2f}", *(f"{each.stored[row] / 1e6:.2f}" for each in kept.values())]
        for row, (label, size) in enumerate(zip(versions, raw, strict=True))
    }
    megabytes["total"] = [f"{sum(raw) / 1e6:.2f}", *(f"{sum(each.stored) / 1e6:.2f}" for each in kept.values())]
    report.table("stored, MB", ["raw", *kept], megabytes)
    for caption, act in (("commit", "stores"), ("checkout", "restores")):
        every: dict[str, list[Times]] = {name: getattr(each, act) for name, each in kept.items()}
        report.table(f"{caption}, seconds", list(every), _rows(versions, every, lambda times: f"{times.median:.2f}"))
        memory = _rows(versions, every, lambda times: f"{times.memory / 1e6:.0f}")
        report.table(f"{caption}, MB of memory", list(every), memory)
    _goals(report, dict(zip(versions, raw, strict=True)), kept)


def _rows(
    versions: Sequence[str], every: Mapping[str, Sequence[Times]], cell: Callable[[Times], str]
) -> dict[str, list[str]]:
    rows = {label: [cell(times[row]) for times in every.values()] for row, label in enumerate(versions)}
    return rows | {"all": [cell(in_sequence(times)) for times in every.values()]}


def _goals(report: Report, raw: Mapping[str, int], kept: Mapping[str, Kept]) -> None:
    ours = kept[MVC_ITSELF.name].stored
    rivals = [sum(kept[name].stored) for name in (borg("zstd,3").name, restic("max").name) if name in kept]
    if rivals:
        report.goal("all versions, beside borg zstd,3 and restic max", sum(ours) / min(rivals), BEST, "x")
    for (label, size), stored in zip(raw.items(), ours, strict=True):
        if label in MOST:
            report.goal(label, 100 * stored / size, MOST[label], "% of raw")
