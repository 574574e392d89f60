"""Plain files and folders, without a repository: compared, scanned, and listed with their tensors."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable
from typing import Literal

from mvc import errors
from mvc.api.session import PathLike, texts
from mvc.environment import Environment
from mvc.porcelain import diff_files as comparison
from mvc.porcelain import ls_files as listing
from mvc.porcelain import scan
from mvc.porcelain.diff_files import FilesDiff
from mvc.porcelain.ls_files import FilesListed
from mvc.porcelain.scan import Scanned
from mvc.porcelain.verify_oms import VerifiedFolder, verify_folder
from mvc.repository import discovery
from mvc.repository.policy import scan_settings
from mvc.storage.records.config import Config


def diff_files(old: PathLike, new: PathLike, *, tensors: Literal["headers", "deep"] | None = None) -> FilesDiff:
    """Compare two files or folders, those of folders by path; with a model.toml in both, labelmap and values, too.

    `tensors` also compares the tensors of modified files: by digests of their bytes, or with `deep` by their weights.
    Nothing is written. Raises NoSuchFile, NotComparable, UnreadablePath.
    """
    places = [Environment.current().cwd / path for path in (old, new)]
    return comparison.diff_files(*places, shown=(os.fspath(old), os.fspath(new)), tensors=tensors)


def list_files(*paths: PathLike, ids: bool = False, tensors: bool = True, licenses: bool = False) -> FilesListed:
    """List files, and all files below folders, with the tensors of each, `ids`, and the `licenses` that they name; nothing is written.

    Raises NoSuchFile, NotComparable, UnreadablePath.
    """
    cwd = Environment.current().cwd
    names = [os.fspath(path) for path in paths]
    return listing.ls_files([cwd / name for name in names], shown=names, ids=ids, tensors=tensors, licenses=licenses)


def scan_files(*paths: PathLike, allow: Iterable[str] = ()) -> Scanned:
    """Scan files, and all files below folders, for what a loader would run; nothing is loaded. `allow` names classes.

    The settings scan.allow and scan.command count, too, and `[scan]` of the policy.toml of the user, and of the repository
    of the current folder for files in it. What was not scanned is in `left_out` of the result, and what cannot be read
    has no verdict. Raises NoSuchFile, NotComparable, BadPolicy, BadConfig.
    """
    environment, root = Environment.current(), None
    cwd, own = environment.cwd, environment.user_config
    with contextlib.suppress(errors.NoRepository):
        root = discovery.find_root(cwd)
    settings = scan_settings.of(Config(None, own), root, own)
    asked = scan.command_of(settings)
    files = (file for path in paths for file in scan.plain(cwd / path, os.fspath(path), root, asked))
    return scan.judged(files, settings, texts(allow)).result


def verify_files(folder: PathLike, *, key: PathLike, signature: PathLike | None = None) -> VerifiedFolder:
    """Verify a folder with an OMS signature, by the public key in a PEM file; `signature` is model.sig in it by default.

    `status` of the result is good, untrusted or mismatch. Raises BadOmsSignature, NoPublicKey, MissingPackage.
    """
    cwd = Environment.current().cwd
    return verify_folder(cwd / folder, cwd / key, signature=None if signature is None else cwd / signature)
