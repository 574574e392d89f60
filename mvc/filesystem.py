"""The fsspec filesystem `mvc://`: read access to the files of versions without a checkout.

    fsspec.open("mvc://helmets@prod/model-latest", repo=".")         by role
    fsspec.open("mvc://helmets@v7/./weights/best.onnx", repo="s3://team-models/vision")

A `/` in MODEL or REV is percent-encoded. Without `@REV`, it is the model's current version.
"""

from __future__ import annotations

import errno
import os
from typing import Any
from urllib.parse import quote, unquote

from fsspec.spec import AbstractBufferedFile, AbstractFileSystem

from mvc import errors
from mvc.model import roles
from mvc.model.ids import VersionId
from mvc.model.tree import Tree, TreeEntry
from mvc.porcelain.open import open_repository
from mvc.repository import revisions
from mvc.repository.model import Model
from mvc.repository.policy import take
from mvc.repository.repository import Repository
from mvc.transport.file_reader import FileReader


class MvcFileSystem(AbstractFileSystem):  # type: ignore[misc]  # fsspec has no types
    """The versions of one repository as folders, `MODEL@REV`, of files.

    `repo` is a folder in a repository, or the URL of a remote, or `URL#MODEL`. A missing file raises FileNotFoundError,
    writing raises OSError (EROFS); other failures raise the errors of `mvc.errors`, TakeRefused for a name that the policy
    refuses.
    """

    protocol = "mvc"
    root_marker = ""
    cachable = False  # a revision may resolve to another version later

    def __init__(self, repo: str | os.PathLike[str] = ".", **options: Any) -> None:
        """Open the repository; raise as `open_repository` does."""
        super().__init__(**options)
        text = os.fspath(repo)
        self._repo = text if "://" in text else os.path.abspath(text)
        self._repository: Repository = open_repository(repo)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the arguments; a folder by its absolute path, as a worker may run in another one."""
        options = {name: value for name, value in self.storage_options.items() if name != "repo"}
        return _make, (type(self), self._repo, options)

    def ls(self, path: str, detail: bool = True, **_: Any) -> list[Any]:  # noqa: FBT001, FBT002 - fsspec's signature
        """List the models, or the files and folders in a folder of a version."""
        name = self._strip_protocol(path).strip("/")
        entries = self._models() if not name else self._listing(name)
        return entries if detail else [entry["name"] for entry in entries]

    def info(self, path: str, **_: Any) -> dict[str, Any]:
        """Describe a file, a folder or a version: name, type, size in bytes, and a file's role and id."""
        name = self._strip_protocol(path).strip("/")
        if not name:
            return _folder("")
        version, tree, below = self._split(name)
        entry = _find(tree, below)
        if entry is not None:
            return {**_file(version, entry), "name": name}
        self._listing(name)
        return _folder(name)

    def _open(self, path: str, mode: str = "rb", block_size: int | None = None, **options: Any) -> _File:
        if mode != "rb":
            raise OSError(errno.EROFS, "versions never change; commit a new one", path)
        options.pop("autocommit", None)
        options.pop("size", None)  # of a pickled file
        name = self._strip_protocol(path).strip("/")
        version, id_, tree, below = self._resolve(name)
        entry = _find(tree, below)
        if entry is None:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
        self._check(version)
        reader = FileReader(self._repository, entry.file)
        fixed = f"{version.partition('@')[0]}@{id_}/./{entry.path}"
        return _File(self, name, (reader, fixed), block_size=block_size or "default", **options)

    def cat_file(self, path: str, start: int | None = None, end: int | None = None, **_: Any) -> bytes:
        """Read a file from `start` to `end`, and only the chunks of this range."""
        version, tree, below = self._split(self._strip_protocol(path).strip("/"))
        entry = _find(tree, below)
        if entry is None:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
        self._check(version)
        first, last, _step = slice(start, end).indices(entry.size)
        with FileReader(self._repository, entry.file) as reader:
            return reader.read_range(first, max(0, last - first))

    def _check(self, version: str) -> None:
        """Raise TakeRefused if the policy refuses the name in `MODEL@REV`."""
        model, _, revision = version.partition("@")
        take.check(Model(self._repository, unquote(model)), unquote(revision) or "HEAD")

    def _split(self, name: str) -> tuple[str, Tree, str]:
        """Split a name into `MODEL@REV`, its tree, and the path within it; raise FileNotFoundError."""
        version, _, tree, below = self._resolve(name)
        return version, tree, below

    def _resolve(self, name: str) -> tuple[str, VersionId, Tree, str]:
        """Split a name as `_split`, with the id of the version."""
        version, _, below = name.partition("/")
        model, at, revision = version.partition("@")
        key = unquote(model)
        if self._repository.heads.get(key) is None:
            raise FileNotFoundError(errno.ENOENT, f"no model {key}", name)
        try:
            id_ = revisions.resolve(Model(self._repository, key), unquote(revision) if at else "HEAD")
        except (errors.UnknownRevision, errors.NoVersionYet) as error:
            raise FileNotFoundError(errno.ENOENT, error.message, name) from error
        objects = self._repository.objects
        found = objects.version(id_)
        return version, id_, roles.expanded(objects.manifest(found.manifest), objects.tree(found.tree)), below

    def _models(self) -> list[dict[str, Any]]:
        return [_folder(quote(model, safe="")) for model in self._repository.heads.models()]

    def _listing(self, name: str) -> list[dict[str, Any]]:
        """List the files and folders directly in a folder of a version."""
        version, tree, below = self._split(name)
        entry = _find(tree, below) if below else None
        if entry is not None:
            return [_file(version, entry)]
        prefix = f"{below.removeprefix('./').rstrip('/')}/" if below else ""
        inside = [entry for entry in tree.entries if entry.path.startswith(prefix)]
        if below and not inside:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), name)
        inside = list({entry.path: entry for entry in inside}.values())
        names = [(entry.path[len(prefix) :].partition("/"), entry) for entry in inside]
        files = [_file(version, entry) for (_, slash, _), entry in names if not slash]
        folders = {folder for (folder, slash, _), _ in names if slash}
        return files + [_folder(f"{version}/{prefix}{folder}") for folder in sorted(folders)]


