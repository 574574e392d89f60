"""Errors: the disk or the filesystem failed, or cannot do what mvc needs."""

from __future__ import annotations

from mvc.errors.base import Damaged, MvcError


class DiskFailed(MvcError):
    """Cannot write {path}: {reason}.

    Committed versions are not affected; fix the cause, then run the command again.
    """


class IrregularFile(Damaged):
    """{path} is {kind}; mvc keeps its own data only in regular files and folders.

    Nothing was read or written through {path}; remove it. To keep a repository on another disk, move the whole folder
    there and link to that folder.
    """


class NotWritable(MvcError):
    """Cannot write {path}: {reason}.

    Nothing was changed. Change the permissions of {path}, or choose another path.
    """


class CannotLink(MvcError):
    """{path} cannot share files with the cache of decoded files in {store}: {reason}.

    Nothing was exported. Choose a folder on the file system of the repository, or export without --link.
    """


class NoExclusiveCreate(MvcError):
    """The filesystem of {path} cannot create a file without possibly replacing one: it lacks hard links and exclusive
    rename.

    Concurrent commits could overwrite each other, so mvc wrote nothing there; move the repository to another
    filesystem.
    """


class FileChanged(MvcError):
    """{path} kept changing while it was read.

    Wait until the program that writes it has finished, then run the command again.
    """
