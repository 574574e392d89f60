r"""Programs beside weights, or in their place: libraries, executables, scripts and Python.

    \x7fELF, MZ … PE, \xcf\xfa\xed\xfe, \0asm     a library or an executable
    ftrt                                          an engine of TensorRT
    #!/bin/sh                                     a script
    handler.py                                    Python, which a loader of the weights may import
    best.pth  "import os; os.system(…)"           a path file, which Python runs when it starts

Under a name of its own kind it is code; under the name of weights or data it is disguised. Source: the magic numbers of ELF, PE,
Mach-O, WebAssembly, Java, Dalvik and Python's `site`.
"""

from __future__ import annotations

import re

from mvc.formats.known import WEIGHT_SUFFIXES
from mvc.formats.source import Source, TooLongError
from mvc.scan.formats.disguise import DATA
from mvc.scan.scan import Scan
from mvc.scan.verdict import Rule, Verdict

PYTHON = Rule("python-code", Verdict.CODE, "A loader that imports code of the repository would run this Python.")
BYTECODE = Rule(
    "python-bytecode", Verdict.CODE, "A loader that imports code of the repository would run this bytecode."
)
LIBRARY = Rule("native-code", Verdict.CODE, "A loader of libraries would run the compiled code of this file: {}.")
SCRIPT = Rule("script", Verdict.CODE, "Starting this file would run it as a script.")
DISGUISED = Rule(
    "disguised-program", Verdict.HOSTILE, "It is {} under a name that promises none; no loader of that name expects it."
)
PATH_FILE = Rule("python-path-file", Verdict.HOSTILE, "Python would run the line {} each time it starts.")
ENGINE = Rule(
    "engine-code", Verdict.CODE, "TensorRT would run the compiled kernels of the engine, and load its plugins."
)
RULES = (PYTHON, BYTECODE, LIBRARY, SCRIPT, DISGUISED, PATH_FILE, ENGINE)

_PLAN = b"ftrt"
"""The first bytes of an engine; Ultralytics writes a length and a description in JSON before them."""
_MAX_DESCRIPTION = 1 << 20

_LOADED = (".pkl", ".pickle", ".joblib", ".npz", ".zip", ".tar", ".gz", ".h5", ".keras")
"""Suffixes of what loaders of weights open, beside those of weights and data."""
_SCRIPTS = (
    ".sh",
    ".bash",
    ".zsh",
    ".fish",
    ".py",
    ".pl",
    ".rb",
    ".js",
    ".mjs",
    ".lua",
    ".awk",
    ".command",
    ".csh",
    ".ksh",
)
_WINDOWS = (
    ".bat",
    ".cmd",
    ".ps1",
    ".psm1",
    ".vbs",
    ".wsf",
    ".hta",
    ".lnk",
    ".scr",
    ".reg",
    ".vbe",
    ".jse",
    ".wsh",
    ".scpt",
    ".desktop",
)
_SOURCES = (
    ".sh", ".bash", ".zsh", ".fish", ".csh", ".ksh", ".command", ".pl", ".rb", ".lua", ".r", ".jl", ".php", ".groovy",
)  # fmt: skip
"""Suffixes of programs as text that need no first line to be run."""
_PYTHON = (".py", ".pyw", ".pyi", ".pyx")
_BYTECODE = (".pyc", ".pyo")
_MAGICS = (
    (b"\x7fELF", "an ELF library or executable"),
    (b"\xfe\xed\xfa\xce", "a Mach-O library or executable"),
    (b"\xfe\xed\xfa\xcf", "a Mach-O library or executable"),
    (b"\xce\xfa\xed\xfe", "a Mach-O library or executable"),
    (b"\xcf\xfa\xed\xfe", "a Mach-O library or executable"),
    (b"\xca\xfe\xba\xbe", "a Mach-O library or a Java class"),
    (b"\0asm", "a WebAssembly module"),
    (b"dex\n03", "a Dalvik executable"),
    (b"BC\xc0\xde", "LLVM bitcode"),
    (b"!<arch>\n", "a library of object files"),
    (b"MZqFpD='", "an APE executable"),
    (b"jartsr='", "an APE executable"),
    (b"APEDBG='", "an APE executable"),
)
_BYTECODE_MAGIC = re.compile(rb"[\x00-\xff][\x0c-\x0f]\r\n[\x00-\x03]\0\0\0")
_CODE_OBJECT = re.compile(rb"[c\xe3]\0{12}(?:\0{4})?[\x01-\xff].\0\0.{4}[s\xf3]", re.DOTALL)
"""The code of a module as `marshal` writes it, without the header of a file: no arguments, a stack, flags, a string of bytes."""
_SHEBANG = re.compile(rb"(\xef\xbb\xbf)?#![ \t]*/")
_MAX_SCRIPT = 8 * 1024 * 1024


