"""Servers as processes on 127.0.0.1: a free port, started, waited for, stopped."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

PATIENCE = 30.0
"""Seconds that a server may take to answer."""


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@contextlib.contextmanager
def running(
    command: Callable[[int], Sequence[str]], log: Path, environ: Mapping[str, str] | None = None
) -> Iterator[int]:
    """Run `command` of a free port until the block ends; the port. What it says goes to `log`."""
    port = free_port()
    with log.open("wb") as out:
        process = subprocess.Popen(command(port), stdout=out, stderr=out, env=environ, stdin=subprocess.DEVNULL)
    try:
        _wait(port, process, log)
        yield port
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    message = f"a server did not start: {log.read_text(errors='replace')[-2000:]}"
    raise AssertionError(message)
