"""Git as a program that reads a repository and runs nothing else.

Short commands are started directly: importing GitPython takes longer than most of them. GitPython starts the long ones.

The repository may be somebody else's, and its config and attributes name programs: `core.fsmonitor`, hooks, clean filters,
external diffs, the transport for missing objects of a partial clone. A setting with precedence over the repository's
switches each off; GitPython's objects are not used, since they run such programs. Nothing is fetched, locked or asked for, and only commands that read are given, but for
`git config` of `mvc init --git-diff`.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mvc import lazy
from mvc.deferred import dataclass

_SECONDS = 120
"""Seconds after which a running `git` is killed."""
_KEPT = ("GIT_CEILING_DIRECTORIES", "GIT_DISCOVERY_ACROSS_FILESYSTEM", "GIT_EXEC_PATH")
"""Environment variables that Git keeps, besides settings; others could name another repository."""
_SET = {
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_ALLOW_PROTOCOL": "none",
    "GIT_NO_LAZY_FETCH": "1",
    "LC_ALL": "C",
}
"""Options against writes to the index, prompts, and fetches of missing objects."""
_QUIET = {"core.fsmonitor": "", "core.hooksPath": os.devnull, "core.excludesFile": os.devnull}


@dataclass(frozen=True, slots=True)
class Answer:
    """The exit code, the output and the messages of a command; 127 if `git` cannot be started."""

    code: int
    output: bytes
    messages: str


def run(folder: Path, *arguments: str, settings: Mapping[str, str] | None = None) -> Answer:
    """Run `git` in `folder` to its end."""
    try:
        done = subprocess.run(
            _command(arguments, settings),
            cwd=folder,
            env=_environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_SECONDS,
            check=False,
        )
    except (OSError, ValueError, subprocess.SubprocessError) as error:  # none may stop a commit
        return Answer(127, b"", str(error))
    return Answer(done.returncode, done.stdout, os.fsdecode(done.stderr))


def start(folder: Path, *arguments: str) -> Any:
    """Start `git` in `folder` with pipes for its input and output, as `subprocess.Popen` has them; replaced objects stay as they were."""
    env = {**_SET, "GIT_NO_REPLACE_OBJECTS": "1"}
    command = [*_without_variables(), *_command(arguments, None)]
    return lazy.load("git").Git(os.fspath(folder)).execute(command, env=env, istream=subprocess.PIPE, as_process=True)


def _command(arguments: tuple[str, ...], settings: Mapping[str, str] | None) -> list[str]:
    options = [part for pair in {**_QUIET, **(settings or {})}.items() for part in ("-c", "=".join(pair))]
    return ["git", "--no-pager", *options, *arguments]


def _environment() -> dict[str, str]:
    """Return this process's variables without those of another repository."""
    foreign = _foreign()
    return {**{name: value for name, value in os.environ.items() if name not in foreign}, **_SET}


def _without_variables() -> list[str]:
    """Return a command prefix that removes them too: GitPython passes this process's whole environment on."""
    foreign = _foreign()
    return ["env", *(part for name in foreign for part in ("-u", name))] if foreign else []


def _foreign() -> list[str]:
    """Return the variables that may name another repository, as `GIT_DIR` does in a Git hook."""
    return [
        name
        for name in os.environ
        if name.startswith("GIT_") and not name.startswith("GIT_CONFIG_") and name not in {*_KEPT, *_SET}
    ]
