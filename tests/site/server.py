"""A server of the page in a process of its own, and requests that no client has tidied up."""

from __future__ import annotations

import contextlib
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

_URL = re.compile(r"http://127\.0\.0\.1:(\d+)/([\w-]{32})/")


@dataclass
class Answer:
    """Status, headers and body of an answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass
class Served:
    """A running server: its process, port and token."""

    process: subprocess.Popen[str]
    port: int
    token: str

    def get(self, path: str, method: str = "GET", **headers: str) -> Answer:
        """Ask for a path after the token."""
        lines = [f"{method} /{self.token}/{path} HTTP/1.1", f"Host: 127.0.0.1:{self.port}", "Connection: close"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        return self.raw("\r\n".join([*lines, "", ""]).encode())

    def raw(self, request: bytes) -> Answer:
        """Send the bytes of a request, and read until the server closes the connection."""
        with socket.create_connection(("127.0.0.1", self.port)) as connection:
            connection.sendall(request)
            data = b"".join(iter(lambda: connection.recv(1 << 16), b""))
        return parsed(data)

    def stop(self, number: int = signal.SIGINT) -> tuple[int, str]:
        """Send a signal; return the exit code and what was printed on stderr."""
        self.process.send_signal(number)
        return self.process.wait(), self.process.communicate()[1]


def parsed(data: bytes) -> Answer:
    """Read an answer."""
    head, _, body = data.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    return Answer(int(first.split()[1]), dict(line.lower().split(": ", 1) for line in lines), body)


@contextlib.contextmanager
def serving(folder: Path, *options: str, environ: Mapping[str, str] | None = None) -> Iterator[Served]:
    """Run `mvc ui` in a folder."""
    command = [sys.executable, "-m", "mvc", "ui", *options]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=folder, env=environ, stdout=pipe, stderr=pipe, text=True) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            match = _URL.search(line)
            assert match is not None, (line, process.communicate()[1])
            yield Served(process, int(match[1]), match[2])
        finally:
            process.kill()
