"""A training goes on and ends as without mvc, whatever mvc meets; what was not recorded then is recorded afterwards."""

from __future__ import annotations

import atexit
import os
import re
import shlex
import shutil
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import mvc
from mvc.cli.app import main
from mvc.storage.disk import primitives
from tests.crash.harness import memory_folder
from tests.training import faults
from tests.training.faults import COMMAND, FAULTS, LATER, LOOP, NONE, RECORDED, WEIGHTS, Fault, Place

HEAD = """\
import json, os, pathlib, sys, threading
TOP, PYTHON, WEIGHTS, ENVIRON = {top!r}, {python!r}, bytes(range(256)) * 40, {environ!r}
out = pathlib.Path(TOP) / "out"
best = out / "best.pt"
"""
SCRIPTS = {
    LOOP: """
import mvc
with mvc.run("helmets", name="x", output=TOP + "/log"{options}) as run:
    log = run.log
    run.set(parameters={parameters})
    {labels}
    for epoch in range(3):
        run.log({metrics}, epoch=epoch)
    {middle}
    {write}
    run.best(best, {metrics})
    {end}
print("trained")
""",
    COMMAND: """
log = print
if True:
    {middle}
    {write}
    if best.parent.is_dir():
        (out / "metrics.json").write_text(json.dumps({metrics}))
        (out / "params.json").write_text(json.dumps({parameters}))
    {end}
print("trained")
""",
}
LATER_COMMAND = re.compile(
    r"(?:Record it|Record it later|Record it anyway|records it|with)[:`]* ?`?(mvc [^`\n]*record [^`\n]*)"
)


