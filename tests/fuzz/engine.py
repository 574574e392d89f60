"""Targets under atheris, in the environment that __main__ makes: python -m tests.fuzz.engine SECONDS FOLDER MODULE TARGET…

libFuzzer mutates the inputs that reached code which no other did, and keeps those that reach more in FOLDER/TARGET/corpus.
A fault does not end a run: its first input is kept in FOLDER/TARGET/faults, beside its traceback. mvc is imported and
instrumented once for all targets of a module, which takes longer than many inputs; each target is fuzzed in a child.
"""

from __future__ import annotations

import hashlib
import importlib
import os
import random
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import atheris

if TYPE_CHECKING:
    from tests.fuzz.target import Target

TOO_LONG = 16 * 1024
"""Bytes of an input, at most; larger ones reach little that small ones do not."""
_STRUCTURED = 0.25


def main(seconds: int, top: Path, module: str, names: list[str]) -> None:
    """Fuzz each of the targets `names` of a module for so long, one after the other."""
    with atheris.instrument_imports(include=["mvc"]):
        targets = {target.name: target for target in importlib.import_module(module).TARGETS}
        for name in names:
            for data in _seeds(targets[name]):
                targets[name].fault(data)  # so that modules that load late are instrumented now, for all
        for name in names:
            child = os.fork()
            if not child:
                _fuzz(targets[name], seconds, top / name)
            began = time.monotonic()
            _, status, used = os.wait4(child, 0)
            wall, busy = time.monotonic() - began, used.ru_utime + used.ru_stime
            code = os.waitstatus_to_exitcode(status)
            print(f"ENDED {name} {code} {wall:.0f} {busy:.0f}", flush=True)


def _seeds(target: Target) -> list[bytes]:
    found = [path.read_bytes() for path in target.files()]
    return [data for data in found if len(data) <= TOO_LONG]


def _fuzz(target: Target, seconds: int, folder: Path) -> NoReturn:
    from tests.fuzz.mutate import structured  # noqa: PLC0415 - mvc has to be imported in the block of main
    from tests.fuzz.target import limited_memory  # noqa: PLC0415

    corpus, faults, seeds = folder / "corpus", folder / "faults", folder / "seeds"
    for each in (corpus, faults, seeds):
        each.mkdir(parents=True, exist_ok=True)
    for data in _seeds(target):
        (seeds / hashlib.sha256(data).hexdigest()[:16]).write_bytes(data)
    log = os.open(folder / "log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    os.dup2(log, 1)
    os.dup2(log, 2)
    known: set[str] = set()

    def once(data: bytes) -> None:
        fault = target.fault(data)
        if fault is not None and fault.name not in known:
            known.add(fault.name)
            at = faults / hashlib.sha256(fault.name.encode()).hexdigest()[:12]
            at.write_bytes(data)
            at.with_suffix(".txt").write_text(f"{fault.name}\n\n{fault.text}", encoding="utf-8")

    def mutate(data: bytes, size: int, seed: int) -> bytes:
        """Change a value of the JSON in an input, one time in four; leave the rest to libFuzzer."""
        rng = random.Random(seed)
        made = structured(rng, data) if rng.random() < _STRUCTURED else None
        return made if made is not None and len(made) <= size else atheris.Mutate(data, size)

    options = [f"-max_total_time={seconds}", f"-max_len={TOO_LONG}", "-timeout=60", "-rss_limit_mb=3072"]
    options += [f"-artifact_prefix={faults}/", "-print_final_stats=1"]
    atheris.Setup([sys.argv[0], *options, str(corpus), str(seeds)], once, custom_mutator=mutate)
    with limited_memory():
        atheris.Fuzz()
    os._exit(0)


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], sys.argv[4:])
