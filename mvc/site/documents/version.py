"""The document of a version, which depends on the version's id alone: its values, files and readiness.

{"schema":"mvc.site.version/1","id":"9f86…","model":"helmet","number":7,"parents":["60ab…"],"message":"…",
 "labelmap":[{"id":0,"name":"helmet"}],"values":{"metrics":{"mAP50":0.61},…},"files":[{"role":"model-latest",…}],…}
"""

from __future__ import annotations

import posixpath
from typing import Any

from mvc.formats.known import of_suffix
from mvc.model.ids import VersionId
from mvc.porcelain import check, show
from mvc.porcelain.show import ShownFile
from mvc.readiness.evaluation import Readiness
from mvc.repository.model import Model
from mvc.site.documents import people
from mvc.site.documents.options import Options

SCHEMA = "mvc.site.version/1"


def document(model: Model, id_: VersionId, options: Options) -> dict[str, Any]:
    """Return the document. Raises Missing, Damaged."""
    shown = show.show(model, id_, context=None)
    version, manifest = shown.version, shown.manifest
    return {
        "schema": SCHEMA,
        "id": id_,
        "model": model.key,
        "number": version.number,
        "parents": version.parents,
        "author": people.person(version.author, redact=options.redact),
        "time": str(version.time),
        "message": version.message,
        "code": version.code.to_json() if version.code is not None else None,
        "about": manifest.model,
        "labelmap": [{"id": number, "name": name} for number, name in manifest.labelmap],
        "values": {"parameters": manifest.parameters, "metrics": manifest.metrics},
        "files": [_file(file) for file in shown.files],
        "docker": {**manifest.docker, "digest": manifest.docker_digest} if manifest.docker else None,
        "source": {key: value for key, value in manifest.source.items() if key != "datasets"} or None,
        "datasets": manifest.source.get("datasets", []),
        "intent": manifest.intent,
        "readiness": [_readiness(each) for each in check.check(model, id_).uses],
        "environment": None,
        "curves": [],
    }


def _file(file: ShownFile) -> dict[str, Any]:
    entry, count = file.entry, file.tensors
    formats = of_suffix(posixpath.splitext(entry.path)[1].lower())
    return {
        "role": entry.role,
        "roles": file.roles,
        "path": entry.path,
        "bytes": entry.size,
        "file": entry.file,
        "format": formats[0].name if formats else None,
        "tensors": count.tensors if count is not None else None,
        "parameters": count.parameters if count is not None else None,
        "dtypes": count.dtypes if count is not None else [],
        "executable": entry.exec,
        "state": file.state.value,
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