@dataclass(frozen=True)
class Ended:
    """How a training ended: its exit status, negative for a signal, and its streams."""

    code: int
    out: str
    err: str


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A model with one version, in memory."""
    with memory_folder(tmp_path_factory.mktemp("faults")) as top:
        root = top / "prepared"
        root.mkdir()
        (root / "best.onnx").write_bytes(WEIGHTS[::-1])
        model = mvc.init(root, model="helmets", type="OBJECT_DETECTION", framework="ONNX").model()
        model.add(root / "best.onnx", role="model-latest")
        model.update(labelmap=["helmet", "head"])
        model.commit("First", actor="Ana <ana@example.org>")
        yield root


@pytest.fixture
def place(prepared: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    root = prepared.with_name("helmets")
    for old in (root, root.with_name("moved")):
        shutil.rmtree(old, ignore_errors=True)
    shutil.copytree(prepared, root)
    named = {"MVC_AUTHOR_NAME": "Ana", "MVC_AUTHOR_EMAIL": "ana@example.org", "MVC_CONFIG": "/nonexistent/mvc.toml"}
    environ = {
        **os.environ,
        **named,
        "PYTHONPATH": str(Path(__file__).resolve().parents[2]),
        "TMPDIR": str(prepared.parent),
    }
    monkeypatch.chdir(root)
    yield Place(root, environ)
    for fd in prepared.parent.glob("mvc-x*"):
        shutil.rmtree(fd, ignore_errors=True)


def forked(place: Place, act: Callable[[], int]) -> Ended:
    """Run `act` in a child of this process, with the faults of `place`."""
    said = [place.root.with_name(name) for name in ("stdout", "stderr")]
    child = os.fork()
    if child == 0:
        try:
            for number, path in enumerate(said, 1):
                os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND), number)
            sys.stdout, sys.stderr = (os.fdopen(number, "w", buffering=1) for number in (1, 2))
            atexit._clear()
            os.environ.clear()
            os.environ.update(place.environ)
            primitives.on_step = place.hook
            for owner, name, value in place.patches:
                setattr(owner, name, value)
            code = act()
            sys.stdout.flush()
            os._exit(code)
        except BaseException:  # noqa: BLE001 - a child of pytest must not return to it
            traceback.print_exc()
        finally:
            os._exit(99)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return Ended(code, *(path.read_text(encoding="utf-8", errors="replace") for path in said))


def python(script: Path) -> int:
    """Run a script as Python does; return its exit code."""
    try:
        exec(compile(script.read_text(encoding="utf-8"), script, "exec"), {"__name__": "__main__"})
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 0
    except KeyboardInterrupt:
        traceback.print_exc()
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGINT)
    except BaseException:  # noqa: BLE001
        traceback.print_exc()
        return 1
    finally:
        atexit._run_exitfuncs()
    return 0


def train(place: Place, fault: Fault, way: str) -> Ended:
    """Run the training of a fault, with `mvc.run` in it or under `mvc run`."""
    options = "".join(f", {name}={value!r}" for name, value in fault.options.items())
    labels = f"run.labelmap({fault.labels})" if fault.labels else ""
    fields = {name: getattr(fault, name) or "pass" for name in ("metrics", "parameters", "middle", "write", "end")}
    head = HEAD.format(top=os.fspath(place.root), python=sys.executable, environ=place.environ)
    script = place.root.with_name("train.py")
    script.write_text(head + SCRIPTS[way].format(options=options, labels=labels or "pass", **fields), encoding="utf-8")
    if way == LOOP:
        return forked(place, lambda: python(script))
    given = [word for name, value in fault.options.items() for word in (f"--{name}", value)]
    return forked(
        place, lambda: main.run(["run", "--name", "x", *given, "--", sys.executable, "-I", "-S", str(script)])
    )


def recorded(place: Place, branch: str) -> mvc.Version | None:
    """The version of the run on a branch; None if there is none."""
    model = place.model()
    if branch not in model.branches:
        return None
    version = model[branch]
    return version if version.message.startswith("Run x") or "train.py" in version.message else None


@pytest.mark.parametrize(
    ("fault", "way"),
    [pytest.param(fault, way, id=f"{fault.name}-{way}") for fault in FAULTS for way in fault.on],
)
def test_a_training_ends_as_without_mvc(place: Place, fault: Fault, way: str) -> None:
    if fault.before is not None:
        fault.before(place)
    *_, done = [train(place, fault, way) for _ in range(fault.times)]
    assert done.code == fault.code, done
    assert done.out == (fault.says_itself if not fault.code else ""), done
    assert done.err.count("Traceback") == fault.own_trace, done
    assert fault.says in done.err, done
    _check_weights(place, fault)
    place.hook, place.patches = None, []
    if fault.mended is not None:
        fault.mended(place)
    if fault.outcome != RECORDED:
        version = recorded(place, fault.branch) if fault.outcome != LATER or fault.code == 0 else None
        assert version is None, done
    if fault.outcome == NONE:
        assert "mvc: " in done.err
        return
    if fault.outcome == LATER:
        _record_later(place, done)
    _check_version(place, fault, done)


def _check_weights(place: Place, fault: Fault) -> None:
    path = next(
        (
            root / "out/best.pt"
            for root in (place.root, place.root.with_name("moved"))
            if (root / "out/best.pt").is_file()
        ),
        None,
    )
    assert (path.read_bytes() if path is not None else b"") == fault.weights


def _record_later(place: Place, done: Ended) -> None:
    """Type what the message says."""
    found = LATER_COMMAND.findall(done.err)
    assert found or list(place.root.glob("log/mvc-record.json")), done
    words = (
        shlex.split(found[-1].rstrip("."))
        if found
        else ["mvc", "record", "--resume", os.fspath(place.root / "log/mvc-record.json")]
    )
    later = forked(place, lambda: main.run(words[1:]))
    if "--allow-changed" in done.err:
        assert later.code == 17
        later = forked(place, lambda: main.run([*words[1:], "--allow-changed", "model-latest"]))
    assert later.code == 0, (words, later, done)


def _check_version(place: Place, fault: Fault, done: Ended) -> None:
    version = recorded(place, fault.branch) or recorded(place, "run/x")
    if version is None:  # recorded by a command with a message of its own
        model = place.model()
        version = model["run/x" if "run/x" in model.branches else "main"]
    assert version.files["model-latest"].read() == (fault.weights or (place.root / "out/best.pt").read_bytes()), done
    for name in fault.left_out:
        assert name not in version.metrics
        assert not name or name in done.err
    metrics = eval(fault.metrics, {})
    assert {name: value for name, value in version.metrics.items() if metrics.get(name) == value}, done
    assert "object at" not in str(version.parameters)
    assert "ghp_" not in str(version.parameters)


def test_there_are_forty_faults() -> None:
    assert len(FAULTS) >= 40
    assert len({fault.name for fault in FAULTS}) == len(FAULTS)
    assert faults.BOTH == (LOOP, COMMAND)
