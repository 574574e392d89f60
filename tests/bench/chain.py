"""Five versions of 1 GB in which every weight moves: what lies at the end of a chain of deltas, and what changed on the way."""

from __future__ import annotations

from pathlib import Path

from tests.bench.large import MEMORY, NAME, NOTHING, make_weights, restored
from tests.bench.measure import Times, command, in_sequence, merged
from tests.bench.peers import COPY, MVC, MVC_ITSELF, remove
from tests.bench.report import Report

VERSIONS = 5


def chain(report: Report, place: Path, rounds: int, megabytes: int, dtype: str) -> None:
    """Commit five versions, check out the last of them beside a plain copy, and compare the first two."""
    report.title(f"{VERSIONS} versions of {megabytes:,} MB {dtype}, every weight moved by 1 % of the spread")
    folder = place / "chain"
    last, commits = _committed(folder, place, megabytes, dtype)
    what = f"{megabytes:,} MB {dtype}"
    size, stored = last.stat().st_size, MVC_ITSELF.size(folder)
    report.line("  mvc commit, all", in_sequence(commits), f"store {100 * stored / size / VERSIONS:.1f} % of raw")
    copies = place / "copies"
    COPY.begin(copies, last, NAME)
    COPY.store(copies, f"v{VERSIONS}")
    times = _checkouts(folder, copies, last, rounds)
    for name, each in times.items():
        report.line(f"  {name} checkout of the last", each, f"{each.memory / 1e6:5,.0f} MB of memory")
    ratio = times[MVC_ITSELF.name].median / times[COPY.name].median
    report.say(f"{ratio:.3g} x cp + fsync; the part `deltas` compares it with an earlier commit")
    memory = max(each.memory for each in (*commits, times[MVC_ITSELF.name]))
    report.goal(f"{what}: memory with deltas", memory / 1e6, MEMORY / 1e6, "MB")
    _compared(report, folder, what, rounds)
    for made in (folder, copies):
        remove(made)
    last.unlink()


def _committed(folder: Path, place: Path, megabytes: int, dtype: str) -> tuple[Path, list[Times]]:
    """The file of the last version, and how long each commit took."""
    file, moved = place / "now", place / "next"
    make_weights("new", dtype, megabytes, 11, file)
    MVC_ITSELF.begin(folder, file, NAME)
    times = [MVC_ITSELF.store(folder, "v1")]
    for number in range(2, VERSIONS + 1):
        make_weights("moved", file, 11 + number, moved)
        moved.replace(file)
        MVC_ITSELF.change(folder, file, NAME)
        times.append(MVC_ITSELF.store(folder, f"v{number}"))
    return file, times


def _checkouts(folder: Path, copies: Path, last: Path, rounds: int) -> dict[str, Times]:
    times: dict[str, list[Times]] = {COPY.name: [], MVC_ITSELF.name: []}
    for _ in range(rounds):
        for peer, place in ((COPY, copies), (MVC_ITSELF, folder)):
            times[peer.name].append(restored(peer, place, f"v{VERSIONS}", last))
    return {name: merged(each) for name, each in times.items()}


def _compared(report: Report, folder: Path, what: str, rounds: int) -> None:
    words = [MVC, "diff", "--tensors", "v1", "v2"]
    command(words, folder / "work")
    times = merged(command(words, folder / "work") for _ in range(rounds))
    report.line("  mvc diff --tensors v1 v2", times, f"read {times.read / 1e6:,.1f} MB")
    report.goal(f"{what}: diff --tensors", 1000 * times.median, 300, "ms")
    report.goal(f"{what}: read by diff --tensors", times.read / 1e6, NOTHING / 1e6, "MB")


def huge(report: Report, place: Path, megabytes: int = 10_000) -> None:
    """The memory that a commit and a checkout of 10 GB take."""
    report.title(f"{megabytes:,} MB of new BF16 weights")
    file, folder = place / "huge", place / "peer"
    make_weights("new", "BF16", megabytes, 13, file)
    MVC_ITSELF.begin(folder, file, NAME)
    for act, times in (
        ("commit", MVC_ITSELF.store(folder, "v1")),
        ("checkout", restored(MVC_ITSELF, folder, "v1", file)),
    ):
        report.line(f"  mvc {act}", times)
        report.goal(f"{megabytes:,} MB: memory of {act}", times.memory / 1e6, MEMORY / 1e6, "MB")
    remove(folder)
    file.unlink()
