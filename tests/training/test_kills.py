"""A training that is killed before any step of mvc, or in which that step fails: the store is sound, and nothing is lost."""

from __future__ import annotations

import errno
import os
import random
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import mvc
from mvc.storage.disk import primitives
from tests.training.conftest import WEIGHTS, Reports

GIVEN = "given"
"""A file that the training writes once its best weights are given."""
FAILURES = (errno.ENOSPC, errno.EROFS, errno.EIO)


def _train(weights: Path, report: Callable[[str], object], every: str = "end") -> mvc.Run:
    """A training as a user writes it; all that mvc does on the disk happens here."""
    with mvc.run("helmets", name="x", report=report, output="out", every=every) as run:  # type: ignore[arg-type]
        run.log(epoch=1, mAP50=0.71)
        run.log(epoch=2, mAP50=0.6, loss=0.1)
        run.best(weights, mAP50=0.71)
        Path(GIVEN).touch()
    return run


def _at(number: int, act: Callable[[str, str], None]) -> Callable[[str, str], None]:
    count = 0

    def step(name: str, path: str) -> None:
        nonlocal count
        count += 1
        if count == number:
            act(name, path)

    return step


def _fork(act: Callable[[], None]) -> int:
    """Run `act` in a child; return its exit status: negative for a signal."""
    child = os.fork()
    if child == 0:
        try:
            act()
        except BaseException:  # noqa: BLE001 - a child of pytest must not return to it
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _is_recorded(model: mvc.Model) -> bool:
    return model["main"].metrics == {"mAP50": 0.71}


def _branch(model: mvc.Model) -> str:
    """The branch of the run's result: one that was killed before its end is on its own."""
    return "main" if _is_recorded(model) else "run/x"


def _hold(model: mvc.Model) -> None:
    """The version is there, with all that it needs."""
    version = model[_branch(model)]
    assert version.files["model-latest"].read() == WEIGHTS[::-1]
    assert version.files["training-log"].read().startswith(b"epoch,step,mAP50,loss\n1,,0.71,\n2,,0.6,0.1\n")
    assert not mvc.open(model.folder).fsck(read_data=True).findings


@pytest.mark.parametrize("every", ["end", "best"])
def test_what_a_killed_training_did_not_record_can_be_recorded(
    model: mvc.Model, weights: Path, tmp_path: Path, rng: random.Random, deep: bool, every: str
) -> None:
    resumed = 0
    for number in _numbers(rng, 1 if deep else 4 if every == "end" else 8):
        folder = tmp_path / str(number)
        _copy(model.folder, folder)

        def train(folder: Path = folder, number: int = number) -> None:
            os.chdir(folder)
            primitives.on_step = _at(number, lambda _, __: os.kill(os.getpid(), signal.SIGKILL))
            _train(weights, lambda _: None, every)

        status = _fork(train)
        own = mvc.open(folder).model("helmets")
        assert not mvc.open(folder).fsck().findings
        if (folder / GIVEN).exists() and not _is_recorded(own):
            own.resume(folder / "out" / "mvc-record.json")
            resumed += 1
        if (folder / GIVEN).exists():
            _hold(own)
            _resume_again(own, folder / "out" / "mvc-record.json")
        if status == 0:
            break
    assert resumed > (5 if deep else 1)


def _numbers(rng: random.Random, most: int) -> Iterator[int]:
    """The steps at which something happens: every `most`th on average, without end."""
    number = 0
    while True:
        number += rng.randint(1, 2 * most - 1)
        yield number


def _copy(source: Path, target: Path) -> None:
    """Copy a repository with hard links: its files are replaced, never written to."""
    for folder, _, names in os.walk(source):
        place = target / Path(folder).relative_to(source)
        place.mkdir()
        for name in names:
            os.link(Path(folder, name), place / name)


def _resume_again(model: mvc.Model, request: Path) -> None:
    """A request that is left behind adds nothing."""
    branch = _branch(model)
    count = len(list(model.log(branch)))
    if request.exists():
        model.resume(request)
    assert len(list(model.log(branch))) == count


def test_a_training_goes_on_whatever_step_fails(
    model: mvc.Model, weights: Path, tmp_path: Path, rng: random.Random, deep: bool
) -> None:
    """And what it says is true: the version is recorded, or the command that is named records it."""
    failed = 0
    for number in _numbers(rng, 1 if deep else 4):
        folder = tmp_path / str(number)
        _copy(model.folder, folder)
        said, fired = folder / "said", folder / "fired"

        def train(folder: Path = folder, number: int = number, said: Path = said, fired: Path = fired) -> None:
            os.chdir(folder)
            code = FAILURES[number % len(FAILURES)]

            def fail(_: str, path: str) -> None:
                fired.touch()
                raise OSError(code, os.strerror(code), path)

            primitives.on_step = _at(number, fail)
            reports = Reports()
            _train(weights, reports)
            primitives.on_step = None
            said.write_text("\n".join(reports.texts))
            if not reports.texts or "recorded helmets v2" in reports.texts[-1]:
                os._exit(0)
            os._exit(7)

        status = _fork(train)
        assert status in (0, 7)
        own = mvc.open(folder).model("helmets")
        text = said.read_text()
        if not _is_recorded(own):
            failed += 1
            request = text.rpartition("--resume ")[2].split("\n")[0]
            own.resume(request)
        version = own["main"]
        assert version.files["model-latest"].read() == WEIGHTS[::-1]
        assert not mvc.open(folder).fsck().findings
        if not fired.exists():
            break
    assert failed > (5 if deep else 1)


def test_the_reports_of_failures_name_the_command(model: mvc.Model, weights: Path, reports: Reports) -> None:
    folder = model.folder
    with mvc.run("helmets", report=reports, output="out") as run:
        run.best(weights, mAP50=0.71)
        (folder / ".mvc").rename(folder / "away")
    assert run.recorded is None
    assert reports.texts[-1].startswith("the run is not recorded: ")
    command = reports.texts[-1].partition("Record it later: ")[2]
    assert command == f"mvc --repo {folder} record --resume {folder}/out/mvc-record.json"
    (folder / "away").rename(folder / ".mvc")
    mvc.open(folder).model().resume("out/mvc-record.json")
    assert model["main"].metrics == {"mAP50": 0.71}