class _File(AbstractBufferedFile):  # type: ignore[misc]  # fsspec has no types
    """A file of a version, open for reading; it is pickled under a name with the version's id, which never moves."""

    def __init__(self, filesystem: MvcFileSystem, path: str, opened: tuple[FileReader, str], **options: Any) -> None:
        self._reader, self._fixed = opened
        super().__init__(filesystem, path, mode="rb", size=self._reader.size, **options)

    def __reduce__(self) -> tuple[Any, ...]:
        reopen, arguments = super().__reduce__()
        return reopen, (self.fs, self._fixed, *arguments[2:])

    def _fetch_range(self, start: int, end: int) -> bytes:
        return self._reader.read_range(start, end - start)

    def close(self) -> None:
        """Close the file and its connections."""
        if not self.closed:
            self._reader.close()
        super().close()


def _make(kind: type[MvcFileSystem], repo: str, options: dict[str, Any]) -> MvcFileSystem:
    """Return a filesystem from its pickled arguments."""
    return kind(repo=repo, **options)


def _find(tree: Tree, below: str) -> TreeEntry | None:
    """Return the file of a role, else at a path; `./` forces a path."""
    path = below.removeprefix("./")
    return (None if path != below else tree.by_role.get(below)) or tree.by_path.get(path)


def _file(version: str, entry: TreeEntry) -> dict[str, Any]:
    """Return the description of a file that fsspec expects."""
    name = f"{version}/{entry.path}"
    return {"name": name, "type": "file", "size": entry.size, "role": entry.role, "id": entry.file}


def _folder(name: str) -> dict[str, Any]:
    return {"name": name, "type": "directory", "size": 0}
