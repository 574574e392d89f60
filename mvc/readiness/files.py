"""Conditions on the files of a version: their roles, names and content.

A registry names a published file by its role, so `HasFile` requires one file of exactly that role; `HasRole` also
accepts the files of a pattern.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from mvc.model.toml.schema import dotted
from mvc.readiness.subject import Subject
from mvc.readiness.verdict import OK, Verdict, no, unknown

SAVED_MODEL = frozenset({"saved_model.pb", "saved_model.pbtxt"})
"""Files that make a folder a SavedModel (TensorFlow guide "Using the SavedModel format")."""
_MAX_SHOWN = 3
"""Files named in one verdict, at most."""
_NOT_LOCAL = "the content of some files is not in this repository"


def add_command(role: str, subject: Subject | None = None) -> str:
    """Return the command that gives `role` a file, or that changes the file `model.toml` of `subject` names for it."""
    if subject is not None and role in subject.manifest.files:
        return f"mvc set {shlex.quote(dotted(('files', role)))}=FILE"
    return f"mvc add FILE --as {shlex.quote(role)}"


def has_files(subject: Subject) -> Verdict:
    """Check that at least one file is tracked."""
    return OK if subject.tree.entries else no("no files are tracked")


def weights_are_valid(subject: Subject) -> Verdict:
    """Check that no weight file is empty, truncated or malformed."""
    faults = {entry.path: subject.contents.fault(entry) for entry in subject.tree.entries}
    reasons = [f"{path}: {fault}" for path, fault in faults.items() if fault]
    if reasons:
        rest = len(reasons) - _MAX_SHOWN
        return no("; ".join([*reasons[:_MAX_SHOWN], *([f"{rest} more"] if rest > 0 else [])]))
    return unknown(_NOT_LOCAL) if None in faults.values() else OK


@dataclass(frozen=True, slots=True)
class HasFile:
    """One file has exactly this role."""

    role: str

    def __call__(self, subject: Subject) -> Verdict:
        """Look the role up in the tree."""
        if subject.file(self.role) is not None:
            return OK
        count = len(subject.files(self.role))
        why = f"{count} files have the role {self.role}" if count else _missing(self.role)
        return no(why, add_command(self.role, subject))


@dataclass(frozen=True, slots=True)
class HasRole:
    """At least one file has this role, possibly by a pattern."""

    role: str

    def __call__(self, subject: Subject) -> Verdict:
        """Look for files of the role in the tree."""
        return OK if subject.files(self.role) else no(_missing(self.role), add_command(self.role, subject))


@dataclass(frozen=True, slots=True)
class HasSuffix:
    """The path of the file with this role ends in `suffix`, in either letter case."""

    role: str
    suffix: str

    def __call__(self, subject: Subject) -> Verdict:
        """Compare the end of the path."""
        entry = subject.file(self.role)
        if entry is None:
            return HasFile(self.role)(subject)
        return OK if entry.path.lower().endswith(self.suffix) else no(f"{self.role} is {entry.path}")


@dataclass(frozen=True, slots=True)
class ZipOfSavedModel:
    """The file with this role is a zip archive with a TensorFlow SavedModel at its top."""

    role: str

    def __call__(self, subject: Subject) -> Verdict:
        """Compare the names of the archive's members."""
        entry = subject.file(self.role)
        if entry is None:
            return HasFile(self.role)(subject)
        names = subject.contents.members(entry)
        if names is None:
            return unknown(f"the content of {self.role} is not in this repository")
        if SAVED_MODEL.intersection(names):
            return OK
        return no("saved_model.pb is not at the top of the archive" if names else f"{self.role} is not a zip archive")


@dataclass(frozen=True, slots=True)
class HasFormat:
    """A file has this format, by the suffix of its name or by its header."""

    format: str

    def __call__(self, subject: Subject) -> Verdict:
        """Compare names first: reading headers takes longer."""
        expected = self.format.lower().removeprefix(".")
        entries = subject.tree.entries
        if any(entry.path.lower().endswith(f".{expected}") for entry in entries):
            return OK
        formats = set()
        for entry in entries:
            formats.add(subject.contents.format(entry))
            if expected in formats:
                return OK
        return unknown(_NOT_LOCAL) if None in formats else no(f"no file is in {self.format} format")


def _missing(role: str) -> str:
    return f"no file has the role {role}"
