"""`mvc archive`: the files of a version in one zip or tar file, each verified while it is written.

Equal versions give equal archives: members are sorted by path, owners and permissions fixed, and a tar has the version's
time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from mvc import errors
from mvc.deferred import dataclass
from mvc.formats.syntax import tar_writer, zip_writer
from mvc.formats.syntax.zip_writer import Member
from mvc.model import paths, roles
from mvc.model.document import Document, keys
from mvc.model.ids import Buffer, VersionId
from mvc.model.tree import TreeEntry
from mvc.repository import history, revisions
from mvc.repository.model import Model
from mvc.repository.worktree import model_file
from mvc.storage.disk import exportdoor
from mvc.storage.progress import Progress
from mvc.transport import promises

FORMATS = {"zip": (".zip",), "tar": (".tar",), "tar.gz": (".tar.gz", ".tgz")}
"""The formats, each with its suffixes."""


@dataclass(frozen=True, slots=True)
class Archived(Document):
    """An archive that was written: its version, its format, the number of files, their bytes, and its path."""

    KEYS = keys("version format files bytes_total=bytes output")

    version: VersionId
    format: str
    files: int
    bytes: int
    output: Path


@dataclass(frozen=True, slots=True)
class Archive:
    """The archive of a version: `members` are read, and verified, while its pieces are."""

    version: VersionId
    format: str
    members: tuple[Member, ...]
    pieces: Iterable[Buffer]

    @property
    def size(self) -> int:
        """The bytes of the members."""
        return sum(member.size for member in self.members)


def format_of(path: str) -> str:
    """Return the format of a file by its suffix; tar for any other, as in Git."""
    name = path.lower()
    return next((format_ for format_, suffixes in FORMATS.items() if name.endswith(suffixes)), "tar")


def archive(model: Model, id_: VersionId, format_: str, names: Sequence[str] = (), *, prefix: str = "") -> Archive:
    """Return the archive of the files of version `id_` that `names` select, by default all and model.toml.

    A name is a role, a path, a folder or a pattern; `prefix` precedes each path. Raises NotInVersion, UnsafePath,
    UnportablePath, CollidingPaths, Missing, Damaged, and the errors of a fetch; while the pieces are read: Missing, Damaged.
    """
    repository = model.repository
    version = repository.objects.version(id_)
    entries = {entry.path: entry for entry in _selected(model, id_, names)}
    for path in entries:
        paths.check_path(f"{prefix}{path}")
    for first, second in paths.collisions(entries):
        raise errors.CollidingPaths(first=first, second=second)
    promises.ensure_present(repository, entries.values())
    toml = model_file.of_version(repository, version, model.key) if model_file.NAME in entries else b""

    def read(member: Member) -> Iterable[Buffer]:
        path = member.name.removeprefix(prefix)
        return (toml,) if path == model_file.NAME else repository.extract.stream(entries[path].file)

    members = tuple(
        Member(f"{prefix}{path}", len(toml) if path == model_file.NAME else entry.size, entry.exec)
        for path, entry in entries.items()
    )
    return Archive(id_, format_, members, _pieces(members, read, format_, version.time.seconds))


def save(made: Archive, output: Path, progress: Progress | None = None) -> Archived:
    """Write an archive to the file `output`, which is replaced atomically. Raises InsideStore, NotWritable, DiskFailed."""
    if progress is not None:
        progress.expect(made.size)
    with exportdoor.output(output) as write:
        for piece in made.pieces:
            write(piece)
            if progress is not None:
                progress(len(piece))
    return Archived(made.version, made.format, len(made.members), made.size, output)


def _selected(model: Model, id_: VersionId, names: Sequence[str]) -> list[TreeEntry]:
    entries = promises.entries_by_role(model.repository, id_)
    for name in names:
        if not any(roles.selects(name, entry) for entry in entries):
            version = history.label(model.repository, id_)
            raise revisions.not_in_version(version, name)
    return [entry for entry in entries if not names or any(roles.selects(name, entry) for name in names)]


def _pieces(members: tuple[Member, ...], read: tar_writer.Read, format_: str, time: int) -> Iterator[Buffer]:
    if format_ == "zip":
        return zip_writer.stream(members, read)
    tar = tar_writer.stream(members, read, time)
    return tar_writer.gzipped(tar) if format_ == "tar.gz" else tar
