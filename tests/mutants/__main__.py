"""Mutation testing: change one line of mvc at a time, and see whether a test of that line fails.

    python -m tests.mutants map                      which tests run which lines, in twice the time of `make test`
    python -m tests.mutants run --count 500 --seed 1
    python -m tests.mutants show                     the survivors, each as a diff

A mutant is killed when a test fails or does not end, and survives when the tests that run its line pass, or when none does.
Results are added to build/mutants/results.jsonl; a run goes on where one of the same seed ended.
"""

from __future__ import annotations

import argparse
import difflib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from tests.integrations.main import tools
from tests.mutants.map import BUILD, TOP, Tests, make_map

HERE = Path(__file__).resolve().parent
RESULTS = BUILD / "results.jsonl"
PATHS = ("mvc/storage", "mvc/repository", "mvc/remotes")
WORKERS = 2
FIRST = 4
"""Tests that are run at first: most mutants are killed by these, and the others need not be collected."""
SECONDS = 300
"""What the tests of one mutant may take before they count as endless."""
SURVIVED, KILLED, UNTESTED = "survived", "killed", "untested"

_Mutant = dict[str, Any]


def drawn(seed: int, count: int, paths: list[str]) -> Iterator[_Mutant]:
    """Return the mutants of a seed, as draw.py prints them."""
    files = sorted(str(each.relative_to(TOP)) for path in paths for each in (TOP / path).rglob("*.py"))
    command = [_environment(), HERE / "draw.py", str(seed), str(count), *files]
    done = subprocess.run([*map(str, command)], cwd=TOP, check=True, stdout=subprocess.PIPE, text=True)
    yield from map(json.loads, done.stdout.splitlines())


def _environment() -> Path:
    folder = tools().with_name("mutants")
    python = folder / "bin" / "python"
    if not python.is_file():
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        subprocess.run([python, "-m", "pip", "install", "-qq", "-r", HERE / "requirements.txt"], check=True)
    return python


class Copies:
    """Copies of the clone, in which one mutant at a time is tested."""

    def __init__(self, count: int) -> None:
        """Clone, so that tests that start an mvc of an earlier commit run too, and copy what is tracked as it is."""
        self._free: SimpleQueue[Path] = SimpleQueue()
        files = subprocess.run(["git", "ls-files", "-z"], cwd=TOP, check=True, stdout=subprocess.PIPE).stdout
        for number in range(count):
            copy = BUILD / f"copy-{number}"
            shutil.rmtree(copy, ignore_errors=True)
            subprocess.run(["git", "clone", "-q", "--shared", TOP, copy], check=True)
            for name in filter(None, files.decode().split("\0")):
                (copy / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(TOP / name, copy / name, follow_symlinks=False)
            (copy / ".venv").symlink_to(TOP / ".venv")
            self._free.put(copy)

    def test(self, mutant: _Mutant, tests: list[str]) -> tuple[str, str]:
        """Return the outcome, and the last line that pytest printed."""
        copy = self._free.get()
        path, at = copy / mutant["path"], time.time()
        source, stat = path.read_bytes(), path.stat()
        try:
            path.write_text(mutant["text"], encoding="utf-8")
            os.utime(path, (at, at))  # another second than any other, so that no older compiled module is taken
            outcome = _tested(copy, tests[:FIRST])
            return _tested(copy, tests[FIRST:]) if outcome[0] == SURVIVED and tests[FIRST:] else outcome
        finally:
            path.write_bytes(source)
            os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
            self._free.put(copy)


def _tested(copy: Path, tests: list[str]) -> tuple[str, str]:
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "--timeout=60", *tests]
    environ = os.environ | {"PYTHONPATH": str(copy)}
    environ.pop("PYTHONDONTWRITEBYTECODE", None)
    try:
        done = subprocess.run(
            command,
            cwd=copy,
            env=environ,
            timeout=SECONDS,
            check=False,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
    except subprocess.TimeoutExpired:
        return KILLED, f"no end in {SECONDS} s"
    last = (done.stdout.decode(errors="replace").strip().splitlines() or [""])[-1]
    return (SURVIVED if done.returncode == 0 else KILLED), last


def run(seed: int, count: int, paths: list[str]) -> None:
    """Test the mutants of a seed that have no result yet, and print what share was killed."""
    tests, known = Tests(), {_key(result) for result in results() if result["seed"] == seed}
    mutants = [each for each in drawn(seed, count, paths) if _key(each) not in known]
    copies = Copies(WORKERS)

    def judge(mutant: _Mutant) -> None:
        own = tests.of(mutant["path"], mutant["line"])
        outcome, said = copies.test(mutant, own) if own else (UNTESTED, "")
        result = mutant | {"seed": seed, "outcome": outcome, "said": said, "tests": len(own)}
        with open(RESULTS, "a", encoding="utf-8") as file:
            file.write(json.dumps(result) + "\n")
        print(f"{outcome:9} {mutant['path']}:{mutant['line']} {mutant['operator']}  {said}", flush=True)

    with ThreadPoolExecutor(WORKERS) as pool:
        list(pool.map(judge, mutants))
    told = [result for result in results() if result["seed"] == seed]
    killed = sum(result["outcome"] == KILLED for result in told)
    print(f"seed {seed}: {killed} of {len(told)} mutants killed, {killed / max(len(told), 1):.1%}")


def results() -> list[_Mutant]:
    """Return the results of all runs."""
    text = RESULTS.read_text(encoding="utf-8") if RESULTS.is_file() else ""
    return [json.loads(line) for line in text.splitlines()]


def _key(mutant: _Mutant) -> tuple[str, int, str, int]:
    return mutant["path"], mutant["line"], mutant["operator"], mutant["occurrence"]


def show() -> None:
    """Print what survived, and what no test runs."""
    for result in results():
        if result["outcome"] == KILLED:
            continue
        path = result["path"]
        print(f"# {result['outcome']}, {result['tests']} tests")
        old = (TOP / path).read_text(encoding="utf-8").splitlines()
        print("\n".join(difflib.unified_diff(old, result["text"].splitlines(), path, path, n=2, lineterm="")))


def main(arguments: list[str]) -> None:
    """Do one of the three."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("act", choices=("map", "run", "show"))
    parser.add_argument("--count", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--path", action="append", help=f"a folder of mvc; {', '.join(PATHS)} unless given")
    given, options = parser.parse_known_args(arguments)
    if given.act == "map":
        make_map(options)
    elif given.act == "run":
        run(given.seed, given.count, given.path or [*PATHS])
    else:
        show()


if __name__ == "__main__":
    main(sys.argv[1:])
