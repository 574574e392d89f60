"""The push of a run's version, in a process of its own: the training neither waits for it nor fails with it.

    run ends ─► python -m mvc.training.engine.background ─► push, ended after LIMIT seconds
                └─ a thread awaits its result, and reports it; the interpreter's exit awaits it for PATIENCE seconds

A push can be killed at any moment; `mvc push` sends what is missing.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import shlex
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from mvc import errors
from mvc.api import repository as api
from mvc.training import messages

LIMIT = 3600
"""Seconds after which a push ends, however far it is."""
PATIENCE = 10.0
"""Seconds that the exit of the training's process waits for the push, to report its result."""


class BackgroundPush:
    """A push of refs of one model to a remote, which runs in a process of its own."""

    def __init__(self, root: Path, model: str, remote: str, refs: Sequence[str], say: Callable[[str], object]) -> None:
        """Start the push; `say` gets its result. Raises OSError."""
        self._say = say
        self._goal = f"the push to {remote}"
        self.command = shlex.join(["mvc", "--repo", os.fspath(root), "--model", model, "push", remote, *refs])
        """The command that pushes the same."""
        words = [sys.executable, "-m", __spec__.name, os.fspath(root), model, remote, *refs]
        pipe = subprocess.PIPE
        self._child = subprocess.Popen(
            words, stdin=subprocess.DEVNULL, stdout=pipe, stderr=subprocess.DEVNULL, start_new_session=True, text=True
        )
        self._thread = threading.Thread(target=self._await, name="mvc push", daemon=True)
        self._thread.start()
        atexit.register(self.wait, PATIENCE)

    def wait(self, seconds: float | None = None) -> bool:
        """Wait for the result; return whether it is there. Say so once if it is not."""
        self._thread.join(seconds)
        if self._thread.is_alive():
            self._say(f"{self._goal} goes on in process {self._child.pid}. If it fails: {self.command}")
            return False
        atexit.unregister(self.wait)
        return True

    def stop(self) -> None:
        """End the push; `mvc push` sends what is missing."""
        self._child.terminate()

    def _await(self) -> None:
        said, _ = self._child.communicate()
        if self._child.returncode == 0:
            self._say(said.strip())
        else:
            reason = said.strip() or f"it ended with exit code {self._child.returncode}."
            self._say(f"{self._goal} failed: {reason} Push later: {self.command}")


def main(words: Sequence[str]) -> int:
    """Push in this process, and print the result in one line; return the exit code."""
    root, model, remote, *refs = words
    if hasattr(signal, "alarm"):
        signal.alarm(LIMIT)  # ends the process
    try:
        api.open(root).model(model).push(*refs, remote=remote)
        code, text = 0, f"pushed {', '.join(refs)} to {remote}"
    except errors.MvcError as error:
        code, text = error.exit_code, messages.of_error(error)
    except OSError as error:
        code, text = 1, messages.of_error(error)
    with contextlib.suppress(OSError):  # nobody reads it any more
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
