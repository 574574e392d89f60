"""The callables that a pickle can name here, and those that the scan lets pass: `python admitted.py` prints the latter."""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import pkgutil
import sys
import warnings

from mvc.scan.pickles.file import read
from mvc.scan.pickles.window import Window
from mvc.scan.scan import Scan
from mvc.scan.verdict import Verdict
from tests.scan.cases import source

SKIPPED = (
    "antigravity",
    "idlelib",
    "lib2to3",
    "test",
    "this",
    "tkinter",
    "turtle",
    "turtledemo",
    "__main__",
    "numpy.f2py.__main__",
)
"""Modules whose import opens a window or a browser, runs a program, or takes long."""


def modules() -> list[str]:
    """Every module of numpy and the standard library; with the argument `all`, those inside of its packages as well."""
    names = [name for name in sorted(sys.stdlib_module_names) if name not in SKIPPED]
    for package in ("numpy", *names):
        with contextlib.suppress(BaseException):
            path = getattr(importlib.import_module(package), "__path__", None)
            if package != "numpy" and "all" not in sys.argv:
                continue
            for entry in pkgutil.walk_packages(path, f"{package}.", onerror=lambda _: None) if path else ():
                if not any(part in entry.name for part in ("__main__", ".tests", ".test.", "_test", "pyinstaller")):
                    with contextlib.suppress(BaseException):
                        importlib.import_module(entry.name)
    return [name for name in sys.modules if not name.startswith(("mvc", "tests", "blake3"))]


def main() -> None:
    """Print how many names there are, and those that are admitted."""
    warnings.simplefilter("ignore")
    out, sys.stdout = sys.stdout, open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - what is imported may print
    names = [
        (module, name)
        for module in modules()
        for name in list(vars(sys.modules[module]))
        if callable(getattr(sys.modules[module], name, None))
    ]
    admitted = []
    for module, name in names:
        scan = Scan()
        read(Window(source(f"c{module}\n{name}\n0N.".encode())), scan)
        if scan.result().verdict <= Verdict.DATA:
            admitted.append(f"{module}.{name}")
    json.dump({"count": len(names), "admitted": admitted}, out)


if __name__ == "__main__":
    main()
