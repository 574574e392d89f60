"""Faults around a training: how each is made and mended, and what must hold for `mvc.run` and for `mvc run`."""

from __future__ import annotations

import errno
import os
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import mvc
from mvc.api.model import Model
from mvc.storage.disk import lock
from mvc.training.engine import values

LOOP, COMMAND = "mvc.run", "mvc run"
BOTH = (LOOP, COMMAND)
RECORDED, LATER, NONE = "recorded", "later", "none"
"""The run is recorded; it is recorded by the command that the message names; there is nothing to record."""
WEIGHTS = bytes(range(256)) * 40
ODD = {"a.b/c (d) é 💥": 0.1, "metrics/mAP50-95(B)": 0.5, "with 'quotes\"": 1}

Hook = Callable[[str, str], None]


@dataclass
class Place:
    """The folder of the repository, where the training runs; `held` is what a fault holds until it is mended."""

    root: Path
    environ: dict[str, str]
    hook: Hook | None = None
    patches: list[tuple[Any, str, Any]] = field(default_factory=list)
    held: list[Any] = field(default_factory=list)

    @property
    def store(self) -> Path:
        return self.root / ".mvc"

    def model(self) -> mvc.Model:
        return mvc.open(self.root).model("helmets")


@dataclass(frozen=True)
class Fault:
    """A fault is made `before` the training or in its `middle` or `end`, by Python code, and is `mended` after it.

    The training has these `metrics`, `parameters` and `labels`, and ends with `code`, whatever mvc meets. `says` is part
    of what mvc reports.
    """

    name: str
    outcome: str = RECORDED
    before: Callable[[Place], None] | None = None
    middle: str = ""
    end: str = ""
    mended: Callable[[Place], None] | None = None
    on: tuple[str, ...] = BOTH
    metrics: str = "{'mAP50': 0.71}"
    parameters: str = "{'lr': 0.1}"
    labels: str = ""
    options: Mapping[str, str] = field(default_factory=dict)
    write: str = "out.mkdir(exist_ok=True); best.write_bytes(WEIGHTS)"
    code: int = 0
    own_trace: bool = False
    weights: bytes = WEIGHTS
    branch: str = "main"
    says: str = ""
    says_itself: str = "trained\n"
    """What a training prints that succeeds."""
    left_out: tuple[str, ...] = ()
    times: int = 1
    """How many trainings there are, one after the other."""


# --- how they are made


def failing(code: int, part: str) -> Callable[[Place], None]:
    """Every step of mvc on a path with `part` fails, as on a disk that is full, read-only or broken."""

    def make(place: Place) -> None:
        def step(name: str, path: str) -> None:
            if part in str(path) or (name == "write" and not part):
                raise OSError(code, os.strerror(code), str(path))

        place.hook = step

    return make


def patched(owner: Any, name: str, value: Any) -> Callable[[Place], None]:
    return lambda place: place.patches.append((owner, name, value))


def raising(error: BaseException) -> Callable[..., Any]:
    def fail(*_: object, **__: object) -> Any:
        raise error

    return fail


def detached(place: Place) -> None:
    place.model().switch("v1", detach=True)


def merging(place: Place) -> None:
    model = place.model()
    for branch, rate in (("side", 1), ("main", 2)):
        model.switch("v1", create="side") if branch == "side" else model.switch("main")
        model.update(parameters={"lr": rate})
        model.commit(branch)
    assert model.merge("side").conflicts


def gate(place: Place) -> None:
    """An alias may only move to versions with a file that none has."""
    model = place.model()
    model.update(intent={"ready_for": ["deployment"], "require": [{"use": "deployment", "role": "card"}]})
    model.commit("Gate", force=True)


def written(name: str, data: bytes) -> Callable[[Place], None]:
    def make(place: Place) -> None:
        place.held.append((name, (place.root / name).read_bytes()))
        (place.root / name).write_bytes(data)

    return make


def restored(place: Place) -> None:
    for name, data in place.held:
        (place.root / name).write_bytes(data)


def replaced_store(place: Place) -> None:
    place.store.rename(place.root / "aside")
    place.store.write_bytes(b"no folder")


def store_back(place: Place) -> None:
    if place.store.is_file():
        place.store.unlink()
    shutil.rmtree(place.store, ignore_errors=True)
    (place.root / "aside").rename(place.store)


def root_back(place: Place) -> None:
    moved = place.root.with_name("moved")
    if place.root.is_dir():  # what was written there meanwhile
        shutil.copytree(place.root, moved, dirs_exist_ok=True)
    shutil.rmtree(place.root, ignore_errors=True)
    moved.rename(place.root)


