"""Hostile pickles that call one function. Each payload makes a file, and was run by `pickle.load`."""

from __future__ import annotations

import os
import pickle
from collections.abc import Iterator
from typing import Any

from tests.formats.pickles import REDUCE, STOP, named
from tests.scan.cases import MARKER, Case

TOUCH = f"touch {MARKER}"
WRITE = f"open({MARKER!r}, 'w').close()"
ARGV = ["touch", MARKER]
_CREATE = os.O_CREAT | os.O_WRONLY

CALLS: dict[str, tuple[Any, ...]] = {
    "os system": (TOUCH,),
    "posix system": (TOUCH,),
    "os mkdir": (MARKER,),
    "os makedirs": (MARKER,),
    "os mkfifo": (MARKER,),
    "os symlink": ("/", MARKER),
    "os open": (MARKER, _CREATE),
    "posix open": (MARKER, _CREATE),
    "os spawnlp": (os.P_WAIT, "touch", "touch", MARKER),
    "os spawnvp": (os.P_WAIT, "touch", ARGV),
    "os posix_spawnp": ("touch", ARGV, {}),
    "os popen": (TOUCH,),
    "subprocess call": (ARGV,),
    "subprocess run": (ARGV,),
    "subprocess check_call": (ARGV,),
    "subprocess check_output": (ARGV,),
    "subprocess getoutput": (TOUCH,),
    "subprocess getstatusoutput": (TOUCH,),
    "subprocess Popen": (ARGV,),
    "pty spawn": (ARGV,),
    "builtins exec": (WRITE,),
    "builtins eval": (WRITE,),
    "__builtin__ eval": (WRITE,),
    "builtins open": (MARKER, "w"),
    "io open": (MARKER, "w"),
    "_io open": (MARKER, "w"),
    "_io FileIO": (MARKER, "w"),
    "codecs open": (MARKER, "w"),
    "tokenize generate_tokens": (),
    "timeit timeit": ("pass", WRITE),
    "cProfile run": (WRITE,),
    "profile run": (WRITE,),
    "shutil copyfile": ("/dev/null", MARKER),
    "shutil copytree": (".", MARKER),
    "shutil make_archive": (MARKER, "tar", "."),
    "sqlite3 connect": (MARKER,),
    "dbm.dumb open": (MARKER, "c"),
    "logging FileHandler": (MARKER,),
    "zipfile ZipFile": (MARKER, "w"),
    "tarfile open": (MARKER, "w"),
    "gzip open": (MARKER, "w"),
    "bz2 open": (MARKER, "w"),
    "lzma open": (MARKER, "w"),
    "runpy run_path": ("/dev/null",),
    "pkgutil resolve_name": (),
    "uuid _get_command_stdout": ("touch", MARKER),
    "imaplib IMAP4_stream": (TOUCH,),
    "pydoc pipepager": ("", TOUCH),
    "pydoc tempfilepager": ("", TOUCH + " #"),
    "_osx_support _read_output": (TOUCH,),
    "doctest debug_script": (),
    "xml.etree.ElementTree parse": (),
    "multiprocessing.util spawnv_passfds": (b"/usr/bin/touch", ["touch", MARKER], []),
    "numpy.testing._private.utils runstring": (WRITE, {}),
    "numpy memmap": (MARKER, "uint8", "w+", 0, (1,)),
    "numpy save": (MARKER, [1]),
    "numpy savetxt": (MARKER, [1]),
    "numpy.lib._datasource DataSource": (MARKER,),
    "tempfile mkdtemp": ("", MARKER, "."),
    "venv create": (),
    "webbrowser open": (),
    "ensurepip _run_pip": (),
    "idlelib.run handle_tk_events": (),
    "asyncio run": (),
    "torch load": (MARKER,),
    "torch.hub load": (MARKER,),
    "torch.package PackageImporter": (MARKER,),
    "torch.jit load": (MARKER,),
    "joblib load": (MARKER,),
    "dill loads": (b"",),
    "cloudpickle loads": (b"",),
    "pandas read_pickle": (MARKER,),
    "requests get": ("http://localhost",),
    "paramiko ProxyCommand": (TOUCH,),
    "pip main": ([],),
    "operator attrgetter": ("system",),
    "functools reduce": (),
    "types CodeType": (),
    "builtins getattr": (),
    "builtins __import__": ("antigravity",),
}
"""Functions, and their arguments."""

NOT_RUN = {
    "tokenize generate_tokens", "runpy run_path", "pkgutil resolve_name", "doctest debug_script",
    "xml.etree.ElementTree parse", "venv create", "webbrowser open", "ensurepip _run_pip", "idlelib.run handle_tk_events",
    "asyncio run", "torch load", "torch.hub load", "torch.package PackageImporter", "torch.jit load", "joblib load",
    "dill loads", "cloudpickle loads", "pandas read_pickle", "requests get", "paramiko ProxyCommand", "pip main",
    "operator attrgetter", "functools reduce", "types CodeType", "builtins getattr", "builtins __import__",
    "numpy.lib._datasource DataSource", "tempfile mkdtemp", "subprocess Popen", "os popen", "os posix_spawnp", "multiprocessing.util spawnv_passfds",
}  # fmt: skip
"""Functions whose payload is not proven: of a package that is not here, without effect on a file, or run in the background."""


def cases() -> Iterator[Case]:
    """One file a function, in the protocols in turn."""
    for number, (name, args) in enumerate(CALLS.items()):
        loader = "" if name in NOT_RUN else "pickle"
        yield Case(
            "direct calls", name, calling(name, args, 2 if name.startswith("__") else number % 6), "pickle-call", loader
        )


def calling(name: str, args: tuple[Any, ...], protocol: int = 2) -> bytes:
    """A pickle that calls a function with arguments, in a protocol."""
    held = pickle.dumps(args, protocol)
    if protocol >= 4:
        held = pickle.dumps(args, 3)
        module, _, function = name.partition(" ")
        body = (
            b"\x8c" + bytes([len(module)]) + module.encode() + b"\x94\x8c" + bytes([len(function)]) + function.encode()
        )
        return b"\x80" + bytes([protocol]) + body + b"\x94\x93\x94" + held[2:-1] + REDUCE + STOP
    start = b"" if protocol < 2 else held[:2]
    return start + named(name) + held[len(start) : -1] + REDUCE + STOP
