"""Verbs in repositories that have grown, beside the same verbs of an earlier commit.

tests.bench.growth_repositories ─► one repository of each kind, by each code ─► verbs in turns ─► seconds, ratio
"""

from __future__ import annotations

import resource
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from pathlib import Path
from statistics import median

from tests.bench.measure import ENVIRONMENT, MAXRSS, Times, command, interleaved
from tests.bench.peers import BUILD, remove
from tests.bench.report import Report

TOP = Path(__file__).resolve().parents[2]
NOW = "now"
SIZES = {
    "files": 10_000,
    "chunks": 100_000,
    "tensors": 20_000,
    "versions": 10_000,
    "evaluations": 10_000,
    "refs": 2_000,
    "pushes": 1_000,
}
"""The kinds of repositories, and the size of each; `--quick` makes a tenth."""


@dataclass(frozen=True, slots=True)
class Code:
    """The code of one commit, in the folder `top` with the package."""

    name: str
    top: Path

    def run(self, folder: Path, *arguments: str) -> Times:
        """Run a verb, outside of any Git repository, which is not measured. Raises CalledProcessError."""
        return self._python(folder, "mvc", "--progress", "none", *arguments)

    def make(self, place: Path, kind: str, count: int) -> None:
        """Make a repository with this code. Raises CalledProcessError."""
        place.mkdir(parents=True)
        self._python(place, "tests.bench.growth_repositories", kind, str(place), str(count))

    def _python(self, folder: Path, *module: str) -> Times:
        paths = dict.fromkeys([str(self.top), str(TOP)])
        environment = {"PYTHONPATH": ":".join(paths), "GIT_CEILING_DIRECTORIES": str(BUILD)}
        return command([sys.executable, "-P", "-m", *module], folder, ENVIRONMENT | environment)


Prepare = Callable[[Code, Path], None]
"""What a code does to a repository before each round, which is not measured."""


def nothing(code: Code, folder: Path) -> None:
    """Leave the repository as it is."""


def edit(code: Code, folder: Path) -> None:
    """Change one line of model.toml."""
    model_toml = folder / "model.toml"
    lines = model_toml.read_text(encoding="utf-8").splitlines()
    number = next(number for number, line in enumerate(lines) if line.startswith("epochs = "))
    lines[number] = f"epochs = {int(lines[number].removeprefix('epochs = ')) + 1}"
    model_toml.write_text("\n".join(lines) + "\n", encoding="utf-8")


def commit(code: Code, folder: Path) -> None:
    """Commit a change of one line."""
    edit(code, folder)
    code.run(folder, "commit", "-m", "one line")


def forget(code: Code, folder: Path) -> None:
    """Delete the answers of evaluations that earlier queries left."""
    shutil.rmtree(folder / ".mvc" / "cache" / "evaluations", ignore_errors=True)


@dataclass(frozen=True, slots=True)
class Act:
    """A verb in the repository `folder` of a kind; an argument `{}` is another word in each round."""

    kind: str
    arguments: Sequence[str]
    prepare: Prepare = nothing
    folder: str = "work"
    note: str = ""

    @property
    def name(self) -> str:
        """The line in the report."""
        where = "" if self.folder == "work" else f" in the {self.folder}"
        return (
            " ".join(["mvc", *self.arguments, *filter(None, [self.note])]).replace(" -m {}", "").replace("{}", "NAME")
            + where
        )

    def run(self, code: Code, place: Path, round_: list[int]) -> Times:
        """Measure one round with a code, in its repository at `place`."""
        folder = place / self.folder
        self.prepare(code, folder)
        round_[0] += 1
        return code.run(folder, *[word.replace("{}", f"round-{round_[0]}") for word in self.arguments])


