"""Repositories that an enemy altered, each with one verb run in it: nothing outside is touched, nothing is run, and no verb
hangs or ends without an answer."""

from __future__ import annotations

import contextlib
import gc
import io
import json
import os
import random
import re
import resource
import signal
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mvc.cli.app.main import run
from tests.crash import child
from tests.crash.harness import ENVIRONMENT, memory_folder
from tests.hostile.mutations import Enemy
from tests.hostile.worlds import PREPARATIONS, World

RUNS = 750
DEEP = 100_000
_BATCH = 125
"""Runs of one child: a fork costs more than most verbs."""
_SECONDS = 30
"""After which a verb hangs, on any machine."""
_MEMORY = 1 << 30
"""Bytes of memory that a verb may need beyond those of this process."""
_DOCUMENTED = {0, 1, 2, 10, 11, 12, 13, 14, 15, 16, 17, 128}
_BAD = re.compile(r"Traceback|internal error|not enough memory")
_RUN = (
    "subprocess.Popen",
    "os.system",
    "os.exec",
    "os.posix_spawn",
    "os.startfile",
    "socket.connect",
    "socket.getaddrinfo",
)
"""Audit events of programs and connections; a verb here needs none."""
VERBS = (
    ("status",), ("status", "--json"), ("log", "--all", "--stat"), ("show",), ("show", "main"), ("diff",), ("diff", "v1", "v2"), ("ls", "v1"),
    ("cat", "v1:model-latest", "-o", "copy"), ("cat", "main:model.toml"), ("export", "main", "out"), ("bom", "--read-data"), ("card", "-o", "copy"),
    ("commit", "-m", "x"), ("commit", "--allow-empty", "-m", "x"), ("commit", "--amend", "-m", "x"), ("switch", "v1"),
    ("switch", "--force", "v1"), ("switch", "--force", "main"), ("switch", "side"), ("switch", "--force", "other"), ("switch", "-c", "new"),
    ("restore", "."), ("restore", "--source", "v1", "."), ("reset", "v1"), ("reset", "--hard", "v1"), ("reset", "--hard", "other"),
    ("merge", "side"), ("merge", "other", "--theirs"), ("merge", "--continue"), ("merge", "--abort"), ("set", "parameters.a=1"),
    ("unset", "labelmap.1"), ("get", "model.name"), ("add", "extra/log.txt"), ("add", "."), ("rm", "log"), ("rm", "model-latest", "--force"),
    ("branch",), ("branch", "new"), ("branch", "-D", "side"), ("branch", "-m", "side", "new"), ("tag", "t"), ("tag", "-d", "kept"),
    ("alias", "set", "prod", "v1"), ("alias", "rollback", "prod"), ("alias", "rm", "prod"), ("reflog", "main"), ("models",),
    ("models", "rename", "helmets", "hats"), ("du",), ("check",), ("fsck",), ("fsck", "--repair"), ("gc", "--grace", "0"),
    ("gc", "--dry-run"), ("config", "user.name", "x"), ("config", "--list"), ("init",), ("init", "extra", "--model", "m"),
    ("remote",), ("remote", "rename", "origin", "new"), ("remote", "remove", "origin"), ("push",), ("push", "--all"), ("fetch",), ("pull",),
    ("fsck", "--remote", "origin"), ("gc", "--remote", "origin"), ("clone", ".mvc-origin", "out"), ("clone", ".", "out"), ("source",),
    ("log", "--all", "--graph"), ("log", "--json"), ("show", "other"), ("restore", "--source", "other", "."),
    ("export", "other", "out"), ("diff", "v1", "other"), ("pull", "--rebase"), ("tensors", "main:model-latest"),
)  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with memory_folder(tmp_path_factory.mktemp("hostile")) as folder:
        yield folder


