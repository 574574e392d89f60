"""Commands that give a role a file, with the file filled in where exactly one fits.

candidates: best.onnx, notes.txt          →  mvc add best.onnx --as model-latest
candidates: a.onnx, b.onnx                →  mvc add FILE --as model-latest
candidates: exported/saved_model.pb, …    →  python3 -m zipfile -c exported.zip exported/. && mvc add exported.zip …
"""

from __future__ import annotations

import posixpath
import shlex

from mvc.model.toml.schema import dotted
from mvc.readiness.saved_model import MAIN_FILES
from mvc.readiness.subject import Subject

FILE, FOLDER = "FILE", "FOLDER"
"""Placeholders."""
_TENSORFLOW = "TENSORFLOW"
SUFFIXES_BY_FRAMEWORK = {
    "ONNX": (".onnx",),
    "PYTORCH": (".pt", ".pth", ".ckpt", ".safetensors", ".torchscript"),
    _TENSORFLOW: (".h5", ".keras", ".tflite"),
}
"""The suffixes of the weights that the jobs of a framework load."""
_WEIGHTS = tuple(suffix for suffixes in SUFFIXES_BY_FRAMEWORK.values() for suffix in suffixes)
_CONFIGS = (".config", ".yaml", ".yml", ".json", ".cfg")
_CHECKPOINTS = {"checkpoint-index-latest": (".index",), "checkpoint-data-latest": (".data-00000-of-00001",)}
"""Roles of the two parts of a TensorFlow checkpoint, and the ends of their names."""


def add_command(role: str, subject: Subject | None = None, suffixes: tuple[str, ...] = ()) -> str:
    """Return the command that gives `role` a file with one of `suffixes`; without these, as the role and framework ask.

    A role that `model.toml` has already gets another file.
    """
    if subject is not None and role == "model-latest" and _is_tensorflow(subject) and not suffixes:
        return zip_command(role, subject)
    file = fitting(subject, suffixes or _suffixes(role, subject)) if subject is not None else FILE
    return _assign(role, file, subject)


def zip_command(role: str, subject: Subject) -> str:
    """Return the command that makes the archive of a SavedModel, with its files at the top, and gives it the role."""
    folders = {posixpath.dirname(path) for path in subject.candidates if posixpath.basename(path) in MAIN_FILES}
    folder = folders.pop() if len(folders) == 1 else ""
    archive = _unused(f"{folder or 'saved_model'}.zip", subject)
    inside = f"{argument(folder) if folder else FOLDER}/."
    return f"python3 -m zipfile -c {argument(archive)} {inside} && {_assign(role, archive, subject)}"


def fitting(subject: Subject, suffixes: tuple[str, ...]) -> str:
    """Return the only file of the working tree with one of `suffixes`, else FILE."""
    paths = [path for path in subject.candidates if path.lower().endswith(suffixes)]
    return paths[0] if len(paths) == 1 and paths[0] != subject.manifest.labelmap_path else FILE


def _assign(role: str, file: str, subject: Subject | None) -> str:
    if subject is not None and role in subject.manifest.files:
        key = dotted(("files", role))
        return f"mvc set {shlex.quote(key)}={FILE}" if file == FILE else f"mvc set {shlex.quote(f'{key}={file}')}"
    return f"mvc add {FILE if file == FILE else argument(file)} --as {shlex.quote(role)}"


def _suffixes(role: str, subject: Subject | None) -> tuple[str, ...]:
    framework = subject.manifest.framework if subject is not None else None
    if role == "config":
        return _CONFIGS
    if role in _CHECKPOINTS and framework == _TENSORFLOW:
        return _CHECKPOINTS[role]
    return SUFFIXES_BY_FRAMEWORK.get(framework or "", _WEIGHTS)


def _is_tensorflow(subject: Subject) -> bool:
    return subject.manifest.framework == _TENSORFLOW


def _unused(path: str, subject: Subject) -> str:
    """Return `path`, with the first number that makes it another path than every file."""
    stem, suffix = posixpath.splitext(path)
    number, name = 1, path
    while name in subject.candidates or name in subject.tree.by_path:
        number += 1
        name = f"{stem}-{number}{suffix}"
    return name


def argument(path: str) -> str:
    """Return a path as an argument of a command: quoted, and not an option."""
    return shlex.quote(f"./{path}" if path.startswith("-") else path)