def locked(place: Place) -> None:
    place.model().update(parameters={"lr": 0.1})
    mvc.open(place.root).config.set("core.lock-timeout", 0.1)
    fd = os.open(place.store / "lock", os.O_RDWR | os.O_CREAT)
    lock.take(fd, place.store / "lock", 0)
    place.held.append(fd)


def unlocked(place: Place) -> None:
    os.close(place.held.pop())


def stale_lock(place: Place) -> None:
    (place.store / "lock").write_text("process 1 on nowhere\n", encoding="ascii")


def without(*names: str) -> Callable[[Place], None]:
    def make(place: Place) -> None:
        for name in names:
            place.environ.pop(name, None)

    return make


def nobody(place: Place) -> None:
    without("MVC_AUTHOR_NAME", "MVC_AUTHOR_EMAIL")(place)
    place.environ["HOME"] = "/nonexistent"


def rewritten_while_read(place: Place) -> None:
    """The training goes on to write its weights while mvc reads them."""
    real = os.read, os.pread
    done: list[bool] = []

    def change(fd: int) -> None:
        if not done and os.readlink(f"/proc/self/fd/{fd}").endswith("best.pt"):
            done.append(True)
            with open(place.root / "out/best.pt", "ab") as file:
                file.write(b"more")

    def read(fd: int, size: int) -> bytes:
        data = real[0](fd, size)
        change(fd)
        return data

    def pread(fd: int, size: int, offset: int) -> bytes:
        data = real[1](fd, size, offset)
        change(fd)
        return data

    place.patches += [(os, "read", read), (os, "pread", pread)]


def damaged(place: Place) -> None:
    place.held.append([(path, path.read_bytes()) for path in (place.store / "objects").rglob("*") if path.is_file()])
    for path, data in place.held[-1]:
        path.chmod(0o644)
        path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))


def undamaged(place: Place) -> None:
    for path, data in place.held.pop():
        path.write_bytes(data)


def tagged(place: Place) -> None:
    place.model().tags.create("t", "v1")


def weights_back(place: Place) -> None:
    (place.root / "aside").rename(place.root / "out/best.pt")


def remote(place: Place) -> None:
    mvc.open(place.root).remotes.add("origin", "sftp://127.0.0.1:9/nowhere")


STORE = f"{os.sep}.mvc"
MOVED_BRANCH = (
    "import subprocess, sys; subprocess.run([PYTHON, '-m', 'mvc', '-q', 'record', '-m', 'other', '--file', "
    "'model-latest=best.onnx'], check=True, env=ENVIRON, stdout=subprocess.DEVNULL)"
)

