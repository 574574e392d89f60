r"""Programs beside weights, or in their place: libraries, executables, scripts and Python.

    \x7fELF, MZ … PE, \xcf\xfa\xed\xfe, \0asm     a library or an executable
    #!/bin/sh                                     a script
    handler.py                                    Python, which a loader of the weights may import
    best.pth  "import os; os.system(…)"           a path file, which Python runs when it starts

Under a name of its own kind it is code; under the name of weights or data it is disguised. Source: the magic numbers of ELF, PE,
Mach-O, WebAssembly, Java, Dalvik and Python's `site`.
"""

from __future__ import annotations

import re

from mvc.formats.source import Source
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
RULES = (PYTHON, BYTECODE, LIBRARY, SCRIPT, DISGUISED, PATH_FILE)

_LIBRARIES = (
    ".so", ".dll", ".dylib", ".exe", ".pyd", ".o", ".a", ".lib", ".obj", ".wasm", ".class", ".jar", ".dex", ".bc", ".sys",
    ".elf", ".bundle", ".node", ".cubin", ".hsaco",
)  # fmt: skip
_VERSIONED = re.compile(r"\.so(\.[0-9]+)*\Z")
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
_WINDOWS = (".bat", ".cmd", ".ps1", ".psm1", ".vbs", ".wsf", ".hta", ".lnk", ".scr", ".reg")
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
)
_BYTECODE_MAGIC = re.compile(rb"[\x00-\xff][\x0c-\x0f]\r\n[\x00-\x03]\0\0\0")
_PATH_LINE = re.compile(r"^import[ \t].*$", re.MULTILINE)
_WORDY = re.compile(r"(^|/)(dockerfile|makefile|[a-z0-9_-]+)\Z", re.IGNORECASE)
_MAX_SCRIPT = 64 * 1024


def matches(start: bytes, source: Source) -> bool:
    """Return whether it begins as a program, or is named as one."""
    name = source.name.lower()
    is_path_file = name.endswith(".pth") and b"\0" not in start and start.isascii()
    return is_path_file or bool(_kind(start, source)) or name.endswith((*_PYTHON, *_BYTECODE, *_WINDOWS))


def scan(source: Source, scan: Scan) -> None:
    """Report the kind of program."""
    start = source.read(0, min(source.size, 512))
    name = source.name.lower()
    kind = _kind(start, source)
    if name.endswith(_PYTHON):
        scan.report(PYTHON, names=[source.name])
    elif name.endswith(_BYTECODE):
        scan.report(BYTECODE, names=[source.name])
    elif name.endswith(_WINDOWS):
        scan.report(SCRIPT, names=[source.name])
    elif name.endswith(".pth"):
        _scan_path_file(source, start, scan)
    if not kind or name.endswith((*_PYTHON, *_BYTECODE, *_WINDOWS)):
        if kind and kind != "a script" and not name.endswith(_BYTECODE):
            scan.report(DISGUISED, detail=kind)
    elif not _is_named_for(kind, name):
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
    if start.removeprefix(b"\xef\xbb\xbf").startswith((b"#!/", b"#! /")):
        return "a script"
    if len(start) >= 16 and _BYTECODE_MAGIC.match(start):
        return "bytecode of Python"
    return ""


def _is_windows(start: bytes, source: Source) -> bool:
    place = int.from_bytes(start[60:64], "little")
    return len(start) >= 64 and place + 4 <= source.size and source.read(place, 4) == b"PE\0\0"


def _is_named_for(kind: str, name: str) -> bool:
    """Return whether a name fits a kind of program. A name without a suffix promises nothing, so it fits."""
    if _WORDY.search(name):
        return True
    if kind == "a script":
        return name.endswith(_SCRIPTS)
    return name.endswith(_LIBRARIES) or _VERSIONED.search(name) is not None


def _scan_path_file(source: Source, start: bytes, scan: Scan) -> None:
    """Report lines that Python's `site` runs, if a file called `.pth` is text."""
    if b"\0" in start or source.size > _MAX_SCRIPT or not start.isascii():
        return
    text = source.read(0, source.size).decode("utf-8", "replace")
    match = _PATH_LINE.search(text)
    if match is not None:
        scan.report(PATH_FILE, detail=match[0])
