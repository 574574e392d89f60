"""The history of a repository of the Hub: each commit with files is a step; branches and tags keep their names.

    commits of main, then of the other branches, the oldest first ─► files of each ─► step

The Hub lists the commits of a branch in one line, so a merge there is a step with one parent.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from mvc import errors
from mvc.model.version import Person
from mvc.registry import published
from mvc.registry.handmade import model_key
from mvc.registry.hubs.hub import Access
from mvc.registry.hubs.side_branches import side_branches
from mvc.registry.huggingface import address, session, snapshots
from mvc.registry.huggingface.client import Client, Commit, Refs, RepositoryFile
from mvc.registry.huggingface.hub import BRANCH
from mvc.registry.huggingface.steps import Origin, Steps, name_of
from mvc.repository.imports.request import Request
from mvc.repository.imports.source import Checksum, Sink, SourceFile, SourceHistory

_CACHED = 64 << 20
"""Bytes of small files that are kept, so that an unchanged one is read once."""


@contextlib.contextmanager
def opened(request: Request) -> Iterator[SourceHistory]:
    """Yield the history of a repository of the Hub, or of a folder that its library downloaded.

    Raises BadHubUrl, HubLacks, HubDenied, RegistryUnreachable, RegistryFault, Offline; errors of snapshots.
    """
    place = request.places[0]
    if "://" not in place:
        yield snapshots.history(request.folder, request.branch)
        return
    where = address.parse(place)
    if request.repository.offline:
        raise errors.Offline(what=place)
    endpoint = session.endpoint(Access(request.environ, request.repository.approvals))
    yield _Reader(Client(where, endpoint)).history(where, request.branch)


class _Reader:
    """A reader of commits; it keeps the small files that it read."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._small: dict[str, bytes] = {}
        self._steps = Steps()

    def history(self, where: address.Address, branch: str | None) -> SourceHistory:
        """Return the history of the revision in the URL, of `branch`, or of all branches."""
        refs = self._client.refs()
        chosen = where.revision or branch
        names = [chosen] if chosen is not None else sorted(refs.branches, key=lambda name: (name != BRANCH, name))
        tips = {name: self._add(name) for name in names}
        keys = self._steps.keys
        return SourceHistory(
            str(where),
            name_of(self._steps.steps, model_key(where.name)),
            tuple(self._steps.steps),
            branches={
                **{_branch(name, refs): keys[tip] for name, tip in tips.items() if tip in keys},
                **side_branches(self._steps.steps, [keys[tip] for tip in tips.values() if tip in keys]),
            },
            tags={
                name: keys[commit]
                for name, commit in refs.tags.items()
                if commit in keys and not published.is_version_name(name)
            },
        )

    def _add(self, revision: str) -> str:
        """Add the commits of a revision that are new; return the last one, or an empty text."""
        before: str | None = None
        keys = self._steps.keys
        for commit in self._client.commits(revision):
            if commit.id not in keys:
                self._add_commit(commit, keys.get(before) if before is not None else None)
            before = commit.id
        return before or ""

    def _add_commit(self, commit: Commit, parent: str | None) -> None:
        listed = {file.path: file for file in self._client.files(commit.id)}
        files = {path: self._source(commit.id, file) for path, file in listed.items()}
        author = Person(commit.authors[0] if commit.authors else "huggingface", "")
        origin = Origin(commit.id, author, commit.time, commit.message, (parent,) if parent is not None else ())

        def read(path: str, limit: int) -> bytes:
            return self._read(commit.id, listed[path], limit)

        self._steps.add(origin, files, {path: file.content for path, file in listed.items()}, read)

    def _source(self, commit: str, file: RepositoryFile) -> SourceFile:
        checksum = Checksum("sha256", file.sha256) if file.sha256 is not None else Checksum("git-sha1", file.blob)

        def content(sink: Sink) -> None:
            data = self._small.get(file.content)
            if data is not None:
                sink(data)
            else:
                self._client.download(commit, file, sink)

        return SourceFile(file.path, "", content, file.size, checksum, remote=True)

    def _read(self, commit: str, file: RepositoryFile, limit: int) -> bytes:
        data = self._small.get(file.content)
        if data is None:
            data = self._client.read(commit, file, limit)
            if sum(map(len, self._small.values())) + len(data) > _CACHED:
                self._small.clear()
            self._small[file.content] = data
        return data


def _branch(name: str, refs: Refs) -> str:
    """Return the branch for a revision: of that name, or main for a tag or a commit."""
    return name if name in refs.branches else BRANCH
