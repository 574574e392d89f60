"""Commands as they are typed: the real command line, printed and run, in the folder of the tour."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
PROGRAM = "TOUR_PROGRAM"
"""The variable that names another program to run as `mvc`; tests have one that starts faster."""
MVC = os.environ.get(PROGRAM) or str(Path(sys.executable).with_name("mvc"))
BUILD = Path.cwd() / "build"
PLACE = BUILD / "demo"
ENVIRONMENT = os.environ | {
    "MVC_AUTHOR_NAME": "Ana",
    "MVC_AUTHOR_EMAIL": "ana@example.org",
    "MVC_CONFIG": str(PLACE / "person.toml"),
    "MVC_PAGER": "cat",
    "GIT_CONFIG_GLOBAL": os.devnull,
}


class TourFailedError(Exception):
    """A command did not do what the tour says."""


def say(text: str) -> None:
    """Print what comes next, for people."""
    print(f"\n\033[1m# {text}\033[0m" if sys.stdout.isatty() else f"\n# {text}", flush=True)


def mvc(*arguments: str, into: Path | None = None, folder: Path = PLACE, code: int = 0, token: str = "") -> None:
    """Print a command and run it in `folder`; its output is shown, or written `into` a file. It is to end with `code`."""
    print("$ mvc " + shlex.join(arguments) + (f" > {into.name}" if into else ""), flush=True)
    environment = {**ENVIRONMENT, **({"PICSELLIA_TOKEN": token} if token else {})}
    with open(into or os.devnull, "wb") as file:
        done = subprocess.run(
            [MVC, *arguments], cwd=folder, env=environment, stdout=file if into else None, check=False
        )
    if done.returncode != code:
        raise TourFailedError(f"mvc {arguments[0]} ended with {done.returncode}")
    if code:
        print(f"(it ends with {code})", flush=True)


def answer(*arguments: str, folder: Path = PLACE) -> list[str]:
    """The lines of a command's output, which is not shown."""
    done = subprocess.run([MVC, *arguments], cwd=folder, env=ENVIRONMENT, stdout=subprocess.PIPE, text=True, check=True)
    return done.stdout.splitlines()
