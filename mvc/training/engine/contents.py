"""What a version of a run consists of, and where it goes; also as a request, which can be recorded later."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from dataclasses import field, replace
from pathlib import Path
from typing import Any, Self

from mvc.api import values
from mvc.deferred import dataclass
from mvc.model.toml.schema import dotted
from mvc.model.version import Code, Person, Timestamp
from mvc.repository.record.options import Changes, Options
from mvc.repository.record.request import RecordRequest, RequestedFile
from mvc.training import messages
from mvc.training.plan import SECTIONS

_REPLACED = ("metrics", "labelmap", "parameters")
"""Sections that describe one training: given values replace those of the parent."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a version goes: a branch (None: the current one), with tags and aliases."""

    branch: str | None
    tags: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()

    @property
    def names(self) -> str:
        """The tags and aliases, for messages."""
        return " and ".join((*(f"tag {name}" for name in self.tags), *(f"alias {name}" for name in self.aliases)))


@dataclass(frozen=True, slots=True)
class Contents:
    """What a version of a run consists of: files by role, values by section, and its message.

    `names` are the paths in the version of files that keep theirs, by role. The values are those of the weights as they were
    `given`, and of the files that belong to them.
    """

    files: Mapping[str, Path]
    sections: Mapping[str, Any]
    message: str
    names: Mapping[str, str] = field(default_factory=dict)
    given: Mapping[Path, RequestedFile] = field(default_factory=dict)

    @property
    def replaced(self) -> list[str]:
        """The sections that replace those of the parent."""
        return [name for name in _REPLACED if self.sections.get(name) is not None]

    def marked(self, mark: str) -> Self:
        """Return the contents with a mark in the message: `Run exp1: mAP50 0.71 (failed)`."""
        return replace(self, message=messages.marked(self.message, mark))

    def _requested(self, path: Path, *, has_ended: bool) -> RequestedFile:
        given = self.given.get(path)
        if given is None:
            return RequestedFile.of(path) if has_ended else RequestedFile(path)
        return given.settled() if has_ended else given

    def command(self, root: Path, model: str, place: Place) -> str:
        """Return the command that records files and metrics by name, for a request that cannot be written anywhere."""
        branch = ("--branch", place.branch) if place.branch is not None else ()
        files = [word for role, path in self.files.items() for word in ("--file", f"{role}={path}")]
        metrics = self.sections.get("metrics") or {}
        values = [word for key, value in metrics.items() for word in ("--set", f"{dotted(('metrics', key))}={value}")]
        message = ("-m", self.message.partition("\n")[0])
        return shlex.join(
            ["mvc", "--repo", os.fspath(root), "--model", model, "record", *message, *branch, *files, *values]
        )

    def request(
        self, model: str, place: Place, author: Person, time: Timestamp, code: Code | None, reason: str
    ) -> RecordRequest:
        """Return the request to record these contents later.

        With a `reason`, the training has ended: the files are read, for their ids. Before, nothing is read, and only weights
        and their files are meant as they were given: others, such as its log, are still written to.
        """
        given = [self.sections.get(name) for name in SECTIONS]
        found = values.sections(values.by_section(*given), self.replaced)
        return RecordRequest(
            model=model,
            files={role: self._requested(path, has_ended=bool(reason)) for role, path in self.files.items()},
            message=self.message,
            author=author,
            time=time,
            changes=Changes(found.assignments, found.removed, found.replaced),
            options=Options(branch=place.branch, tags=place.tags, aliases=place.aliases, names=self.names),
            code=code,
            reason=reason,
        )
