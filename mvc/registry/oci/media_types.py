"""Media types of model artifacts: CNCF ModelPack, its early form, and the ModelKits of KitOps.

application/vnd.cncf.model.weight.v1.raw        Layer(kind="weight", form="raw")
application/vnd.cncf.model.doc.v1.tar+gzip      Layer(kind="doc", form="tar", compression="gzip")
application/vnd.kitops.modelkit.code.v1.tar     Layer(kind="code", form="tar")
"""

from __future__ import annotations

import re
from typing import NamedTuple

from mvc.formats.known import WEIGHT_SUFFIXES
from mvc.model import roles

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
ACCEPT = f"{MANIFEST}, {INDEX}"
ARTIFACT = "application/vnd.cncf.model.manifest.v1+json"
CONFIG = "application/vnd.cncf.model.config.v1+json"
VERSION = "application/vnd.mvc.version.v1+json"
"""The layer with the exact objects of a version that mvc published."""
WEIGHT, WEIGHT_CONFIG, DOC, CODE, DATASET = "weight", "weight.config", "doc", "code", "dataset"

PATH, TITLE = "org.cncf.model.filepath", "org.opencontainers.image.title"
"""Annotations with the path of a layer's file: of ModelPack, and the one that ORAS reads."""
ROLE, FILE = "org.mvc.role", "org.mvc.file"
"""Annotations of mvc: a file's role, and its BLAKE3 hash."""
METADATA = "org.cncf.model.file.metadata+json"

_LAYER = re.compile(
    r"application/vnd\.(?:(?:cncf|cnai)\.model|kitops\.modelkit)\."
    r"(?P<kind>[a-z]+(?:\.config)?)\.v1\.(?P<form>raw|tar)(?:\+(?P<compression>gzip|zstd))?\Z"
)
_CONFIG = re.compile(r"application/vnd\.(?:(?:cncf|cnai)\.model|kitops\.modelkit)\.config\.v1\+json\Z")
_KINDS = {
    **{kind: kind for kind in (WEIGHT, WEIGHT_CONFIG, DOC, CODE, DATASET)},
    "model": WEIGHT,
    "modelpart": WEIGHT_CONFIG,
    "docs": DOC,
}
_DOCS = (".md", ".txt", ".rst", ".pdf", ".html")
_DOC_NAMES = {"license", "readme", "notice", "model_card"}
_CODE = (".py", ".ipynb", ".sh", ".c", ".cc", ".cpp", ".h", ".js", ".ts", ".java", ".rs", ".go", ".cu")
_DATASETS = (".parquet", ".arrow", ".tfrecord", ".jsonl")


class Layer(NamedTuple):
    """The kind of a layer's files, and their form: `raw` is one file, `tar` an archive, which may be compressed."""

    kind: str
    form: str
    compression: str = ""


def parse_layer(media_type: str) -> Layer | None:
    """Return the layer that a media type means; None for any other."""
    match = _LAYER.match(media_type)
    kind = _KINDS.get(match["kind"]) if match else None
    return Layer(kind, match["form"], match["compression"] or "") if match and kind else None


def is_model_config(media_type: str) -> bool:
    """Return whether the config of an artifact is one of a model."""
    return _CONFIG.match(media_type) is not None


def raw(kind: str) -> str:
    """Return the media type of a file as it is."""
    return f"application/vnd.cncf.model.{kind}.v1.raw"


def kind_of(path: str, role: str) -> str:
    """Return the kind of a version's file, by its name; what has no other kind configures the weights."""
    name = path.rpartition("/")[2].lower()
    if name.endswith(WEIGHT_SUFFIXES):
        return WEIGHT
    if role != roles.LABELMAP and (name.endswith(_DOCS) or name.partition(".")[0] in _DOC_NAMES):
        return DOC
    if name.endswith(_CODE):
        return CODE
    return DATASET if name.endswith(_DATASETS) else WEIGHT_CONFIG
