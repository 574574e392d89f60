"""A repository of the Hub through its library: refs, commits, files, downloads, commits made.

Whatever the server answers is checked: names, sizes, checksums. Errors of the library become those of mvc, without its
texts, which quote URLs that may be signed.
"""

from __future__ import annotations

import hashlib
import io
import itertools
import re
import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import field

from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi, get_session, hf_hub_url
from huggingface_hub.hf_api import RepoFile
from huggingface_hub.utils import build_hf_headers, hf_raise_for_status

from mvc import errors
from mvc.deferred import dataclass
from mvc.model.version import Timestamp
from mvc.registry.hubs.hub_version import HubFile
from mvc.registry.huggingface import session
from mvc.registry.huggingface.address import Address
from mvc.registry.huggingface.faults import Lookup, translated
from mvc.registry.huggingface.session import Endpoint

MAX_FILES, MAX_COMMITS = 100_000, 20_000
"""Files of a commit, and commits of a branch, at most."""
_BLOCK = 1 << 20
_COMMIT = re.compile(r"[0-9a-f]{40}\Z")
_SHA256 = re.compile(r"[0-9a-f]{64}\Z")
Sink = Callable[[bytes], object]


@dataclass(frozen=True, slots=True)
class RepositoryFile:
    """A file of a commit: its path and size in bytes, its Git blob id, and the SHA-256 of one in Git LFS."""

    path: str
    size: int
    blob: str
    sha256: str | None = None

    @property
    def content(self) -> str:
        """The name of the content, equal for equal contents."""
        return self.sha256 or self.blob


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit: its id, the names of its authors, its time and message."""

    id: str
    authors: tuple[str, ...]
    time: Timestamp
    message: str


@dataclass(frozen=True, slots=True)
class Refs:
    """The branches and tags of a repository, each with the id of its commit."""

    branches: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)


class Client:
    """A client of one repository."""

    def __init__(self, address: Address, endpoint: Endpoint) -> None:
        """Connect to nothing yet."""
        self.address = address
        self._id = address.repository
        self._endpoint = endpoint
        self._token = endpoint.token or False
        self._api = HfApi(endpoint=endpoint.url, token=self._token, library_name="mvc")
        self._faults = Lookup(address, endpoint)
        self._traffic = session.start()

    @property
    def page(self) -> str:
        """The address of the repository's page."""
        return f"{self._endpoint.url}/{self._id}"

    @property
    def sent(self) -> int:
        """The bytes of the requests so far."""
        return self._traffic.sent

    # --- reading

    def find_refs(self) -> Refs | None:
        """Return the branches and tags; None if there is no such repository, or none that the token may see."""
        try:
            return self.refs()
        except errors.HubLacks:
            return None

    def refs(self) -> Refs:
        """Return the branches and tags. Raises HubLacks, HubDenied."""
        with translated(self._faults):
            listed = self._api.list_repo_refs(self._id)
            return Refs(
                {ref.name: _commit_id(ref.target_commit) for ref in listed.branches},
                {ref.name: _commit_id(ref.target_commit) for ref in listed.tags},
            )

    def commits(self, revision: str) -> list[Commit]:
        """Return the commits that are reachable from a revision, the oldest first. Raises HubLacks, HubDenied."""
        with translated(self._faults, revision):
            listed = self._api.list_repo_commits(self._id, revision=revision)
            if len(listed) > MAX_COMMITS:
                raise self._faults.fault(f"more than {MAX_COMMITS} commits")
            commits = [
                Commit(
                    _commit_id(commit.commit_id),
                    tuple(map(str, commit.authors)),
                    Timestamp.of(commit.created_at),
                    "\n\n".join(filter(None, (str(commit.title).strip(), str(commit.message or "").strip()))),
                )
                for commit in listed
            ]
        return commits[::-1]

    def files(self, commit: str) -> list[RepositoryFile]:
        """Return the files of a commit, by path. Raises HubLacks, HubDenied."""
        with translated(self._faults, commit):
            entries = self._api.list_repo_tree(self._id, recursive=True, revision=commit)
            listed = list(itertools.islice(entries, MAX_FILES + 1))
            if len(listed) > MAX_FILES:
                raise self._faults.fault(f"more than {MAX_FILES} files")
            files = [_file(entry) for entry in listed if isinstance(entry, RepoFile)]
        return sorted(files, key=lambda file: file.path)

    def read(self, commit: str, file: RepositoryFile, limit: int) -> bytes:
        """Return the bytes of a small file, verified. Raises RegistryFault if it is larger than `limit`."""
        if file.size > limit:
            raise self._faults.fault(f"{file.path} is larger than {limit >> 10} KiB")
        data = bytearray()
        self.download(commit, file, data.extend)
        return bytes(data)

    def download(self, commit: str, file: RepositoryFile, sink: Sink) -> None:
        """Write the bytes of a file into `sink`; its size and checksum are verified. Raises RegistryFault."""
        check = hashlib.sha256() if file.sha256 else hashlib.sha1(b"blob %d\0" % file.size, usedforsecurity=False)
        url = hf_hub_url(self._id, file.path, revision=commit, endpoint=self._endpoint.url)
        headers = {**build_hf_headers(token=self._token, library_name="mvc"), "Accept-Encoding": "identity"}
        received = 0
        with (
            translated(self._faults, file.path),
            get_session().stream("GET", url, headers=headers, extensions={session.FILE: True}) as response,
        ):
            hf_raise_for_status(response)
            for block in response.iter_raw(_BLOCK):
                received += len(block)
                if received > file.size:
                    break
                check.update(block)
                sink(block)
        if received != file.size:
            raise self._faults.fault(f"{file.path} does not have {file.size} bytes")
        if check.hexdigest() != file.content:
            raise self._faults.fault(f"checksum mismatch in {file.path}")

    # --- writing

    def create(self) -> None:
        """Create the repository, private; somebody else may have created it meanwhile."""
        with translated(self._faults):
            self._api.create_repo(self._id, private=True, exist_ok=True)

    def commit(
        self,
        files: Mapping[str, HubFile | bytes],
        deleted: Iterable[str],
        message: str,
        parent: str | None,
    ) -> str:
        """Commit files by path, and deletions, to branch main; return the commit's id.

        Raises RegistryConflict if the branch is no longer at `parent`.
        """
        description = message.partition("\n")[2]
        with translated(self._faults, writing=True), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the library's own, about its HTTP client and about data files
            operations = [
                *(CommitOperationDelete(path, is_folder=False) for path in deleted),
                *(
                    CommitOperationAdd(path, io.BytesIO(file) if isinstance(file, bytes) else file.open())
                    for path, file in files.items()
                ),  # streams only: the library sends paths and bytes by another protocol, and without these bounds
            ]
            done = self._api.create_commit(
                self._id,
                operations,
                commit_message=title_of(message),
                commit_description=description.strip(),
                parent_commit=parent,
            )
            return _commit_id(done.oid)

    def tag(self, name: str, commit: str) -> None:
        """Create a tag at a commit. Raises RegistryConflict if it exists."""
        with translated(self._faults, writing=True):
            self._api.create_tag(self._id, tag=name, revision=commit)

    def delete_tag(self, name: str) -> None:
        """Delete a tag."""
        with translated(self._faults, writing=True):
            self._api.delete_tag(self._id, tag=name)


def title_of(message: str) -> str:
    """Return the title of the commit for a message."""
    return message.partition("\n")[0].strip() or "mvc"


def _commit_id(text: object) -> str:
    """Return a commit id; raise ValueError for anything else."""
    if not isinstance(text, str) or not _COMMIT.match(text):
        raise ValueError("a commit id is not valid")
    return text


def _file(entry: RepoFile) -> RepositoryFile:
    """Return a file of a listing; raise ValueError if its values are not valid."""
    sha256 = entry.lfs.sha256 if entry.lfs is not None else None
    size = entry.lfs.size if entry.lfs is not None else entry.size
    if not isinstance(entry.path, str) or type(size) is not int or size < 0:
        raise ValueError("a file has no path or size")
    if sha256 is not None and not _SHA256.match(sha256):
        raise ValueError("a file's SHA-256 is not valid")
    return RepositoryFile(entry.path, size, _commit_id(entry.blob_id), sha256)
