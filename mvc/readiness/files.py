"""Conditions on the files of a version: their roles, their names, and what they hold.

A published file is called by its role, so `HasFile` wants one file of exactly that role; `HasRole` is content with a pattern's.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from mvc.model.toml.schema import dotted
from mvc.readiness.subject import Subject
from mvc.readiness.verdict import OK, Verdict, no, unknown

SAVED_MODEL = frozenset({"saved_model.pb", "saved_model.pbtxt"})
"""What makes a folder a SavedModel (TensorFlow's guide "Using the SavedModel format", "The SavedModel format on disk")."""
_SHOWN = 3
"""Files that one verdict names, at most."""


def add(role: str, subject: Subject | None = None) -> str:
    """The command that gives `role` a file; of a subject whose `model.toml` has another in mind, the one that changes that."""
    if subject is not None and role in subject.manifest.files:
        return f"mvc set {shlex.quote(dotted(('files', role)))}=FILE"
    return f"mvc add FILE --as {shlex.quote(role)}"


def has_files(subject: Subject) -> Verdict:
    """Some file is tracked."""
    return OK if subject.tree.entries else no("there are no files")


def are_sound(subject: Subject) -> Verdict:
    """No weight file is empty, truncated or malformed."""
    found = {entry.path: subject.contents.fault(entry) for entry in subject.tree.entries}
    wrong = [f"{path}: {reason}" for path, reason in found.items() if reason]
    if wrong:
        return no("; ".join([*wrong[:_SHOWN], *([f"{len(wrong) - _SHOWN} more"] if len(wrong) > _SHOWN else [])]))
    return unknown("the bytes of some files are not here") if None in found.values() else OK


@dataclass(frozen=True, slots=True)
class HasFile:
    """A file of exactly this role."""

    role: str

    def __call__(self, subject: Subject) -> Verdict:
        """Whether it is there."""
        if subject.file(self.role) is not None:
            return OK
        several = len(subject.files(self.role))
        why = f"{self.role} is a role of {several} files" if several else f"there is no file {self.role}"
        return no(why, add(self.role, subject))


@dataclass(frozen=True, slots=True)
class HasRole:
    """At least one file of this role, which a pattern may fill."""

    role: str

    def __call__(self, subject: Subject) -> Verdict:
        """Whether there is one."""
        return OK if subject.files(self.role) else no(f"there is no file {self.role}", add(self.role, subject))


@dataclass(frozen=True, slots=True)
class FileEndsIn:
    """The file of this role has a name that ends so, in small letters or capitals."""

    role: str
    suffix: str

    def __call__(self, subject: Subject) -> Verdict:
        """Look at the end of its path."""
        entry = subject.file(self.role)
        if entry is None:
            return HasFile(self.role)(subject)
        return OK if entry.path.lower().endswith(self.suffix) else no(f"{self.role} is {entry.path}")


@dataclass(frozen=True, slots=True)
class ZipOfSavedModel:
    """The file of this role is a zip archive with a TensorFlow SavedModel at its top."""

    role: str

    def __call__(self, subject: Subject) -> Verdict:
        """Look at the names in the archive."""
        entry = subject.file(self.role)
        if entry is None:
            return HasFile(self.role)(subject)
        names = subject.contents.members(entry)
        if names is None:
            return unknown(f"the bytes of {self.role} are not here")
        if SAVED_MODEL.intersection(names):
            return OK
        return no("saved_model.pb is not at the top of the archive" if names else f"{self.role} is no zip archive")


@dataclass(frozen=True, slots=True)
class HasFormat:
    """A file of this format: its name ends in it, or its header says so."""

    format: str

    def __call__(self, subject: Subject) -> Verdict:
        """Names first, then headers."""
        wanted = self.format.lower().removeprefix(".")
        entries = subject.tree.entries
        if any(entry.path.lower().endswith(f".{wanted}") for entry in entries):
            return OK
        found = set()
        for entry in entries:
            found.add(subject.contents.format(entry))
            if wanted in found:
                return OK
        return unknown("the bytes of some files are not here") if None in found else no(f"no file is {self.format}")
