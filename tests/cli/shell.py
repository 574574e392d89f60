"""A repository to run `mvc` in, as a person would, but in this process."""

from __future__ import annotations

import contextlib
import io
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mvc.cli.app.main import run
from mvc.model.version import Person, Timestamp
from mvc.porcelain.init import init
from mvc.repository.repository import Actor, Repository
from mvc.storage.records.config import user_file

ANA = Person("Ana", "ana@example.org")
START = 1_770_109_200  # 2026-02-03 09:00 UTC
MODEL = "helmets"


@dataclass(frozen=True)
class Said:
    """What a run gave: exit code, stdout, stderr."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class _Stdout(io.TextIOWrapper):
    """Text and bytes in one, as the real one is."""

    def __init__(self) -> None:
        super().__init__(io.BytesIO(), encoding="utf-8", newline="")

    def bytes(self) -> bytes:
        self.flush()
        assert isinstance(self.buffer, io.BytesIO)
        return self.buffer.getvalue()


@contextlib.contextmanager
def _inside(folder: Path) -> Iterator[None]:
    before = os.getcwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


class Shell:
    """Runs `mvc` in a folder; the clock stands still between `tick`s."""

    def __init__(self, folder: Path, monkeypatch: Any) -> None:
        self.folder = folder
        self._patch = monkeypatch
        self._seconds = START
        self._patch.setenv("MVC_AUTHOR_NAME", ANA.name)
        self._patch.setenv("MVC_AUTHOR_EMAIL", ANA.email)
        self.tick(0)

    def tick(self, seconds: int = 86_400) -> None:
        self._seconds += seconds
        self._patch.setenv("MVC_AUTHOR_DATE", f"@{self._seconds} +0000")

    @property
    def elapsed(self) -> int:
        """The seconds of all ticks."""
        return self._seconds - START

    def raw(self, *arguments: str) -> tuple[int, bytes, str]:
        out, err = _Stdout(), io.StringIO()
        with _inside(self.folder), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = run(list(arguments))
        return code, out.bytes(), err.getvalue()

    def __call__(self, *arguments: str) -> Said:
        code, out, err = self.raw(*arguments)
        return Said(code, out.decode(), err)

    def ok(self, *arguments: str) -> Said:
        said = self(*arguments)
        assert said.code == 0, said
        return said

    def write(self, path: str, data: bytes) -> None:
        (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / path).write_bytes(data)

    def set(self, **values: object) -> None:
        """Set keys of model.toml: `parameters__epochs=3`."""
        self.ok("set", *(f"{key.replace('__', '.')}={value}" for key, value in values.items()))

    def commit(self, message: str, *more: str) -> str:
        """Commit a day later; the version's id."""
        self.tick()
        return self.ok("commit", "-q", "-m", message, *more).out.strip()

    @property
    def repository(self) -> Repository:
        return Repository(self.folder, user_config=user_file(os.environ))

    @property
    def actor(self) -> Actor:
        return Actor(ANA, Timestamp(self._seconds))


def begin(folder: Path, monkeypatch: Any) -> Shell:
    """A repository with the model `helmets` and no version."""
    init(folder, model=MODEL)
    return Shell(folder, monkeypatch)
