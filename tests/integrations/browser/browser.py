"""Debian's Chromium, driven by Playwright's core in Node: `Browser.visit` opens a page and returns what happened there."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.integrations import main

HERE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Visit:
    """What a page did: errors of its console, addresses it asked for, findings of axe that are serious, values of the steps.

    `wide` are the pixels by which it is wider than the window, `seconds` the processor time of its thread: when it was
    drawn first, then after each step.
    """

    errors: list[str]
    requests: list[str]
    violations: list[str]
    values: list[Any]
    wide: int
    seconds: list[float]


class Browser:
    """A browser that is running."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        """Use the driver's process."""
        self._process = process

    def visit(self, url: str, **options: Any) -> Visit:
        """Open `url`; the options are those of driver.js."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"url": url, **options}) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        assert "failed" not in answer, answer["failed"]
        return Visit(**answer)


@contextmanager
def browser() -> Iterator[Browser]:
    """Run a browser."""
    program = shutil.which("chromium")
    assert program is not None, "chromium is not installed: apt-get install chromium"
    driver = ["node", str(HERE / "driver.js"), program]
    environ = os.environ | {"NODE_PATH": str(packages())}
    with subprocess.Popen(driver, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environ, text=True) as process:
        yield Browser(process)
        assert process.stdin is not None
        process.stdin.close()


def packages() -> Path:
    """Return the folder of Node's packages, which are installed unless they are there."""
    folder, wanted = main.tools() / "browser-node", (HERE / "package.json").read_bytes()
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        stamp = folder / "package.json"
        if not stamp.is_file() or stamp.read_bytes() != wanted:
            (folder / "wanted").mkdir(exist_ok=True)
            (folder / "wanted" / "package.json").write_bytes(wanted)
            npm = ["npm", "install", "--loglevel=error", "--no-audit", "--no-fund", "--ignore-scripts"]
            subprocess.run([*npm, "--prefix", str(folder / "wanted")], stdout=subprocess.DEVNULL, check=True)
            stamp.write_bytes(wanted)
    return folder / "wanted" / "node_modules"
