"""The files of the page by name, each made when it is asked for: what the export writes, and what the server answers.

data/versions-<hash>/<id>   depend on ids, on this release and on the options: written once
data/compare-<hash>/<a>-<b>
data/state/<hash>           are named by their content
data/models/<key>-<hash>
data/storage-<hash>
data/site-<hash>
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import mvc
from mvc import errors
from mvc.model.ids import VersionId, digest
from mvc.model.tree import Tree
from mvc.repository import lineage as lineages
from mvc.repository.model import Model
from mvc.repository.repository import Repository
from mvc.site.documents import compare, evaluations, model, script, site, state, storage, version
from mvc.site.documents.model import Index
from mvc.site.documents.options import Options
from mvc.site.documents.rows import Row
from mvc.site.documents.script import HASH
from mvc.site.documents.site import Listed
from mvc.storage.records.promised import EXPIRED, PROMISED
from mvc.storage.records.reflog import ALIASES

FORMAT = 1
"""The number of the form of the documents that depend on ids; another number makes an export write them again."""
_FEW = 8
"""Manifests, trees and recipes that are kept: a version, its readiness and its comparison ask for the same ones."""
Pair = tuple[VersionId, VersionId]
_OTHER = re.compile(r"[^a-z0-9._]+")
_LETTERS = 40


class Contents:
    """The documents of a repository as scripts, by their names without suffix."""

    def __init__(
        self, repository: Repository, models: Sequence[Model], options: Options, pairs: Sequence[tuple[str, Pair]] = ()
    ) -> None:
        """Read the index of each of `models`; `pairs` are compared besides those that are always. Raises Missing, Damaged."""
        self.repository = repository
        repository.recipes.remember(_FEW)
        repository.objects.remember(_FEW)
        self._options, self._pairs = options, pairs
        self.indexes = [model.read(each) for each in models]
        self.damaged = {
            id_: row.damaged for index in self.indexes for id_, row in index.entries.items() if row.damaged is not None
        }
        """The versions that cannot be read, with the reason; more are found while their documents are made."""
        self._versions = version.Reader(repository, options)
        self._lineage = lineages.Lineage(repository)
        tag = self._tag()
        self.folders = {"versions": f"data/versions-{tag}", "compare": f"data/compare-{tag}"}
        self.fixed: dict[str, Callable[[], dict[str, Any]]] = {}
        """Makers of the documents that depend on ids, by name."""
        for index in self.indexes:
            self._add(index)

    def fixed_script(self, name: str) -> bytes | None:
        """Return the script of a document that depends on ids; None if the version is damaged."""
        try:
            return script.script(name, script.text(self.fixed[name]()))
        except errors.Damaged as error:
            del self.fixed[name]
            vars(self).pop("current", None)  # which names the damage
            folder, _, id_ = name.rpartition("/")
            if folder == self.folders["versions"]:
                self.damaged[VersionId(id_)] = error.message
            return None

    def pair_script(self, name: str) -> bytes | None:
        """Return the script that compares the tensors of any two versions of a model; None for another name."""
        folder, _, pair = name.rpartition("/")
        sides = [VersionId(side) for side in pair.split("-")]
        of = next((index.model for index in self.indexes if all(side in index.entries for side in sides)), None)
        if folder != self.folders["compare"] or len(sides) != 2 or of is None:
            return None
        return script.script(name, script.text(compare.document(of, *sides, deep=self._options.deep)))

    def trees(self) -> Iterator[Tree]:
        """Return the trees of the versions that can be read, each once."""
        objects = self.repository.objects
        ids = (id_ for index in self.indexes for id_ in index.entries if id_ not in self.damaged)
        return (objects.tree(tree) for tree in {objects.version(id_).tree: None for id_ in ids})

    @functools.cached_property
    def current(self) -> dict[str, bytes]:
        """The scripts that are named by their content; the last one is the overview."""
        found: dict[str, bytes] = {}

        def put(prefix: str, document: dict[str, Any]) -> str:
            text = script.text(document)
            name = f"{prefix}{script.name(text)}"
            found[name] = script.script(name, text)
            return name

        listed = [Listed(each, put(*self._model(each, put)), self._manifest(each)) for each in self.indexes]
        put(
            "data/site-",
            {
                "schema": site.SCHEMA,
                "title": self.title,
                "base": self._options.base,
                "folders": self.folders,
                "models": [site.model(each, self._options) for each in listed],
                "lineage": self._links(),
                "storage": put("data/storage-", storage.document(self.repository, self.indexes)),
            },
        )
        return found

    @property
    def title(self) -> str:
        """The name of the repository's folder."""
        return self.repository.root.name.encode("utf-8", "replace").decode()

    def pairs(self, index: Index) -> list[Pair]:
        """Return the pairs of versions that are compared: each with its first parent, and positions of aliases."""
        found = [
            (row.parents[0], id_)
            for id_, row in index.entries.items()
            if row.reweighted and row.parents[0] in index.entries
        ]
        for name in index.model.names(ALIASES):
            moves = index.model.repository.refs.entries(index.model.ref(ALIASES, name))
            found += [(move.old, move.new) for move in moves[-1:] if move.old and move.new and move.old != move.new]
        asked = [pair for key, pair in self._pairs if key == index.model.key]
        return [pair for pair in dict.fromkeys((*found, *asked)) if all(each in index.entries for each in pair)]

    def _add(self, index: Index) -> None:
        beside: dict[VersionId, list[Pair]] = {}
        for pair in self.pairs(index):
            beside.setdefault(pair[1], []).append(pair)
        for id_, row in index.entries.items():
            if row.damaged is None:
                name = f"{self.folders['versions']}/{id_}"
                self.fixed[name] = functools.partial(self._versions.document, index.model, id_)
            for old, new in beside.get(id_, ()):  # next to its version, since both read the same records
                made = functools.partial(compare.document, index.model, old, new, deep=self._options.deep)
                self.fixed[self._compared((old, new))] = made

    def _compared(self, pair: Pair) -> str:
        """Return the name of the document of two versions."""
        return f"{self.folders['compare']}/{pair[0]}-{pair[1]}"

    def _model(self, index: Index, put: Callable[[str, dict[str, Any]], str]) -> tuple[str, dict[str, Any]]:
        noted = index.model.noted() | index.model.evaluated()
        states, evaluated = {}, {}
        for id_ in filter(noted.__contains__, index.entries):
            document = state.document(index.model, id_, self._options)
            if document is not None:
                states[id_], evaluated[id_] = put("data/state/", document), evaluations.newest(document)
        manifest = self._manifest(index)
        made = model.document(
            index,
            self._options,
            about=manifest.model if manifest is not None else {},
            states=states,
            evaluated=evaluations.columns(index.entries, evaluated),
            compared=[pair for pair in self.pairs(index) if self._compared(pair) in self.fixed],
            damaged=self.damaged,
            parents=self._parents(index),
        )
        key = _OTHER.sub("-", index.model.key.lower())[:_LETTERS]
        return f"data/models/{key}-", made

    def _parents(self, index: Index) -> dict[str, Any]:
        """Return the version that each `model.parent` of a model names."""
        texts = {row.parent: None for row in index.entries.values() if row.parent}
        return {text: self._parent(index, text) for text in texts}

    def _parent(self, index: Index, text: str) -> dict[str, Any]:
        named = self._lineage.named(index.model.key, text)
        found = next((each for each in self.indexes if named.id in each.entries), None)
        return {
            **named.to_json(),
            "model": found.model.key if found is not None else None,
            "number": found.entries[named.id].number if found is not None and named.id is not None else None,
        }

    def _links(self) -> list[dict[str, Any]]:
        """Return the versions that name another parent than their first parent does, with what they name."""
        return [
            {
                "child": {"model": index.model.key, "id": id_, "number": row.number},
                "parent": self._parent(index, row.parent),
            }
            for index in self.indexes
            for id_, row in index.entries.items()
            if row.parent and row.parent != _inherited(index, row)
        ]

    def _manifest(self, index: Index) -> Any:
        """Return the manifest of the newest version, None if it is damaged or there is none."""
        objects = index.model.repository.objects
        try:
            current = index.model.current
            return objects.manifest(objects.version(current).manifest) if current is not None else None
        except errors.Damaged:
            return None

    def _tag(self) -> str:
        """Return what documents depend on besides ids: in a clone without all files, also which of these are here."""
        door = self.repository.door
        records = [*door.names(PROMISED), *door.names(EXPIRED)]
        here = [*records, *door.names("packs")] if records else []
        parts = [FORMAT, mvc.__version__, self._options.redact, self._options.deep, here]
        return digest(json.dumps(parts).encode())[:HASH]


def _inherited(index: Index, row: Row) -> str | None:
    """Return what the first parent names as its parent."""
    first = index.entries.get(row.parents[0]) if row.parents else None
    return first.parent if first is not None else None
