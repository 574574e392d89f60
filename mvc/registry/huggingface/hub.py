"""Publication to a repository of the Hub: one commit of branch main a version, and a tag that names the version.

    tag v7-3f9c2ab1d0f4 there? ─ yes ─► its mvc-version.json is the version's ─► known
      └─ no ─► main has this version: the tag is missing ─────────────────────┐
      └─ no ─► main has a descendant? refused ─► files, card ─► one commit ───┴─► tag ◄── complete ─► names

A commit is made at once by the Hub, and only on the tip that was seen: nobody's commit is lost.
"""

from __future__ import annotations

from collections.abc import Sequence

from mvc import errors
from mvc.registry import published
from mvc.registry.hubs import version_objects
from mvc.registry.hubs.hub import KNOWN, NEW, RESUMED, Access, Publication
from mvc.registry.hubs.hub_version import HubFile, HubVersion
from mvc.registry.huggingface import address, card, client, contents, session
from mvc.registry.huggingface.client import Client, Refs, RepositoryFile
from mvc.registry.huggingface.contents import Before
from mvc.repository.imports.source import VersionObjects

BRANCH = "main"


def connect(url: str, access: Access) -> HuggingFaceHub:
    """Return the repository of a URL, to publish to. Raises BadHubUrl, HostNotTrusted, PlainHttp, BadSetting."""
    where = address.parse(url)
    if where.revision is not None:
        raise errors.BadHubUrl(
            url=url, reason="versions are published to branch main", example=f"hf://{where.repository}"
        )
    endpoint = session.endpoint(access)
    if not endpoint.approved:
        host = endpoint.where.host
        way = f"If you trust that host, approve it with MVC_TRUSTED_HOSTS={host}."
        raise errors.HostNotTrusted(remote=session.ENDPOINT, host=host, way=way)
    return HuggingFaceHub(Client(where, endpoint))


class HuggingFaceHub:
    """A repository of the Hub, as `mvc.registry.hubs.hub.Hub` describes."""

    def __init__(self, connected: Client) -> None:
        """Publish by a client."""
        self._client = connected

    @property
    def address(self) -> str:
        """The repository's URL."""
        return str(self._client.address)

    def close(self) -> None:
        """Do nothing: the library keeps its connections."""

    def publish(self, version: HubVersion, names: Sequence[str], *, force: bool, dry_run: bool) -> Publication:
        """Publish a version as a commit, and tag it. Raises NotForHub, HubChanged, HubAhead, HubNameTaken, and as the client."""
        contents.check(version, self.address)
        refs = self._client.find_refs()
        known = self._published(version, refs) if refs is not None else None
        tip = refs.branches.get(BRANCH) if refs is not None else None
        before = self._before(tip) if known is None and tip is not None else Before()
        how, commit = self._plan(version, known, tip, before, force=force)
        self._check_names(version, names, refs, commit, force=force)
        sent = 0
        if not dry_run:
            if refs is None:
                self._client.create()
            if commit is None:
                commit, sent = self._commit(version, before, tip)
            self._tag(version, names, refs or Refs(), commit)
        notes = ("the repository is new and private; make it public on its settings page",) if refs is None else ()
        place = f"{self.address}@{version.name}"
        page = f"{self._client.page}/tree/{version.name}"
        return Publication(version.id, version.version.number, how, place, page, tuple(names), notes, sent)

    def _plan(
        self, version: HubVersion, known: str | None, tip: str | None, before: Before, *, force: bool
    ) -> tuple[str, str | None]:
        """Return the outcome, and the commit that has the version; None if it is to be made. Raises HubAhead."""
        if known is not None:
            return KNOWN, known
        if before.objects is None:
            return NEW, None
        newest = before.objects.version
        if newest.id() == version.id:
            return RESUMED, tip
        if version.is_ancestor_of(newest.id()):
            commit = self._earlier(version)
            if commit is not None:
                return RESUMED, commit
            if force:
                return NEW, None
            name = published.version_name(newest.number, newest.id())
            raise errors.HubAhead(hub=f"{BRANCH} of {self.address}", newest=name, version=version.name)
        return NEW, None

    def _earlier(self, version: HubVersion) -> str | None:
        """Return a commit of main with this version, whose tag is missing; None for none."""
        for commit in reversed(self._client.commits(BRANCH)):
            if commit.message.partition("\n")[0] == client.title_of(version.version.message):
                objects = self._objects(commit.id, self._client.files(commit.id))
                if objects is not None and objects.version.id() == version.id:
                    return commit.id
        return None

    def _published(self, version: HubVersion, refs: Refs) -> str | None:
        """Return the commit with the tag of a version; None for none. Raises HubChanged if it has another version."""
        commit = refs.tags.get(version.name)
        if commit is None:
            return None
        objects = self._objects(commit, self._client.files(commit))
        if objects is None or objects.version.id() != version.id:
            reason = f"its {version_objects.NAME} is absent or of another version"
            raise errors.HubChanged(name=version.name, hub=self.address, reason=reason)
        return commit

    def _before(self, commit: str) -> Before:
        """Return the contents of a commit."""
        files = self._client.files(commit)
        texts = {
            file.path: self._client.read(commit, file, card.MAX_BYTES)
            for file in files
            if file.path in {card.CARD, card.CONFIG} and file.size <= card.MAX_BYTES
        }
        paths = frozenset(file.path for file in files)
        return Before(paths, self._objects(commit, files), texts.get(card.CARD), texts.get(card.CONFIG))

    def _objects(self, commit: str, files: Sequence[RepositoryFile]) -> VersionObjects | None:
        """Return the version that mvc published in a commit; None for none."""
        document = next((file for file in files if file.path == version_objects.NAME), None)
        if document is None or document.size > version_objects.MAX_BYTES:
            return None
        try:
            return version_objects.decode(self._client.read(commit, document, version_objects.MAX_BYTES))
        except errors.NotCanonical:
            return None

    def _check_names(
        self, version: HubVersion, names: Sequence[str], refs: Refs | None, commit: str | None, *, force: bool
    ) -> None:
        """Raise HubNameTaken for a tag that is at another commit, unless it may be moved."""
        for name in names:
            target = refs.tags.get(name) if refs is not None else None
            if (target is not None and target != commit and not force) or published.is_version_name(name):
                place = f"commit {(target or commit or '')[:10]}"
                raise errors.HubNameTaken(name=name, hub=self.address, place=place, version=version.name)

    def _commit(self, version: HubVersion, before: Before, tip: str | None) -> tuple[str, int]:
        """Make the commit of a version; return its id, and the bytes that were sent."""
        new = contents.added(version, before)
        files: dict[str, HubFile | bytes] = {file.path: file for file in version.files}
        deleted, sent = contents.deleted(version, before, new), self._client.sent
        commit = self._client.commit(files | new, deleted, version.version.message, tip)
        return commit, self._client.sent - sent

    def _tag(self, version: HubVersion, names: Sequence[str], refs: Refs, commit: str) -> None:
        """Tag a commit as its version, then with other names."""
        for name in (version.name, *names):
            target = refs.tags.get(name)
            if target == commit:
                continue
            if target is not None:
                self._client.delete_tag(name)
            self._client.tag(name, commit)
