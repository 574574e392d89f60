"""`mvc export --hf`, `--oci`: write a version to a folder in the form of a hub, without a network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mvc.model.ids import VersionId
from mvc.porcelain.export import Exported, check_target
from mvc.registry.hubs import hub_version
from mvc.registry.hubs.hub import HUBS, module_of
from mvc.repository.model import Model
from mvc.storage.disk.exportdoor import ExportDoor
from mvc.storage.progress import Progress

FORMATS = {"hf": "mvc.registry.huggingface.folder", "oci": "mvc.registry.oci.layout"}
"""The module of each form, which has `write(version, door, progress)`."""


def export_for_hub(
    model: Model, id_: VersionId, directory: Path, form: str, *, progress: Progress | None = None
) -> Exported:
    """Write version `id_` to `directory`, which must be absent or empty, in a form of FORMATS.

    The folder is complete or absent. Raises as `export`, and MissingHubExtra.
    """
    writer: Any = module_of(HUBS[form], FORMATS[form])
    version = hub_version.of(model, id_, progress)
    check_target(version.tree, directory)
    with ExportDoor(directory) as door:
        writer.write(version, door, progress)
        door.finish()
    return Exported(id_, directory, len(version.files), version.size)