def matches(start: bytes, source: Source) -> bool:
    """Return whether it begins as a program, or is named as one."""
    name = source.name.lower()
    return (
        _is_engine(start, source)
        or _is_path_file(start, name)
        or bool(_kind(start, source))
        or name.endswith((*_PYTHON, *_BYTECODE, *_WINDOWS))
        or (name.endswith(_SOURCES) and b"\0" not in start)
    )


def scan(source: Source, scan: Scan) -> None:
    """Report the kind of program."""
    start = source.read(0, min(source.size, 512))
    name = source.name.lower()
    if _is_engine(start, source):
        scan.report(ENGINE)
        return
    kind = _kind(start, source)
    if name.endswith(_PYTHON):
        scan.report(PYTHON, names=[source.name])
    elif name.endswith(_BYTECODE):
        scan.report(BYTECODE, names=[source.name])
    elif name.endswith((*_WINDOWS, *_SOURCES)) and not kind:
        scan.report(SCRIPT, names=[source.name])
    elif _is_path_file(start, name):
        _scan_path_file(source, scan)
    if not kind or name.endswith((*_PYTHON, *_BYTECODE, *_WINDOWS)):
        if kind and kind != "a script" and not name.endswith(_BYTECODE):
            scan.report(DISGUISED, detail=kind)
    elif name.endswith((*WEIGHT_SUFFIXES, *DATA, *_LOADED)) or not _may_be(kind, name):
        scan.report(DISGUISED, detail=kind)
    elif kind == "a script":
        scan.report(SCRIPT, names=[source.name])
    else:
        scan.report(LIBRARY, names=[source.name], detail=kind)


def _kind(start: bytes, source: Source) -> str:
    """Return the kind of program that content begins as, `""` if it is none."""
    for magic, kind in _MAGICS:
        if start.startswith(magic):
            return kind
    if start.startswith(b"MZ") and _is_windows(start, source):
        return "a Windows library or executable"
    if _SHEBANG.match(start):
        return "a script"
    if _CODE_OBJECT.match(start) or (len(start) >= 16 and _BYTECODE_MAGIC.match(start)):
        return "bytecode of Python"
    return ""


def _is_engine(start: bytes, source: Source) -> bool:
    """Return whether it is an engine of TensorRT."""
    place = int.from_bytes(start[:4], "little") + 4
    is_described = start[4:5] == b"{" and place + len(_PLAN) <= min(source.size, _MAX_DESCRIPTION)
    return start.startswith(_PLAN) or (is_described and source.read(place, len(_PLAN)) == _PLAN)


def _is_windows(start: bytes, source: Source) -> bool:
    place = int.from_bytes(start[60:64], "little")
    return len(start) >= 64 and place + 4 <= source.size and source.read(place, 4) == b"PE\0\0"


def _may_be(kind: str, name: str) -> bool:
    """Return whether a name allows a kind of program: compiled code is not called a script, which a person would read."""
    return kind == "a script" or not name.endswith(_SCRIPTS)


def _is_path_file(start: bytes, name: str) -> bool:
    """Return whether a file called `.pth` is text, and not a checkpoint of PyTorch."""
    return name.endswith(".pth") and b"\0" not in start and not start.startswith((b"\x80", b"PK"))


def _scan_path_file(source: Source, scan: Scan) -> None:
    """Report the lines that Python's `site` runs. Raises TooLongError."""
    if source.size > _MAX_SCRIPT:
        raise TooLongError(f"it is a path file of more than {_MAX_SCRIPT >> 20} MiB")
    lines = source.read(0, source.size).decode("utf-8", "replace").removeprefix("\ufeff").splitlines()
    line = next((line for line in lines if line.startswith(("import ", "import\t"))), "")
    if line:
        scan.report(PATH_FILE, detail=line)
