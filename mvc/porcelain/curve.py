"""`mvc show --curve`: one metric over the training that a version is the result of.

version ─► its training log, else the file that its trainer logged ─► column ─► points
"""

from __future__ import annotations

from collections.abc import Iterator

from mvc import errors
from mvc.deferred import dataclass
from mvc.display import Result
from mvc.formats.values import curves, nested
from mvc.formats.values.curves import Point
from mvc.formats.values.malformed import MalformedError
from mvc.model import paths, roles
from mvc.model.document import keys
from mvc.model.ids import VersionId
from mvc.model.query import order
from mvc.model.toml.value_file import METRICS
from mvc.model.tree import TreeEntry
from mvc.repository import history
from mvc.repository.model import Model
from mvc.transport import promises

TRAINING_LOG = "training-log"
ROLES = (TRAINING_LOG, "results", "metrics", "trainer-state")
"""The roles of files that have a row for each epoch or step, in the order in which they are looked for."""


@dataclass(frozen=True, slots=True, repr=False)
class MetricCurve(Result):
    """A metric over the training of a version: the column `metric` of the file at `path`, by epoch, step or row (`axis`).

    `points` have x and y; `best` is the best of them, None without any.
    """

    KEYS = keys("model id number metric axis role path points best")

    model: str
    id: VersionId
    number: int
    metric: str
    axis: str
    role: str
    path: str
    points: tuple[Point, ...]

    @property
    def best(self) -> Point | None:
        """The first point with the best value: the lowest of a loss, the highest of most others."""
        best = min if order.lowest_is_best((METRICS, self.metric)) else max
        return best(self.points, key=lambda point: point.y, default=None)

    def summary(self) -> str:
        """Return the most important facts in one line."""
        best = self.best
        values = f", best {best.y:.4g} at {self.axis} {best.x:g}" if best is not None else ""
        return f"{self.model} v{self.number} {self.metric}: {len(self.points)} points{values}"


def curve(model: Model, version: VersionId, key: str) -> MetricCurve:
    """Return the curve of a metric, named as in model.toml or by its column in the log.

    Raises NoTrainingLog, NoCurve, BadValueFile, and as reading a file does.
    """
    repository, label = model.repository, history.label(model.repository, version)
    found = repository.objects.version(version)
    faults: list[errors.MvcError] = []
    for entry in logs(model, version):
        try:
            read = curves.read(_data(model, entry), entry.path, key)
        except curves.NoSuchColumnError as error:
            known = nested.listed(list(error.columns)) or "no columns"
            place = paths.escape_name(entry.path)
            faults.append(errors.NoCurve(version=label, key=paths.escape_name(key), where=place, known=known))
        except MalformedError as error:
            place = paths.escape_name(entry.path)
            fix = "Correct it in the next version, or print it with `mvc cat`."
            faults.append(errors.BadValueFile(where=place, reason=error.reason, fix=fix))
        else:
            return MetricCurve(
                model.key, version, found.number, read.column, read.axis, entry.role, entry.path, read.points
            )
    raise faults[0] if faults else errors.NoTrainingLog(version=label, roles=", ".join(ROLES))


def logs(model: Model, version: VersionId) -> Iterator[TreeEntry]:
    """Yield the files of a version that may have curves: by their roles, and the one that its metrics are read from."""
    objects = model.repository.objects
    stored = objects.version(version)
    manifest = objects.manifest(stored.manifest)
    tree = roles.expanded(manifest, objects.tree(stored.tree))
    entries = [tree.by_role.get(role) for role in ROLES]
    file = manifest.value_files.get(METRICS)
    entries.insert(1, tree.by_path.get(file.path) if file is not None else None)
    yield from {entry.path: entry for entry in entries if entry is not None}.values()


def _data(model: Model, entry: TreeEntry) -> bytes:
    if entry.size > curves.MAX_BYTES:
        raise MalformedError(f"it is larger than {curves.MAX_BYTES >> 20} MiB")
    promises.ensure_present(model.repository, [entry])
    return b"".join(model.repository.extract.stream(entry.file))