FAULTS = (
    Fault("nothing"),
    # the store and the disk
    Fault("read-only store", LATER, failing(errno.EROFS, STORE), says="Read-only file system"),
    Fault("full store", LATER, failing(errno.ENOSPC, STORE), says="No space left"),
    Fault("broken disk of the store", LATER, failing(errno.EIO, STORE), says="Input/output error"),
    Fault("full disk", LATER, failing(errno.ENOSPC, ""), says="No space left"),
    Fault("full disk of the training log", RECORDED, failing(errno.ENOSPC, "training-log"), on=(LOOP,), says="training log"),
    Fault("store removed", LATER, None, "import shutil; shutil.move('.mvc', 'aside')", mended=store_back),
    Fault("store replaced by a file", LATER, replaced_store, mended=store_back),
    Fault("repository moved", LATER, None, "os.rename(TOP, TOP[:-7] + 'moved')", mended=root_back, write="out.mkdir(parents=True); best.write_bytes(WEIGHTS)"),
    Fault("damaged objects", LATER, damaged, mended=undamaged),
    Fault("broken settings", LATER, written(".mvc/config.toml", b"[core\n"), mended=restored),
    Fault("lock held", LATER, locked, mended=unlocked, says="held the repository lock"),
    Fault("lock of a dead process", RECORDED, stale_lock),
    # the state of the repository
    Fault("detached HEAD", RECORDED, detached, branch="run/x", says="run/x"),
    Fault("merge in progress", RECORDED, merging, branch="run/x", says="run/x"),
    Fault("broken model.toml", RECORDED, written("model.toml", b"[model\nname"), mended=restored),
    Fault("no model.toml", RECORDED, lambda place: (place.root / "model.toml").unlink()),
    Fault("branch moved by somebody else", RECORDED, None, MOVED_BRANCH),
    Fault("alias refused", RECORDED, gate, options={"alias": "prod"}, says="alias prod not set"),
    Fault("tag taken", RECORDED, tagged, options={"tag": "t"}, says="tag t not set"),
    Fault("remote unreachable", RECORDED, remote, options={"push": "origin"}, says="Push later: mvc"),
    Fault("unknown remote", RECORDED, options={"push": "nowhere"}, says="nowhere"),
    Fault("invalid branch", RECORDED, options={"branch": "a..b"}, branch="run/x", says="run/x"),
    Fault("two runs of one name", RECORDED, times=2),
    # values
    Fault("metric that is not a number", RECORDED, metrics="{'mAP50': 0.71, 'loss': float('nan')}", left_out=("loss",)),
    Fault("infinite metric", RECORDED, metrics="{'mAP50': 0.71, 'loss': float('-inf')}", left_out=("loss",)),
    Fault("odd names of metrics", RECORDED, metrics=repr(ODD)),
    Fault("metric without a name", RECORDED, metrics="{'mAP50': 0.71, '': 1}", left_out=("",)),
    Fault("long name of a metric", RECORDED, metrics="{'mAP50': 0.71, 'm' * 5000: 1}"),
    Fault("huge metric", RECORDED, metrics="{'mAP50': 0.71, 'steps': 10 ** 30}", left_out=("steps",)),
    Fault("metric that is a text", RECORDED, metrics="{'mAP50': 0.71, 'note': 'good'}", left_out=("note",)),
    Fault("gap in the labelmap", RECORDED, labels="{0: 'helmet', 7: 'head'}", on=(LOOP,)),
    Fault("huge class number", RECORDED, labels="{10 ** 30: 'helmet'}", on=(LOOP,)),
    Fault("classes of one name", RECORDED, labels="['head', 'head']", on=(LOOP,), says="labelmap"),
    Fault("parameters that are objects", RECORDED, parameters="{'lr': 0.1, 'net': object(), 'f': lambda: 1, 'me': run}", on=(LOOP,)),
    Fault("parameter that is a secret", RECORDED, parameters="{'lr': 0.1, 'token': 'ghp_' + 'a1B2' * 9}", says="parameters.token"),
    Fault("huge parameters", RECORDED, patched(values, "MAX_VALUES", 500),
          parameters="{'lr': 0.1, **{f'p{n}': 'x' * 1_000 for n in range(600)}}", says="at most 500 values"),
    # weights
    Fault("no weights", NONE, write="pass", weights=b""),
    Fault("weights removed", LATER, end="best.rename('aside')", mended=weights_back, on=(LOOP,), weights=b""),
    Fault("weights that are a link", RECORDED, write="out.mkdir(); (out / 'e3.pt').write_bytes(WEIGHTS); best.symlink_to('e3.pt')"),
    Fault("weights that are a folder", NONE, write="best.mkdir(parents=True)", weights=b""),
    Fault("weights that are a pipe", NONE, write="out.mkdir(); os.mkfifo(best)", weights=b""),
    Fault("empty weights", RECORDED, write="out.mkdir(); best.write_bytes(b'')", weights=b""),
    Fault("weights changed while read", LATER, rewritten_while_read, weights=WEIGHTS + b"more", says="changing"),
    # the process
    Fault("killed", LATER, end="os.kill(os.getpid(), 9)", code=-9),
    Fault("terminated", LATER, end="os.kill(os.getpid(), 15)", code=-15),
    Fault("interrupted", LATER, end="raise KeyboardInterrupt", code=-2, own_trace=True),
    Fault("training raises", LATER, end="raise ValueError('of the training')", code=1, own_trace=True),
    Fault("training exits at once", LATER, end="os._exit(7)", code=7),
    Fault("training exits", RECORDED, end="sys.exit(0)", says_itself=""),
    Fault("training fails", LATER, end="sys.exit(3)", code=3),
    Fault("forked workers", RECORDED, end="pid = os.fork()\n    if not pid: sys.exit(0)\n    os.waitpid(pid, 0)"),
    Fault("threads", RECORDED, end="ts = [threading.Thread(target=lambda: [log({'mAP50': 0.7}) if log is not print else 0 for _ in range(20)]) for _ in range(4)]; [t.start() for t in ts]; [t.join() for t in ts]"),
    Fault("clock of 1970", RECORDED, patched(time, "time", lambda: 1.0)),
    Fault("clock of 2200", RECORDED, patched(time, "time", lambda: 7.3e9)),
    Fault("HOME unset", RECORDED, without("HOME", "XDG_CONFIG_HOME", "MVC_CONFIG")),
    Fault("nobody known", RECORDED, nobody),
    Fault("current folder deleted", RECORDED, None, "os.mkdir('gone'); os.chdir('gone'); os.rmdir('../gone')", on=(LOOP,)),
    Fault("a fault of mvc itself", LATER, patched(Model, "record", raising(RuntimeError("a bug"))), says="a bug"),
    Fault("memory exhausted", LATER, patched(Model, "record", raising(MemoryError())), says="MemoryError"),
)  # fmt: skip
