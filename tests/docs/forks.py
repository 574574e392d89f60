"""A program `mvc` that starts fast: a server that has loaded mvc forks for each command.

    bash ─ client: arguments, folder, environment, streams ─► server ─ fork ─► the command ─ exit code ─► client

Pages of a hundred commands would spend most of their time on loading Python and mvc a hundred times. The same serves for
programs of the tests, which are started by the dozen.
"""

from __future__ import annotations

import contextlib
import gc
import os
import pkgutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from importlib import import_module
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
CLIENT = """#!{python} -IS
import array, os, socket, sys
server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
server.connect({address!r})
streams = array.array("i", [0, 1, 2])
server.sendmsg([b"+"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, streams)])
parts = [str(len(sys.argv)).encode(), os.fsencode(os.getcwd()), *map(os.fsencode, sys.argv)]
parts += [name + b"=" + value for name, value in os.environb.items()]
server.sendall(b"\\0".join(parts))
server.shutdown(socket.SHUT_WR)
answer = server.recv(4)
sys.exit(int(answer) if answer else 70)
"""


@contextlib.contextmanager
def program(folder: Path, main: str = "mvc.cli.app.main", load: Sequence[str] = ()) -> Iterator[Path]:
    """Yield the path of a program `mvc` in `folder`, which works until the end of the context.

    It is `run` of the module `main`, which returns an exit code. The server has loaded the modules `load`, too.
    """
    folder.mkdir()
    address, path = str(folder / "socket"), folder / "mvc"
    path.write_text(CLIENT.format(python=sys.executable, address=address), encoding="utf-8")
    path.chmod(0o755)
    command = [sys.executable, "-m", "tests.docs.forks", address, main, *load]
    with subprocess.Popen(command, cwd=TOP, stdout=subprocess.PIPE) as server:
        try:
            assert server.stdout is not None
            assert server.stdout.readline() == b"ready\n"
            yield path
        finally:
            server.kill()


def serve(address: str, main: str, load: Sequence[str]) -> None:
    """Load mvc, `main` and `load`, then fork for each client."""
    for name in (main, *load):
        import_module(name)
    verbs = import_module("mvc.cli")
    for module in pkgutil.walk_packages(verbs.__path__, "mvc.cli."):
        import_module(module.name)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(address)
    listener.listen()
    gc.freeze()  # so that no child copies the memory of what it has in common with us
    print("ready", flush=True)  # noqa: T201 - what `program` waits for
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        client, _ = listener.accept()
        if os.fork() == 0:
            listener.close()
            _answer(client, main)
        client.close()


def _answer(client: socket.socket, main: str) -> None:
    """Run the command of a client in this process, and end that."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    _, streams, _, _ = socket.recv_fds(client, 1, 3)
    count, folder, *parts = b"".join(iter(lambda: client.recv(1 << 16), b"")).split(b"\0")
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    os.chdir(folder)
    os.environb.clear()
    os.environb.update(tuple(part.split(b"=", 1)) for part in parts[int(count) :])  # type: ignore[misc]
    sys.argv = [os.fsdecode(part) for part in parts[: int(count)]]
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        number = ("stdin", "stdout", "stderr").index(name)
        setattr(sys, name, open(number, mode, encoding="utf-8", closefd=False))  # noqa: SIM115
    code = import_module(main).run()
    sys.stdout.flush()
    sys.stderr.flush()
    client.sendall(str(code).encode())
    os._exit(0)


if __name__ == "__main__":
    serve(sys.argv[1], sys.argv[2], sys.argv[3:])
