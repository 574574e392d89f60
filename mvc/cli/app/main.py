"""The program `mvc`: loads a verb, runs it, and turns the result or the error into an exit code.

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
    "init": ("init", "Create a repository, or a model in an existing one"),
    "add": ("add", "Track files, folders or patterns"),
    "rm": ("rm", "Stop tracking files, and delete them"),
    "mv": ("mv", "Move or rename tracked files or folders"),
    "set": ("set_", "Set values in model.toml"),
    "unset": ("unset", "Remove values from model.toml"),
    "get": ("get", "Print a value of model.toml, or all values"),
    "config": ("config", "Get and set repository or user settings"),
    "status": ("status", "Show the working tree status"),
    "source": ("source", "Show which experiment and datasets a model comes from"),
    "commit": ("commit", "Record a new version of the model"),
    "record": ("record", "Record a version of files anywhere"),
    "run": ("run", "Run a command, and record the training run it leaves"),
    "log": ("log", "Show the version history"),
    "show": ("show", "Show one version in full"),
    "diff": ("diff", "Show changes between versions, or to the working tree"),
    "semver": ("semver", "Show which semantic version a change requires"),
    "compare": ("compare", "Compare the values of several versions side by side"),
    "switch": ("switch", "Switch to another branch or version"),
    "restore": ("restore", "Restore files from a version"),
    "checkout": ("checkout", "Switch branches or restore files (as in Git)"),
    "branch": ("branch", "List, create, rename or delete branches"),
    "tag": ("tag", "List, create or delete tags"),
    "alias": ("alias", "List, set, delete or roll back aliases"),
    "notes": ("notes", "Add, show or remove notes on versions"),
    "eval": ("eval", "Add, show or remove evaluations of versions"),
    "sign": ("sign", "Sign a version, or the move of a tag or an alias to it"),
    "verify": ("verify", "Verify the signatures of a version, tag or alias"),
    "attest": ("attest", "Sign a statement about a version, for programs of others"),
    "check": ("check", "Check whether a version is ready for a use"),
    "policy": ("policy", "Show the policy, or check a version against it"),
    "scan": ("scan", "Scan files for what a loader would run"),
    "merge": ("merge", "Merge a branch or version into the current branch"),
    "revert": ("revert", "Undo the changes of versions by new versions"),
    "cherry-pick": ("cherry_pick", "Apply the changes of versions to the current branch"),
    "stash": ("stash", "Put uncommitted changes aside, and restore them"),
    "undo": ("undo", "Undo the last operation"),
    "redo": ("redo", "Reverse the last undo"),
    "op": ("op", "List, show or restore operations"),
    "reset": ("reset", "Move the current branch to another version"),
    "reflog": ("reflog", "Show the moves of a branch, tag or alias"),
    "models": ("models", "List or rename the models of this repository"),
    "blame": ("blame", "Show which version last changed each value, class and file"),
    "bisect": ("bisect", "Find the version that introduced a fault"),
    "grep": ("grep", "Search the values, classes, roles and paths of a version"),
    "ui": ("ui", "Show models and versions as a web page"),
    "shortlog": ("shortlog", "Count the versions of each author"),
    "changelog": ("changelog", "Write the release notes of a range of versions"),
    "describe": ("describe", "Name a version after its nearest tag"),
    "rev-parse": ("rev_parse", "Print the id of a version"),
    "clean": ("clean", "List the untracked files"),
    "ls": ("ls", "List the files of a version"),
    "cat": ("cat", "Print one file of a version"),
    "textconv": ("textconv", "Print the tensors of a file, for `git diff`"),
    "export": ("export", "Export a version to a folder"),
    "archive": ("archive", "Write a version's files to a zip or tar file"),
    "card": ("card", "Write the model card of a version"),
    "bom": ("bom", "Write the bill of materials of a version"),
    "du": ("du", "Show the disk usage of versions"),
    "fsck": ("fsck", "Verify the integrity of the repository or a remote"),
    "prune": ("prune", "Drop the bytes of versions, and keep their record"),
    "gc": ("gc", "Remove unreachable versions and files"),
    "docker": ("docker", "Resolve the docker image of a model"),
    "drift": ("drift", "Compare published and imported versions with the registry"),
    "remote": ("remote", "List, add, change or check remotes"),
    "clone": ("clone", "Clone a remote into a new folder"),
    "download": ("download", "Download a version's files without a repository"),
    "fetch": ("fetch", "Download refs and version metadata from a remote"),
    "pull": ("pull", "Fetch from a remote and update the current branch"),
    "push": ("push", "Upload versions and update the remote's refs"),
    "publish": ("publish", "Publish versions to a registry or a hub"),
    "import": ("import_", "Import versions from elsewhere"),
    "experiment": ("experiment", "Create, list or show experiments on a registry"),
    "ci": ("ci", "Report on versions in CI, and check files in Git hooks"),
    "schema": ("schema", "Print the JSON schema of model.toml, for editors"),
    "completion": ("completion", "Print the completion script for a shell"),
}
"""Each verb, its module in `mvc.cli`, and the first line of its help."""

FATAL = 128
BROKEN_PIPE = 141
_STREAMS = ("stdin", "stdout", "stderr")
"""Names of the standard streams, by their numbers."""
_SWITCH = 0.0005
"""Seconds until a waiting thread asks for the interpreter: workers hold it for microseconds between calls that release it."""


def main() -> None:
    """Run the program as a process, and end that at once.

    Durable data is flushed by then; freeing 10,000 objects one by one would only take time.
    """
    code = run()
    with contextlib.suppress(OSError, ValueError):
        sys.stderr.flush()
    os._exit(code)


def run(arguments: list[str] | None = None) -> int:
    """Run the program; return the exit code. Raises nothing."""
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
    """Report an error; return the exit code. Without file descriptors, no module can load: print one plain line."""
    try:
        return int(lazy.load("mvc.cli.app.failure").report(error, arguments))
    except OSError as another:
        with contextlib.suppress(OSError):
            sys.stderr.write(f"mvc: {another.strerror}: {type(error).__name__}: {str(error)!a}\n")
        return FATAL


def settle() -> None:
    """Set up this process for one short run of mvc."""
    gc.set_threshold(200_000, 20, 20)  # looking for cycles in 10,000 entries again and again takes longer than a run
    sys.setswitchinterval(_SWITCH)
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # numpy's threads for matrices: each spins for 0.1 s, unused


def _run(arguments: list[str]) -> int:
    if arguments in (["--version"], ["version"], ["-v"]):
        sys.stdout.write(f"mvc {mvc.__version__}\n")
        sys.stdout.flush()
        return 0
    return int(lazy.load("mvc.cli.app.program").program(arguments))  # click loads after the fast path


def _open_streams() -> None:
    """Open closed standard streams on /dev/null, so that no file of the store gets their numbers, and the output."""
    closed = [name for name in _STREAMS if getattr(sys, name) is None]
    while closed and (number := os.open(os.devnull, os.O_RDWR)) < len(_STREAMS):
        name = _STREAMS[number]
        setattr(sys, name, open(number, "r" if name == "stdin" else "w", encoding="utf-8", closefd=False))  # noqa: SIM115
    if closed:
        os.close(number)


def _give_up_output() -> None:
    """Redirect output that nobody reads to /dev/null, so that Python reports no error at its exit."""
    try:
        sys.stdout.flush()
    except (OSError, ValueError):
        devnull = os.open(os.devnull, os.O_WRONLY)
        os.dup2(devnull, sys.stdout.fileno())
