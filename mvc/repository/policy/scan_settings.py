"""The settings of the scan in effect: those of the user, and `[scan]` of both policy.toml.

    level   the strictest of scan.level (default unreadable) and each `[scan] level`: a policy never makes it looser
    allow   the classes of scan.allow, and of each `[scan] allow`
    command the program of scan.command: of the user only

A policy.toml may come with a repository, as a class in a file does. So a list of classes there has no other effect than
that of the user's own: it drops findings about classes, and never one about a call.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from mvc.deferred import dataclass
from mvc.repository.policy import files
from mvc.scan import allow
from mvc.scan.policy import parse
from mvc.scan.policy.scan_table import ScanTable
from mvc.scan.verdict import Verdict
from mvc.storage.records.config import OFF, SCAN_ALLOW, SCAN_COMMAND, SCAN_LEVEL, UNREADABLE, Config, command_of

if TYPE_CHECKING:
    from mvc.repository.repository import Repository


@dataclass(frozen=True, slots=True)
class ScanSettings:
    """The least verdict that a commit refuses, None for none; the user's own classes, and the tables of policies."""

    level: Verdict | None
    own: tuple[str, ...]
    tables: tuple[ScanTable, ...] = ()
    command: tuple[str, ...] = ()
    """The words of the user's program for a second opinion, none for none."""

    @property
    def allow(self) -> tuple[str, ...]:
        """The classes that files may need, each once."""
        return tuple(dict.fromkeys((*self.own, *(name for table in self.tables for name in table.allow))))

    @property
    def shared(self) -> dict[str, tuple[str, ...]]:
        """The classes that a policy allows besides the user's settings, by the file."""
        added = {table.file: tuple(name for name in table.allow if name not in self.own) for table in self.tables}
        return {file: names for file, names in added.items() if names}


def of_repository(repository: Repository) -> ScanSettings:
    """Return the settings for a repository. Raises as `of`."""
    return of(repository.config, repository.root, repository.user_config)


def of(config: Config, root: Path | None, user_config: Path | None) -> ScanSettings:
    """Return the settings for the repository at `root`, None for plain files. Raises BadPolicy, BadConfig, BadSetting."""
    tables = tuple(_tables(root, user_config))
    word = str(config.get(SCAN_LEVEL) or UNREADABLE)
    levels = [table.level for table in tables if table.level is not None]
    levels += [Verdict[word.upper()]] if word != OFF else []
    own = allow.of_setting(config.get(SCAN_ALLOW) or "", SCAN_ALLOW)
    words = config.get(SCAN_COMMAND)
    command = () if words is None else command_of(SCAN_COMMAND, words)
    return ScanSettings(min(levels, default=None), own, tables, command)


def _tables(root: Path | None, user_config: Path | None) -> Iterator[ScanTable]:
    for shown, data in files.read(root, user_config):
        yield parse.settings(data, shown)
