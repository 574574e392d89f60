"""The program `mvc`: finds the verb, runs it, and turns whatever happens into an exit code.

Verbs are loaded when they are named, so that `mvc --version` and `mvc --help` cost next to nothing.
"""

from __future__ import annotations

import contextlib
import gc
import os
import sys

import mvc
from mvc import lazy
from mvc.cli.app.stop import INTERRUPTED, Ended, on_signals

VERBS = {
    "init": ("init", "make a repository here, and a model in it"),
    "add": ("add", "track files"),
    "rm": ("rm", "stop tracking files, and delete them"),
    "set": ("set_", "set values in model.toml"),
    "unset": ("unset", "remove values from model.toml"),
    "get": ("get", "show values of model.toml"),
    "config": ("config", "show and change settings"),
    "status": ("status", "what the next commit would hold"),
    "source": ("source", "which experiment and datasets versions come from"),
    "commit": ("commit", "make a version of the files as they stand"),
    "log": ("log", "the versions, newest first"),
    "show": ("show", "one version, whole"),
    "diff": ("diff", "what changed"),
    "switch": ("switch", "stand at another branch or version"),
    "restore": ("restore", "bring back files as a version has them"),
    "checkout": ("checkout", "habit: does what switch or restore does"),
    "branch": ("branch", "list, make, rename and delete branches"),
    "tag": ("tag", "names that never move"),
    "alias": ("alias", "names that are moved on purpose, and remember it"),
    "check": ("check", "is a version ready for what it is meant for?"),
    "merge": ("merge", "make a version of two"),
    "reset": ("reset", "move the current branch"),
    "reflog": ("reflog", "every move of a name"),
    "models": ("models", "the models of this repository"),
    "ls": ("ls", "the files of a version"),
    "cat": ("cat", "one file of a version"),
    "export": ("export", "a version in a plain folder"),
    "du": ("du", "what versions take on disk"),
    "fsck": ("fsck", "is everything whole?"),
    "gc": ("gc", "remove what no version needs any more"),
    "docker": ("docker", "what the tag of the docker image stands for"),
    "drift": ("drift", "what is no longer as it was recorded"),
    "remote": ("remote", "the remotes of this repository"),
    "clone": ("clone", "a repository of what a remote has"),
    "fetch": ("fetch", "learn what a remote has"),
    "pull": ("pull", "fetch, and go where the remote's branch is"),
    "push": ("push", "send versions to a remote"),
    "publish": ("publish", "make versions known on a registry"),
    "import": ("import_", "bring versions from a registry"),
    "completion": ("completion", "completion for your shell"),
}
"""Each verb, its module in `mvc.cli`, and what it is for."""

FATAL = 128
BROKEN_PIPE = 141
_STREAMS = ("stdin", "stdout", "stderr")
"""By their numbers."""


def main() -> None:
    """Run the program as a process, and end that at once.

    All that lasts was flushed by then; taking 10,000 objects apart, one by one, would only be waited for.
    """
    code = run()
    with contextlib.suppress(OSError, ValueError):
        sys.stderr.flush()
    os._exit(code)


def run(arguments: list[str] | None = None) -> int:
    """Run the program; the exit code. Nothing is raised."""
    arguments = sys.argv[1:] if arguments is None else arguments
    _open_streams()
    settle()
    try:
        with on_signals(arguments):
            return _run(arguments)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        return BROKEN_PIPE
    except Ended as end:
        return end.code
    except BaseException as error:  # noqa: BLE001 - no traceback ever reaches a user
        return _report(error, arguments)
    finally:
        _give_up_output()


def _report(error: BaseException, arguments: list[str]) -> int:
    """Report an error; the exit code. Where no file can be opened any more, a module neither, in one plain line."""
    try:
        return int(lazy.load("mvc.cli.app.failure").report(error, arguments))
    except OSError as another:
        with contextlib.suppress(OSError):
            sys.stderr.write(f"mvc: {another.strerror}: {type(error).__name__}: {str(error)!a}\n")
        return FATAL


def settle() -> None:
    """Set up this process for one short run of mvc."""
    gc.set_threshold(200_000, 20, 20)  # looking for cycles in 10,000 entries again and again takes longer than a run
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # numpy's threads for matrices: each spins for 0.1 s, unused


def _run(arguments: list[str]) -> int:
    if arguments in (["--version"], ["version"]):
        sys.stdout.write(f"mvc {mvc.__version__}\n")
        sys.stdout.flush()
        return 0
    return int(lazy.load("mvc.cli.app.program").program(arguments))  # click loads after the fast path


def _open_streams() -> None:
    """Have a stream that was closed lead nowhere: no file of the store may get its number and with it what is printed."""
    closed = [name for name in _STREAMS if getattr(sys, name) is None]
    while closed and (number := os.open(os.devnull, os.O_RDWR)) < len(_STREAMS):
        name = _STREAMS[number]
        setattr(sys, name, open(number, "r" if name == "stdin" else "w", encoding="utf-8", closefd=False))  # noqa: SIM115
    if closed:
        os.close(number)


def _give_up_output() -> None:
    """Have Python not complain at its end about output that nobody takes."""
    try:
        sys.stdout.flush()
    except (OSError, ValueError):
        devnull = os.open(os.devnull, os.O_WRONLY)
        os.dup2(devnull, sys.stdout.fileno())
