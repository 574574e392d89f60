r"""The scan cache: reports on stored files, so that a version is scanned once by each user.

    ~/.cache/mvc/scan/<BLAKE3 of the repository's path>     1 <BLAKE3 of the rest>\n{"rules": "…", "reports": {"<key>": [...], …}}

    key = BLAKE3 of the path in the version, and of the recipe: the chunks that were read are those that the file has

It is in a folder of the user, not in `.mvc`: a copied repository could have false answers. A recipe's chunks are
verified when they are read, so that the key identifies the bytes that were scanned, also if the recipe is a false one. Reports are
kept as they are before classes are allowed, and for the same rules, program and libraries only. An unreadable file is
scanned again. The cache may be deleted or damaged at any time. A command that writes one removes those of repositories that were
not scanned for `MAX_AGE`, and all but the newest `MAX_FILES`, most of which are of clones that are gone.
"""

from __future__ import annotations

import contextlib
import json
import os
import stat
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mvc import errors, lazy
from mvc.deferred import regex
from mvc.model import canonical
from mvc.model.ids import DIGITS, FileId, digest
from mvc.model.tree import TreeEntry
from mvc.scan.verdict import RULES_VERSION, Finding, Report, Verdict
from mvc.storage.disk import confined, outside

if TYPE_CHECKING:
    from mvc.storage.chunks.recipes import Recipe

FOLDER = "scan"
MAX_BYTES = 64 << 20
MAX_REPORTS = 50_000
"""Reports of one repository, at most; the ones that were used last are kept."""
MAX_AGE = 90 * 86_400
"""Seconds since the last use after which the reports of a repository are removed."""
MAX_FILES = 1_000
"""Repositories whose reports are kept, at most."""
_FORMAT = b"1 "
_HEAD = len(_FORMAT) + DIGITS
_NAME = regex(rf"[0-9a-f]{{{DIGITS}}}\Z")


class ScanCache:
    """The reports on files of one repository; without a folder of the user, none is kept."""

    def __init__(self, recipes: Callable[[FileId], Recipe | None], root: Path, folder: Path | None) -> None:
        """Read the cache of the repository at `root` on first use; `recipes` returns the one by which a file is read.

        `folder` is that of the user, None for none.
        """
        self._recipes = recipes
        name = digest(os.fsencode(os.path.realpath(root)))
        self._path = folder / FOLDER / name if folder is not None else None
        self._reports: dict[str, Any] | None = None
        self._changed = False
        self._used = False

    def key(self, entry: TreeEntry) -> str | None:
        """Return the key of a stored file; None without a cache, or if bytes of the file are absent. Raises Damaged."""
        recipe = self._recipes(entry.file) if self._path is not None else None
        return digest(canonical.encode([entry.path, recipe.id()])) if recipe is not None else None

    def get(self, key: str) -> Report | None:
        """Return the report for a key, None for none."""
        reports = self._loaded()
        report = _decoded(reports.get(key))
        if report is not None:
            reports[key] = reports.pop(key)
            self._used = True
        return report

    def add(self, key: str, report: Report) -> None:
        """Keep a report, unless the file is unreadable: another run may read it."""
        if report.verdict is Verdict.UNREADABLE or any(
            finding.verdict is Verdict.UNREADABLE for finding in report.findings
        ):
            return
        self._loaded()[key] = _encoded(report)
        self._changed = True

    def save(self) -> None:
        """Write the cache if it changed, and remove old ones; ignore a folder that cannot be written."""
        if self._path is None:
            return
        if not self._changed:
            self._renew()
            return
        kept = dict([*self._loaded().items()][-MAX_REPORTS:])
        body = json.dumps({"rules": rules(), "reports": kept}, separators=(",", ":")).encode()
        self._changed = False
        with contextlib.suppress(OSError, errors.MvcError):
            outside.replace_outside(self._path, _FORMAT + digest(body).encode() + b"\n" + body)
            _sweep(self._path)

    # --- inside

    def _renew(self) -> None:
        """Set the time of the last change of the cache, which is that of its last use."""
        if self._used and self._path is not None:
            with contextlib.suppress(OSError):
                os.utime(self._path, follow_symlinks=False)

    def _loaded(self) -> dict[str, Any]:
        if self._reports is None:
            self._reports = self._read() if self._path is not None else {}
        return self._reports

    def _read(self) -> dict[str, Any]:
        assert self._path is not None  # noqa: S101 - asked before
        try:
            if not _is_own(self._path):
                return {}
            data = confined.read_regular(self._path, MAX_BYTES)
            body = data[_HEAD + 1 :]
            if data[:_HEAD] != _FORMAT + digest(body).encode():
                return {}
            content = json.loads(body)
            return dict(content["reports"]) if content["rules"] == rules() else {}
        except (OSError, errors.MvcError, ValueError, TypeError, KeyError, RecursionError):
            return {}


def rules() -> str:
    """Return what the answers depend on besides the bytes: the rules, this program and Python, and optional libraries."""
    program = getattr(sys.modules.get("mvc"), "__version__", "")
    libraries = [name for name in ("h5py",) if lazy.installed(name)]
    return " ".join([str(RULES_VERSION), program, sys.version.split()[0], *libraries])


def _sweep(path: Path) -> None:
    """Remove the caches beside a new one that are old, or too many. Raises OSError."""
    with os.scandir(path.parent) as entries:
        names = [entry for entry in entries if _NAME.match(entry.name)]
        found = sorted(((entry.stat(follow_symlinks=False).st_mtime, entry.name) for entry in names), reverse=True)
    oldest = os.stat(path).st_mtime - MAX_AGE
    for number, (time, name) in enumerate(found):
        if number >= MAX_FILES or time < oldest:
            outside.remove_outside(path.parent / name)


def _is_own(path: Path) -> bool:
    """Return whether a file is one that only this user can write."""
    status = os.stat(path, follow_symlinks=False)
    return status.st_uid == os.geteuid() and not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def _encoded(report: Report) -> list[Any]:
    findings = [[f.rule, int(f.verdict), f.place, f.offset, f.message, [*f.names], [*f.calls]] for f in report.findings]
    return [int(report.verdict), list(report.formats), findings, report.is_unknown]


def _strings(values: Any) -> tuple[str, ...]:
    return tuple(map(str, values))


def _decoded(row: Any) -> Report | None:
    """Return the report of a row, None for a row of another form."""
    try:
        verdict, formats, rows, is_unknown = row
        findings = tuple(
            Finding(str(rule), Verdict(worst), str(place), int(offset), str(message), _strings(names), _strings(calls))
            for rule, worst, place, offset, message, names, calls in rows
        )
        return Report(Verdict(verdict), tuple(map(str, formats)), findings, bool(is_unknown))
    except (TypeError, ValueError):
        return None
