"""Conditions on the files of a version: their roles, names and content.

A registry names a published file by its role, so `HasFile` requires one file of exactly that role, or a folder that is
published as one; `HasRole` also accepts the files of a pattern.
"""

from __future__ import annotations

import posixpath
from collections.abc import Collection

from mvc.deferred import dataclass
from mvc.readiness.fit import FILE, add_command, argument, fitting, zip_command
from mvc.readiness.saved_model import MAIN_FILES
from mvc.readiness.subject import Subject
from mvc.readiness.verdict import OK, Verdict, no, unknown

_MAX_SHOWN = 3
"""Files named in one verdict, at most."""
_NOT_LOCAL = "the content of some files is not in this repository"


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
    """One file has exactly this role, or a folder that is published as one archive."""

    role: str

    def __call__(self, subject: Subject) -> Verdict:
        """Look the role up in the tree."""
        if subject.file(self.role) is not None or self.role in subject.archived:
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
        if entry.path.lower().endswith(self.suffix):
            return OK
        return no(f"{self.role} is {entry.path}", add_command(self.role, subject, (self.suffix,)))


@dataclass(frozen=True, slots=True)
class ZipOfSavedModel:
    """The file with this role is a zip archive with a TensorFlow SavedModel at its top, or published as one."""

    role: str

    def __call__(self, subject: Subject) -> Verdict:
        """Compare the names of the archive's members."""
        if self.role in subject.archived:
            return OK
        entry = subject.file(self.role)
        if entry is None:
            return HasFile(self.role)(subject)
        names = subject.contents.members(entry)
        if names is None:
            return unknown(f"the content of {self.role} is not in this repository")
        if MAIN_FILES.intersection(names):
            return OK
        return no(_archive_fault(self.role, names), zip_command(self.role, subject))


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
        if None in formats:
            return unknown(_NOT_LOCAL)
        file = fitting(subject, (f".{expected}",))
        return no(f"no file is in {self.format} format", f"mvc add {file if file == FILE else argument(file)}")


def _archive_fault(role: str, names: Collection[str]) -> str:
    """Return why an archive with these members is not that of a SavedModel."""
    if not names:
        return f"{role} is not a zip archive"
    inside = sorted(name for name in names if posixpath.basename(name) in MAIN_FILES)
    if not inside:
        return "saved_model.pb is not in the archive"
    folder = posixpath.dirname(inside[0])
    return f"saved_model.pb is in the folder {folder} of the archive; zip the files of the folder, not the folder"


def _missing(role: str) -> str:
    return f"no file has the role {role}"
