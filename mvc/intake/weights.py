"""The file with the model's weights among those of a run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath

from mvc import errors
from mvc.deferred import dataclass
from mvc.intake import checkpoints, listing
from mvc.intake.layouts import LIGHTNING, NO_WEIGHTS, PLAIN, Layout, Part, Purpose
from mvc.intake.listing import Listing
from mvc.model.paths import escape_name
from mvc.readiness.fit import SUFFIXES_BY_FRAMEWORK

_STEMS = ("best", "model", "last", "")
_SUFFIXES = (".pt", ".pth", ".ckpt", ".safetensors", ".keras", ".h5", ".onnx")
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class RunFile:
    """A file of a run by its path below the run folder, or several by a pattern; `why` it was chosen."""

    part: Part
    path: str
    why: str = ""

    @property
    def is_pattern(self) -> bool:
        """True if the path is a pattern."""
        return self.path in self.part.sharded


def paths_of(part: Part, found: Listing) -> Iterator[str]:
    """Yield the paths of a part, in the order of its patterns; those of a sharded one are its pattern."""
    for pattern in part.patterns:
        paths = found.matches(pattern)
        if paths and pattern in part.sharded:
            yield pattern
        else:
            yield from (path for path in paths if part.purpose is Purpose.VALUES or not _is_state(path))


def choose(layout: Layout, found: Listing, shown: str, framework: str | None) -> RunFile | None:
    """Return the file with the model's weights, None if there is none yet; raise WhichWeights."""
    part = layout.weights
    if layout is PLAIN:
        return _plain(part, list(dict.fromkeys(paths_of(part, found))), shown, framework)
    if layout is LIGHTNING:
        return _lightning(part, found)
    path = next(paths_of(part, found), None)
    if path is None:
        return None
    why = part.why if listing.is_match(path, part.patterns[0]) else f"{part.why}; there is no {part.patterns[0]}"
    return _of_framework(RunFile(part, path, why), found, framework)


def _lightning(part: Part, found: Listing) -> RunFile | None:
    """Return the checkpoint that is called best, else the best of all but the last one, else that."""
    named = found.matches(part.patterns[0])
    if len(named) == 1:
        return RunFile(part, named[0], part.why)
    paths = named or list(paths_of(part, found))
    earlier = [path for path in paths if not PurePosixPath(path).name.startswith("last")]
    return RunFile(part, *checkpoints.best(earlier or paths)) if paths else None


def _of_framework(chosen: RunFile, found: Listing, framework: str | None) -> RunFile:
    """Return the chosen weights, or their export with a suffix that the model's framework has."""
    suffixes = SUFFIXES_BY_FRAMEWORK.get(framework or "", ())
    path = PurePosixPath(chosen.path)
    if not suffixes or path.suffix in suffixes or chosen.path in chosen.part.sharded:
        return chosen
    exported = [path.with_suffix(suffix).as_posix() for suffix in suffixes]
    fitting = next((path for path in exported if path in found.files), None)
    return RunFile(chosen.part, fitting, f"exported for {framework}") if fitting else chosen


def _plain(part: Part, paths: list[str], shown: str, framework: str | None) -> RunFile | None:
    """Return the weights of a folder of unknown make: best, model, last, or the only ones there."""
    preferred = (*SUFFIXES_BY_FRAMEWORK.get(framework or "", ()), *_SUFFIXES)

    def rank(path: str) -> int:
        suffix = PurePosixPath(path).suffix
        return preferred.index(suffix) if suffix in preferred else len(preferred)

    for stem in _STEMS:
        named = [path for path in paths if PurePosixPath(path).name.lower().startswith(stem)]
        first = [path for path in named if rank(path) == min(map(rank, named))]
        if len(first) > 1:
            listed = ", ".join(map(escape_name, first[:_SHOWN])) + (", …" if len(first) > _SHOWN else "")
            raise errors.WhichWeights(path=shown, count=len(first), listed=listed, first=f"{shown}/{first[0]}")
        if first:
            return RunFile(part, first[0], f"its name begins with {stem}" if stem else "the only weights")
    return None


def _is_state(path: str) -> bool:
    """Return whether a file with a suffix of weights holds the state of a training instead."""
    return any(listing.is_match(PurePosixPath(path).name, pattern) for pattern in NO_WEIGHTS)
