"""The contents of a commit's files: in Git, in the objects of Git LFS, or in the cache of DVC.

content in Git ─ a pointer of Git LFS? ─ no ─► git cat-file
                      └─ yes ─► .git/lfs/objects ─ absent ─► missing, named with the reason
output of DVC ─► .dvc/cache, remotes that are folders ─ absent ─► missing
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from mvc import errors
from mvc.deferred import dataclass
from mvc.intake.histories import lfs
from mvc.intake.histories.commit_files import GitFile
from mvc.intake.histories.dvc_cache import DvcCache
from mvc.intake.histories.dvc_files import Output
from mvc.model.paths import escape_name
from mvc.repository.git.repository import GitRepository
from mvc.repository.imports.contents import opened
from mvc.repository.imports.digests import GIT_SHA1, GIT_SHA256
from mvc.repository.imports.source import Checksum, Sink, SourceFile

_SHA1_DIGITS = 40
File = GitFile | Output
"""A file of a commit, in Git or as an output of DVC."""


@dataclass(frozen=True, slots=True)
class Content:
    """The content of a file: `key` identifies it; without a `place`, the source lacks it, for the reason `missing`."""

    key: str
    place: Path | Callable[[Sink], object] | None
    size: int | None = None
    checksum: Checksum | None = None
    executable: bool = False
    missing: str = ""

    def file(self, path: str, role: str) -> SourceFile:
        """Return the file of a step; the content is there."""
        assert self.place is not None  # noqa: S101 - a step with a missing file has no files
        place = self.place if isinstance(self.place, Path) else _named(self.place, path)
        return SourceFile(path, role, place, self.size, self.checksum, self.executable)


class Contents:
    """The contents of the files of a repository, each found once."""

    def __init__(self, git: GitRepository, cache: DvcCache | None = None) -> None:
        """Find the folders of Git LFS."""
        self._objects = git.objects
        self._lfs = lfs.LfsStore(git)
        self._cache = cache
        self._known: dict[File, Content] = {}

    def of(self, file: File) -> Content:
        """Return the content of a file."""
        if file not in self._known:
            self._known[file] = self._in_git(file) if isinstance(file, GitFile) else self._in_dvc(file)
        return self._known[file]

    def read(self, path: str, content: Content, limit: int) -> bytes:
        """Return the bytes of a content, at most one more than `limit`; raise NoValueFile, UnreadableFile."""
        if content.place is None:
            raise errors.NoValueFile(path=escape_name(path), role="from")
        if isinstance(content.place, Path):
            with opened(content.place, path) as fd, open(fd, "rb", closefd=False) as file:
                return file.read(limit + 1)
        return self._objects.read(content.key, limit + 1) if content.size else b""

    def _in_git(self, file: GitFile) -> Content:
        try:
            kind, size = self._objects.info(file.oid)
            start = self._objects.read(file.oid, lfs.MAX_POINTER) if kind == "blob" else b""
        except errors.BadGitObject as error:
            return Content(file.oid, None, executable=file.executable, missing=error.message.rstrip("."))
        pointer = lfs.parse(start)
        if pointer is not None:
            return self._in_lfs(pointer, executable=file.executable)
        algorithm = GIT_SHA1 if len(file.oid) == _SHA1_DIGITS else GIT_SHA256
        write = partial(self._objects.write, file.oid)
        return Content(file.oid, write, size, Checksum(algorithm, file.oid), file.executable)

    def _in_dvc(self, output: Output) -> Content:
        place = self._cache.find(output.checksum, output.size) if self._cache is not None else None
        reason = "" if place else f"the cache of DVC lacks {output.checksum}: `dvc fetch --all-commits` fetches it"
        checksum = Checksum(output.algorithm, output.checksum)
        key = f"{output.algorithm}:{output.checksum}"
        if output.is_folder:  # one whose list of files is not usable
            listed = self._cache.files(output) if self._cache is not None else ""
            return Content(key, None, missing=str(listed))
        return Content(key, place, output.size, checksum, output.executable, reason)

    def _in_lfs(self, pointer: lfs.Pointer, *, executable: bool) -> Content:
        key, checksum = f"lfs:{pointer.oid}:{pointer.original}", Checksum("sha256", pointer.oid)
        if pointer.size == 0:
            return Content(key, lambda sink: sink(b""), 0, None, executable)
        place = self._lfs.find(pointer)
        reason = ""
        if pointer.is_changed:
            reason, place = f"the extension {pointer.extension} of Git LFS changed it", None
        elif place is None:
            reason = f"Git LFS has not fetched {pointer.oid}: `git lfs fetch --all` does"
        return Content(key, place, pointer.size, checksum, executable, reason)


def _named(write: Callable[[Sink], object], path: str) -> Callable[[Sink], object]:
    """Return a function that writes a content, whose errors name the file."""

    def named(sink: Sink) -> None:
        try:
            write(sink)
        except errors.BadGitObject as error:
            raise errors.UnreadableFile(path=escape_name(path), reason=error.message.rstrip(".")) from error

    return named
