"""Coverage-guided fuzzing of the readers of foreign bytes, by atheris in an environment of its own.

    python -m tests.fuzz seeds                             real files of each target, to begin with
    python -m tests.fuzz list                              the targets, and the sizes of their corpora
    python -m tests.fuzz run scan-pickle --seconds 600     one target, or several; all without a name
    python -m tests.fuzz show                              the faults, each with its traceback
    python -m tests.fuzz keep                              the inputs that reach most become the corpora of tests/fuzz

A run goes on where the last one of its target ended: what it found is in build/fuzz/TARGET.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import subprocess
import sys
import sysconfig
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.fuzz import reduce, seeds
from tests.fuzz.table import MODULES, TARGETS
from tests.integrations.main import tools

HERE = Path(__file__).resolve().parent
TOP = HERE.parents[1]
BUILD = TOP / "build" / "fuzz"
_RUNS = re.compile(r"stat::number_of_executed_units: (\d+)")
_COVERED = re.compile(r" cov: (\d+)")


def environment() -> Path:
    """Return the Python of the environment with atheris, which is made unless it is there."""
    folder = tools().with_name("fuzz")
    python, stamp = folder / "bin" / "python", folder / "installed"
    wanted = (HERE / "requirements.txt").read_text(encoding="utf-8")
    if not stamp.is_file() or stamp.read_text(encoding="utf-8") != wanted:
        subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
        subprocess.run([python, "-m", "pip", "install", "-qq", "-r", HERE / "requirements.txt"], check=True)
        stamp.write_text(wanted, encoding="utf-8")
    return python


def run(names: list[str], seconds: int, at_once: int) -> int:
    """Fuzz each target for so long, and print a line of each; return 1 if any has a fault."""
    python = environment()
    environ = os.environ | {"PYTHONPATH": f"{sysconfig.get_path('purelib')}{os.pathsep}{TOP}"}
    BUILD.mkdir(parents=True, exist_ok=True)

    def fuzz(module: str) -> bool:
        """Fuzz the targets of a module."""
        own = [name for name in names if MODULES[name] == module]
        command = [python, "-m", "tests.fuzz.engine", str(seconds), BUILD, module, *own]
        is_sound = True
        with (
            open(BUILD / f"{module}.log", "wb") as log,
            subprocess.Popen([*map(str, command)], cwd=TOP, env=environ, stdout=subprocess.PIPE, stderr=log) as engine,
        ):
            assert engine.stdout is not None
            for line in engine.stdout:
                if line.startswith(b"ENDED "):
                    is_sound = _report(*line.decode().split()[1:]) and is_sound
        return is_sound and engine.returncode == 0

    with ThreadPoolExecutor(at_once) as pool:
        return int(not all([*pool.map(fuzz, dict.fromkeys(MODULES[name] for name in names))]))


def _report(name: str, code: str, wall: str, busy: str) -> bool:
    """Print what became of a target; return False if it has a fault."""
    said = (BUILD / name / "log").read_text(encoding="utf-8", errors="replace")
    runs, covered, found = _RUNS.findall(said), _COVERED.findall(said), _faults(name)
    ended = "" if code == "0" else f", ended with {code}: {BUILD / name / 'log'}"
    print(
        f"{name}: {runs[-1] if runs else '?'} inputs in {wall} s ({busy} s of a core),"
        f" coverage {covered[-1] if covered else '?'}, {len(found)} faults{ended}",
        flush=True,
    )
    return not found and code == "0"


def show(names: list[str]) -> None:
    """Print each fault that runs found, and where its input is."""
    for name in names:
        for path in _faults(name):
            print(f"# {name}: {path.with_suffix('')}\n{path.read_text(encoding='utf-8', errors='replace')}\n")


def put(folder: Path, data: bytes) -> None:
    """Write an input under its digest, as libFuzzer names it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / hashlib.sha1(data, usedforsecurity=False).hexdigest()).write_bytes(data)


def _faults(name: str) -> list[Path]:
    return sorted((BUILD / name / "faults").glob("*.txt"))


def main(arguments: list[str]) -> int:
    """Do one of the five."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("act", choices=("list", "seeds", "run", "show", "keep"))
    parser.add_argument("targets", nargs="*", metavar="TARGET")
    parser.add_argument("--seconds", type=int, default=600, help="how long each target is fuzzed")
    parser.add_argument("--at-once", type=int, default=2, help="how many targets are fuzzed at the same time")
    given = parser.parse_args(arguments)
    names = given.targets or [*TARGETS]
    unknown = sorted({*names} - {*TARGETS})
    if unknown:
        parser.error(f"unknown targets: {', '.join(unknown)}; python -m tests.fuzz list names them")
    if given.act == "run":
        return run(names, given.seconds, given.at_once)
    if given.act == "show":
        show(names)
    if given.act == "seeds":
        for name, files in seeds.written().items():
            for data in files if name in names else ():
                put(BUILD / name / "corpus", data)
    for name in names if given.act == "keep" else ():
        kept = reduce.keep(TARGETS[name], BUILD / name)
        print(f"{name}: {len(kept)} inputs, {sum(map(len, kept)):,} bytes")
    for name in names if given.act == "list" else ():
        sizes = [path.stat().st_size for path in TARGETS[name].files()]
        print(f"{name}: {len(sizes)} files, {sum(sizes):,} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
