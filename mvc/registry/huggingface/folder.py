"""A version as a folder in the form of a repository of the Hub, for `mvc export --hf`."""

from __future__ import annotations

from mvc.registry.hubs.hub_version import HubVersion
from mvc.registry.huggingface import contents
from mvc.registry.huggingface.contents import Before
from mvc.storage.disk.exportdoor import ExportDoor
from mvc.storage.progress import Progress


def write(version: HubVersion, door: ExportDoor, progress: Progress | None) -> None:
    """Write the files of a version, its card, config.json and mvc-version.json. Raises NotForHub, Missing, Damaged."""
    contents.check(version, "a folder for the Hub")
    for entry in version.tree.entries:
        with door.file(entry.path, executable=entry.exec) as temporary:
            version.model.repository.extract.to_temporary(entry.file, temporary, progress=progress)
    for path, data in contents.added(version, Before()).items():
        with door.file(path, executable=False) as temporary:
            temporary.write(data)
