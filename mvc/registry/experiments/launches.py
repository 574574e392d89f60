"""Notes about experiments that this repository created, so that a repeated command starts no second job.

    notes/picsellia/launch-9f86d081884c7d65     creating ─► created ─► launching ─► launched

A platform cannot be asked whether a job was started. So the note is written before each step and after it; it is kept in
this repository alone and may be lost: then nothing is launched.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from mvc.deferred import dataclass
from mvc.model import canonical
from mvc.model.ids import digest
from mvc.registry.experiments.protocol import RemoteProject
from mvc.registry.protocol import Registry
from mvc.repository import places
from mvc.repository.repository import Repository
from mvc.storage.records import import_notes

CREATING, CREATED, LAUNCHING, LAUNCHED = "creating", "created", "launching", "launched"
NONE = ""
"""The state of an experiment that this repository did not create."""
_DIGITS = 16


@dataclass
class Launch:
    """The note about one experiment: how far its creation and launch came, its id, and its job's.

    `seen` is the note in the store when it was last read or written.
    """

    repository: Repository
    id: str
    state: str = NONE
    experiment: str | None = None
    job: str | None = None
    seen: Any = None

    def of(self, experiment: str | None) -> Launch:
        """Return the note if it is about that experiment, else one without a state; None is one to be created."""
        if experiment is None or self.experiment not in (None, experiment):
            return replace(self, state=NONE, experiment=experiment, job=None)
        return replace(self, experiment=experiment)

    def write(self, state: str, *, experiment: str | None = None, job: str | None = None) -> None:
        """Write the note durably with a new state."""
        with self.repository.locked():
            self._write(state, experiment, job)

    def claim(self, state: str) -> bool:
        """Write a new state; return False if another command has changed the note since it was read."""
        with self.repository.locked():
            is_same = bool(self._stored() == self.seen)
            if is_same:
                self._write(state, None, None)
        return is_same

    def reread(self) -> Launch:
        """Return the note as it is now."""
        note = self._stored()
        texts = {key: value for key, value in note.items() if isinstance(value, str)} if isinstance(note, dict) else {}
        state, experiment, job = texts.get("state", NONE), texts.get("experiment"), texts.get("job")
        return Launch(self.repository, self.id, state, experiment, job, note)

    def _stored(self) -> Any:
        answer = import_notes.read(self.repository.door, places.PICSELLIA, self.id)
        return answer.get("launch") if isinstance(answer, dict) else None

    def _write(self, state: str, experiment: str | None, job: str | None) -> None:
        self.state, self.experiment, self.job = state, experiment or self.experiment, job or self.job
        self.seen = {"state": state, "experiment": self.experiment, "job": self.job}
        import_notes.write(self.repository.door, places.PICSELLIA, self.id, {"launch": self.seen})


def read(repository: Repository, registry: Registry, project: RemoteProject, name: str) -> Launch:
    """Return the note about the experiment of that name in a project; without a state for none."""
    key = digest(canonical.encode([registry.host, registry.organization, project.id, name]))
    return Launch(repository, f"launch-{key[:_DIGITS]}").reread()
