"""The document of a version, which depends on the version's id alone: its values, files and readiness.

{"schema":"mvc.site.version/1","id":"9f86…","model":"helmet","number":7,"parents":["60ab…"],"message":"…",
 "labelmap":[{"id":0,"name":"helmet"}],"values":{"metrics":{"mAP50":0.61},…},"files":[{"role":"model-latest",…}],…}
"""

from __future__ import annotations

import posixpath
from typing import Any

from mvc.formats.known import of_suffix
from mvc.model.ids import TreeId, VersionId
from mvc.model.roles import roles_of
from mvc.model.tensor_count import TensorCount
from mvc.model.tree import Tree, TreeEntry
from mvc.porcelain import check, show
from mvc.readiness.evaluation import Readiness
from mvc.readiness.subject import Subject
from mvc.repository import contents
from mvc.repository.model import Model
from mvc.repository.repository import Repository
from mvc.site.documents import people, training
from mvc.site.documents.exact import exact
from mvc.site.documents.options import Options
from mvc.storage.records.promised import State

SCHEMA = "mvc.site.version/1"
_Described = tuple[dict[str, State], dict[str, TensorCount]]


class Reader:
    """A reader of versions, which asks once for what versions share: the files and headers of a tree."""

    def __init__(self, repository: Repository, options: Options) -> None:
        """Read nothing yet."""
        self._repository, self._options = repository, options
        self._look = contents.stored(repository)
        self._tree: tuple[TreeId | None, _Described] = (None, ({}, {}))

    def document(self, model: Model, id_: VersionId) -> dict[str, Any]:
        """Return the document of a version. Raises Missing, Damaged."""
        objects = self._repository.objects
        version = objects.version(id_)
        manifest, tree = objects.manifest(version.manifest), objects.tree(version.tree)
        states, counts = self._described(version.tree, tree)
        return {
            "schema": SCHEMA,
            "id": id_,
            "model": manifest.name,
            "number": version.number,
            "parents": version.parents,
            "author": people.person(version.author, redact=self._options.redact),
            "time": str(version.time),
            "message": version.message,
            "code": version.code.to_json() if version.code is not None else None,
            "about": manifest.model,
            "labelmap": [{"id": number, "name": name} for number, name in manifest.labelmap],
            "values": {"parameters": exact(manifest.parameters), "metrics": exact(manifest.metrics)},
            "files": [
                _file(entry, roles_of(manifest, entry), states[entry.path], counts.get(entry.path))
                for entry in tree.entries
            ],
            "docker": {**manifest.docker, "digest": manifest.docker_digest} if manifest.docker else None,
            "source": exact({key: value for key, value in manifest.source.items() if key != "datasets"}) or None,
            "datasets": manifest.source.get("datasets", []),
            "intent": manifest.intent,
            "readiness": [_readiness(each) for each in check.evaluated(Subject(manifest, tree, self._look))[0]],
            "environment": training.environment(self._repository, tree),
            "curves": training.curves(model, id_),
        }

    def _described(self, id_: TreeId, tree: Tree) -> _Described:
        """Return the states and the tensors of files by path; many versions in a row have one tree."""
        if self._tree[0] != id_:
            self._tree = id_, show.states_and_tensors(self._repository, tree)
        return self._tree[1]


def _file(entry: TreeEntry, roles: tuple[str, ...], state: State, count: TensorCount | None) -> dict[str, Any]:
    formats = of_suffix(posixpath.splitext(entry.path)[1].lower())
    return {
        "role": entry.role,
        "roles": roles,
        "path": entry.path,
        "bytes": entry.size,
        "file": entry.file,
        "format": formats[0].name if formats else None,
        "tensors": count.tensors if count is not None else None,
        "parameters": count.parameters if count is not None else None,
        "dtypes": count.dtypes if count is not None else [],
        "executable": entry.exec,
        "state": state.value,
    }


def _readiness(readiness: Readiness) -> dict[str, Any]:
    """Return the readiness for a use, with what is left to do."""
    return {
        "use": readiness.use,
        "ready": readiness.ready,
        "reasons": [
            {
                "rule": finding.rule.name,
                "need": finding.rule.need.value,
                "result": finding.verdict.result.value,
                "why": finding.verdict.why,
                "fix": finding.fix,
            }
            for finding in readiness.findings
            if not finding.ok
        ],
    }
