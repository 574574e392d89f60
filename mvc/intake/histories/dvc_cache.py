"""The cache of DVC: contents by MD5, in the layouts of DVC 2 and 3, in the cache folder or in a remote that is a folder.

.dvc/cache/files/md5/3f/a0…    since DVC 3
.dvc/cache/3f/a0…              before; the checksum of a text is that of its lines with line feeds alone
…/9c/41….dir                   a folder: [{"md5": "3f…", "relpath": "best.pt"}, …]
"""

from __future__ import annotations

import configparser
import hashlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mvc import errors
from mvc.formats.values import json_text
from mvc.formats.values.malformed import MalformedError
from mvc.intake.histories.dvc_files import FOLDER, Output
from mvc.model import textfile
from mvc.model.paths import check_inside
from mvc.model.tree import MAX_ENTRIES
from mvc.repository.imports.contents import opened

_CONFIGS = ("config", "config.local")
_MAX_CONFIG = 1 << 20
"""Bytes of a file of settings that are read."""
_MAX_LIST = 64 << 20
"""Bytes of a list of files, at most."""
_LAYOUTS = ("files/md5", ".")


class DvcCache:
    """The places of contents of the DVC repository whose folder `.dvc` is `place`."""

    def __init__(self, place: Path) -> None:
        """Read its settings: of the repository, then of this machine."""
        self._folders = list(dict.fromkeys(_folders(place)))
        self._lists: dict[str, tuple[tuple[str, str], ...] | str] = {}

    def find(self, checksum: str, size: int | None = None) -> Path | None:
        """Return the file with a content; None if there is none of that size."""
        for folder in self._folders:
            for layout in _LAYOUTS:
                path = folder / layout / checksum[:2] / checksum[2:]
                try:
                    status = path.lstat()
                except OSError:
                    continue
                if stat.S_ISREG(status.st_mode) and size in (None, status.st_size):
                    return path
        return None

    def files(self, output: Output) -> tuple[Output, ...] | str:
        """Return the files of a folder, or why they are unknown."""
        if output.files:
            return output.files
        if output.checksum not in self._lists:
            self._lists[output.checksum] = self._listed(output.checksum)
        listed = self._lists[output.checksum]
        if isinstance(listed, str):
            return listed
        return tuple(Output(f"{output.path}/{path}", checksum, output.algorithm) for path, checksum in listed)

    def _listed(self, checksum: str) -> tuple[tuple[str, str], ...] | str:
        path = self.find(checksum)
        if path is None:
            return f"the cache lacks {checksum}"
        try:
            data = _read(path, _MAX_LIST + 1)
        except errors.MvcError as error:
            return error.message.rstrip(".")
        if len(data) > _MAX_LIST:
            return f"{checksum} is larger than {_MAX_LIST >> 20} MiB"
        if hashlib.md5(data, usedforsecurity=False).hexdigest() != checksum.removesuffix(FOLDER):
            return f"{checksum} in the cache does not have this MD5"
        try:
            return tuple(_pairs(json_text.load(textfile.decode(data))))
        except (MalformedError, textfile.TextError) as error:
            return f"{checksum} is not a list of files: {error.reason}"


def _pairs(value: Any) -> Iterator[tuple[str, str]]:
    if not isinstance(value, list) or len(value) > MAX_ENTRIES:
        raise MalformedError(f"it is not a list of at most {MAX_ENTRIES:,} files")
    for entry in value:
        path, checksum = (entry.get("relpath"), entry.get("md5")) if isinstance(entry, dict) else (None, None)
        if not isinstance(path, str) or not isinstance(checksum, str) or not _is_md5(checksum):
            raise MalformedError("an entry has no relpath or no md5")
        try:
            check_inside(path)
        except errors.UnsafePath as error:
            raise MalformedError(error.message.rstrip(".")) from None
        yield path, checksum


def _is_md5(text: str) -> bool:
    return len(text) == 32 and all(letter in "0123456789abcdef" for letter in text)


def _folders(place: Path) -> Iterator[Path]:
    """Yield the cache folder, then the remotes that are folders, the default one first."""
    settings = configparser.RawConfigParser(strict=False, allow_no_value=True)
    for name in _CONFIGS:
        try:
            settings.read_string(_read(place / name, _MAX_CONFIG).decode())
        except (errors.MvcError, UnicodeDecodeError, configparser.Error):
            continue
        except AttributeError:  # configparser's own, for a further line of an option without a value
            continue
    yield _folder(place, settings.get("cache", "dir", fallback="") or "cache")
    default = settings.get("core", "remote", fallback="")
    remotes = {section.strip("'\" ")[len("remote") :].strip('" '): section for section in settings.sections()
               if section.strip("'\" ").startswith("remote ")}  # fmt: skip
    for name in sorted(remotes, key=lambda name: (name != default, name)):
        url = settings.get(remotes[name], "url", fallback="") or ""
        if url and "://" not in url:
            yield _folder(place, url)


def _read(path: Path, limit: int) -> bytes:
    with opened(path, path.name) as fd, open(fd, "rb", closefd=False) as file:
        return file.read(limit)


def _folder(place: Path, path: str) -> Path:
    return Path(os.path.normpath(place / os.path.expanduser(path.strip("'\""))))