ACTS = (
    Act("files", ["status"]),
    Act("files", ["commit", "-m", "{}"], edit, note="of one line"),
    Act("files", ["show"]),
    Act("files", ["push"], commit, note="of one line"),
    Act("files", ["status"], folder="clone"),
    Act("chunks", ["status"]),
    Act("chunks", ["commit", "-m", "{}"], edit, note="of one line"),
    Act("chunks", ["show"]),
    Act("chunks", ["push"], commit, note="of one line"),
    Act("chunks", ["status"], folder="clone"),
    Act("tensors", ["diff", "--tensors=deep", "v1", "v2"]),
    Act("versions", ["status"]),
    Act("versions", ["log", "-n", "20"]),
    Act("versions", ["fetch"], note="with nothing new"),
    Act("versions", ["du"]),
    Act("versions", ["fsck"]),
    Act("versions", ["gc"]),
    Act("versions", ["gc"], note="again"),
    Act("versions", ["fsck"], note="after gc"),
    Act("evaluations", ["log", "-n", "20", "--sort", "parameters.epochs"]),
    Act("evaluations", ["log", "-n", "20", "--sort", "eval.night.mAP50"], forget, note="first"),
    Act("evaluations", ["log", "-n", "20", "--sort", "eval.night.mAP50"], note="again"),
    Act("evaluations", ["log", "-n", "20", "--sort", "eval.night.mAP50-95"], note="another key"),
    Act("refs", ["status"]),
    Act("refs", ["log", "-n", "20"]),
    Act("refs", ["tag", "{}"]),
    Act("refs", ["branch", "branch-{}"]),
    Act("pushes", ["status"]),
    Act("pushes", ["show"]),
    Act("pushes", ["switch", "-c", "{}"]),
    Act("pushes", ["push"], commit, note="of one line"),
)


def growth(report: Report, place: Path, rounds: int, *, quick: bool, against: str | None, acts: str) -> None:
    """Measure the acts whose line has the text `acts`; with `against`, also with the code of that commit."""
    codes = [Code(NOW, TOP), *([checked_out(against, place / "code")] if against else [])]
    chosen = [act for act in ACTS if acts in f"{act.kind}: {act.name}"]
    for kind, of_kind in groupby(chosen, key=lambda act: act.kind):
        count = SIZES[kind] // (10 if quick else 1)
        report.title(f"{count:,} {kind}")
        for code in codes:
            code.make(place / kind / code.name, kind, count)
        for act in of_kind:
            _measure(report, act, codes, place / kind, rounds)
        for code in codes:
            store = place / kind / code.name / "work" / ".mvc"
            report.say(f"  {code.name}: {sum(path.is_file() for path in store.rglob('*')):,} files in .mvc")
        remove(place / kind)


def _measure(report: Report, act: Act, codes: Iterable[Code], place: Path, rounds: int) -> None:
    """Let each code do an act in turns, and print the seconds of each and their ratio."""
    runs = {code.name: partial(act.run, code, place / code.name, [0]) for code in codes}
    results = interleaved(runs, rounds)
    report.act(act.name)
    for name, times in results.items():
        report.line(f"  {name}", times, f"processor {1000 * median(times.processor):5.0f} ms{_memory(times)}")
    now, *before = results.values()
    for times in before:
        report.ratio("  ratio", now.median / times.median, median(now.processor) / median(times.processor))


def _memory(times: Times) -> str:
    """Return the memory, where it is more than that of the benchmark itself, from which it is counted."""
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * MAXRSS
    return f", {times.memory >> 20} MB" if times.memory > own else ""


def checked_out(commit: str, folder: Path) -> Code:
    """Return the code of a commit, whose package is unpacked below `folder`. Raises CalledProcessError."""
    folder.mkdir(parents=True)
    with (
        subprocess.Popen(["git", "archive", commit, "mvc"], cwd=TOP, stdout=subprocess.PIPE) as archive,
        tarfile.open(fileobj=archive.stdout, mode="r|") as tar,
    ):
        tar.extractall(folder, filter="data")
    if archive.returncode:
        raise subprocess.CalledProcessError(archive.returncode, archive.args)
    return Code(commit, folder)
