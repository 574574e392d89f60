"""The scan: what it finds and reports falsely beside other scanners, and what it takes of a commit."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from mvc.formats.source import Source
from mvc.scan.scan import rules, scan_file
from mvc.scan.verdict import Verdict
from tests.bench.large import NAME, make_weights
from tests.bench.measure import ENVIRONMENT, Times, command, have_memory_at_hand, merged
from tests.bench.peers import BUILD, MVC, remove
from tests.bench.report import Report
from tests.bench.scanner_runs import SCANNERS

if TYPE_CHECKING:
    from tests.scan.formats.cases import Case

SHARE = 1.05
"""Times that a commit with a scan may take, beside one without."""
_SUFFIXES = {
    "torch": ".pt", "torch legacy": ".pt", "tar": ".tar", "compressed": ".pkl.gz", "numpy": ".npy", "joblib": ".joblib",
}  # fmt: skip
Answers = Mapping[str, bool]


def scan(report: Report, place: Path, rounds: int, megabytes: int) -> None:
    """Both parts."""
    scanners(report, place / "files")
    commits(report, place, rounds, megabytes)


def scanners(report: Report, folder: Path) -> None:
    """Each scanner over the hostile and the honest files of the tests; none may find more than mvc, or report less falsely."""
    _write(folder)
    report.title("Scanners, on the hostile and honest files of the tests")
    answers = {"mvc": _own(folder)}
    for name in SCANNERS:
        tool = name.split(maxsplit=1)[0]
        python = BUILD / tool / "bin" / "python"
        if not python.exists():
            report.say(f"left out: {tool} (python -m venv build/{tool} && build/{tool}/bin/pip install {tool})")
            continue
        words = [str(python), str(Path(__file__).with_name("scanner_runs.py")), name, str(folder)]
        done = subprocess.run(words, capture_output=True, text=True, check=False, env=ENVIRONMENT)
        if done.returncode:
            report.say(f"left out: {name}, which failed: {done.stderr.strip().rpartition(chr(10))[2]}")
            continue
        printed = json.loads(done.stdout.splitlines()[-1])
        answers[name] = (printed["seconds"], printed["answers"])
    rows = {name: _counts(seconds, found) for name, (seconds, found) in answers.items()}
    columns = ("found", "missed", "false", "honest", "seconds")
    report.table("", columns, {name: [f"{figure:g}" for figure in row] for name, row in rows.items()})
    others = [row for name, row in rows.items() if name != "mvc"]
    report.goal("hostile files that mvc misses", rows["mvc"][1], 0, "files")
    report.goal("honest files that mvc reports", rows["mvc"][2], 0, "files")
    if others:
        report.goal("what another finds beyond mvc", max(row[0] for row in others) - rows["mvc"][0], 0, "files")


def _counts(seconds: float, answers: Answers) -> tuple[float, ...]:
    """Hostile files that were found and missed, honest ones that were reported, and their number."""
    hostile = [answer for path, answer in answers.items() if path.startswith("hostile/")]
    honest = [answer for path, answer in answers.items() if path.startswith("honest/")]
    return sum(hostile), len(hostile) - sum(hostile), sum(honest), len(honest), round(seconds, 1)


def _own(folder: Path) -> tuple[float, Answers]:
    """The answers of mvc: hostile and unreadable files are those that a commit refuses."""
    answers = {}
    started = time.perf_counter()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        with path.open("rb") as file:
            verdict = scan_file(Source.of(file.fileno(), path.name)).verdict
        answers[path.relative_to(folder).as_posix()] = verdict >= Verdict.UNREADABLE
    return time.perf_counter() - started, answers


def _write(folder: Path) -> None:
    """Write the files of the tests."""
    for kind, files in (("hostile", _hostile()), ("honest", _honest())):
        (folder / kind).mkdir(parents=True)
        for number, (name, data) in enumerate(files):
            (folder / kind / f"{number:03}-{name}").write_bytes(data)


def _hostile() -> Iterator[tuple[str, bytes]]:
    from tests.scan import calls, containers, structures  # noqa: PLC0415 - other parts of the benchmark need no numpy
    from tests.scan.formats import test_configs, test_files, test_graphs, test_templates  # noqa: PLC0415

    for case in (*calls.cases(), *structures.cases(), *containers.cases()):
        yield f"model{_SUFFIXES.get(case.family, '.pkl')}", case.data
    worst = {rule.id for rule in rules() if rule.verdict is Verdict.HOSTILE}
    for module in (test_configs, test_files, test_graphs, test_templates):
        for made in _cases(module):
            if worst.intersection(made.rules):
                yield made.name.replace("/", "-"), made.data


def _honest() -> Iterator[tuple[str, bytes]]:
    import pickle  # noqa: PLC0415

    from tests.scan import containers, test_honest, written  # noqa: PLC0415
    from tests.scan.formats import test_configs, test_files, test_graphs, test_templates  # noqa: PLC0415

    for value in (*test_honest.PLAIN.values(), *test_honest.DATA_CLASSES.values()):
        for protocol in (2, 4):
            yield "model.pkl", pickle.dumps(value, protocol)
    suffixes = {
        "checkpoint": ".pt",
        "legacy": ".pt",
        "npz": ".npz",
        "npy": ".npy",
        "objects": ".npy",
        "tar": ".tar",
        "gzip": ".pkl.gz",
    }
    for name, data in containers.honest():
        yield f"model{suffixes.get(name, '.bin')}", data
    for data in written.JOBLIB.values():
        yield "model.joblib", data
    for path in sorted(path for path in test_honest.DATA.rglob("*") if path.is_file()):
        yield path.name, path.read_bytes()
    for module in (test_configs, test_files, test_graphs, test_templates):
        for case in _cases(module):
            if not case.rules:
                yield case.name.replace("/", "-"), case.data


def _cases(module: object) -> list[Case]:
    """The cases that the lists of a module of tests have, each once."""
    from tests.scan.formats.cases import Case  # noqa: PLC0415

    lists = [value for value in vars(module).values() if isinstance(value, list)]
    return list(dict.fromkeys(case for cases in lists for case in cases if isinstance(case, Case)))


def commits(report: Report, place: Path, rounds: int, megabytes: int) -> None:
    """The first commit of weights with a scan and without, in turns."""
    report.title(f"A commit of {megabytes:,} MB of new BF16 weights, with a scan and without, rounds: {rounds}")
    weights = place / "weights"
    make_weights("new", "BF16", megabytes, 7, weights)
    settings = place / "settings.toml"
    settings.write_text('scan.level = "off"\n', encoding="utf-8")
    times: dict[str, list[Times]] = {"with": [], "without": []}
    for number in range(2 * rounds):
        kind = ("with", "without")[(number + number // 2) % 2]
        environment = {**ENVIRONMENT, "MVC_CONFIG": str(settings)} if kind == "without" else ENVIRONMENT
        times[kind].append(_commit(place / "repository", weights, environment))
    weights.unlink()
    for kind, each in times.items():
        report.line(f"  {kind}", merged(each))
    with_, without = (merged(times[kind]) for kind in ("with", "without"))
    report.goal("with a scan, beside without", with_.median / without.median, SHARE, "x")


def _commit(folder: Path, weights: Path, environment: Mapping[str, str]) -> Times:
    """Commit the weights to an empty repository."""
    remove(folder)
    folder.mkdir()
    (folder / NAME).hardlink_to(weights)
    for words in ("init --model bench", f"add {NAME}"):
        command([MVC, *words.split()], folder, environment)
    subprocess.run(["sync"], check=True)
    have_memory_at_hand()
    return command([MVC, "commit", "-m", "first"], folder, environment)