def test_nothing_outside_is_touched(folder: Path, rng: random.Random, *, deep: bool) -> None:
    child.load()
    gc.freeze()  # so that no child copies the memory of what it has in common with us
    worlds = [_made(folder / str(number), number) for number in range(len(PREPARATIONS))]
    seed = rng.getrandbits(32)
    faults: list[str] = []
    for first in range(0, DEEP if deep else RUNS, _BATCH):
        faults += _batch(worlds[(first // _BATCH) % len(worlds)], seed, range(first, first + _BATCH))
        if len(faults) > 20 or any("was touched" in each for each in faults):
            break
    assert not faults, "\n\n".join(faults)


def _made(top: Path, number: int) -> World:
    return World(top, PREPARATIONS[number])


def _batch(world: World, seed: int, numbers: range) -> list[str]:
    """Run a range of attacks in children; what went wrong."""
    faults: list[str] = []
    left = numbers
    while left:
        reader, writer = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(reader)
            _child(world, seed, left, writer)
        os.close(writer)
        with os.fdopen(reader, encoding="utf-8") as told:
            lines = [json.loads(line) for line in told]
        _, status = os.waitpid(pid, 0)
        faults += [line["fault"] for line in lines if line["fault"]]
        done = 1 + max((line["number"] for line in lines), default=left[0])
        if status and (not lines or not lines[-1]["fault"]):
            faults.append(f"{seed}:{done}: the process ended with {status}")
            done += 1
        world.restore()
        left = range(done, numbers.stop)
    return faults


def _child(world: World, seed: int, numbers: range, told: int) -> None:
    """Run attacks one after the other, and write a line of each; never returns."""
    code = 1
    try:
        os.environ.update(ENVIRONMENT)
        os.environ["HOME"] = str(world.top / "home")
        null = os.open(os.devnull, os.O_RDONLY)
        os.dup2(null, 0)
        events: list[str] = []
        sys.addaudithook(lambda event, args: events.append(f"{event}{args!r}"[:300]) if event in _RUN else None)
        for number in numbers:
            events.clear()
            resource.setrlimit(resource.RLIMIT_AS, (_size() + _MEMORY, resource.RLIM_INFINITY))
            attack = Attack(world, seed, number)
            signal.signal(signal.SIGALRM, lambda *_, at=attack: _hangs(at, told))
            signal.alarm(_SECONDS)
            fault = attack.run(events)
            signal.alarm(0)
            _tell(told, number, fault)
        code = 0
    except BaseException:  # noqa: BLE001 - a child of a test must never return into the test
        traceback.print_exc()
    finally:
        os._exit(code)


def _size() -> int:
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * resource.getpagesize()


def _tell(told: int, number: int, fault: str) -> None:
    os.write(told, (json.dumps({"number": number, "fault": fault}) + "\n").encode())


def _hangs(attack: Attack, told: int) -> None:
    _tell(told, attack.number, attack.named(f"it hangs:\n{''.join(traceback.format_stack()[-14:])}"))
    os._exit(1)


class Attack:
    """One altered repository, and a verb."""

    def __init__(self, world: World, seed: int, number: int) -> None:
        self.world = world
        self.number = number
        self._seed = seed
        self._rng = random.Random(f"{seed}:{number}")
        self._enemy = Enemy(world, self._rng)
        self._verb = self._rng.choice(VERBS)

    def named(self, fault: str) -> str:
        return f"{self._seed}:{self.number} {self._enemy.did}\n  mvc {' '.join(self._verb)}\n  {fault}"

    def run(self, events: list[str]) -> str:
        """What went wrong, "" for nothing; the repository is as before then."""
        try:
            self._enemy.alter()
            os.chdir(self.world.root)
            code, said = _run(self._verb)
            touched = self.world.touched()
            faults: list[Any] = [f"{path} was touched" for path in sorted(touched)] + events
            if code not in _DOCUMENTED:
                faults.append(f"it ended with {code}")
            if _BAD.search(said):
                faults.append(said[-3_000:])
            return self.named("\n  ".join(faults)) if faults else ""
        finally:
            self.world.restore()


def _run(verb: tuple[str, ...]) -> tuple[int, str]:
    out = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", newline="")
    err = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        os.environ["MVC_TRACE"] = "0"
        code = run(["--lock-timeout", "1", *verb])
    buffer = out.buffer
    assert isinstance(buffer, io.BytesIO)
    return code, buffer.getvalue().decode("utf-8", "replace")[:100_000] + err.getvalue()
