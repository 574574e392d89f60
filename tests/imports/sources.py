"""Made histories outside mvc: what a Git or DVC repository or a hub would give to the import."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from mvc.model.version import Code, Person, Timestamp
from mvc.repository.imports.source import AliasMove, Checksum, Sink, SourceFile, SourceHistory, Step

ANA, BEN = Person("Ana", "ana@example.org"), Person("Ben", "ben@example.org")
START = 1_770_000_000


def content(data: bytes) -> Callable[[Sink], object]:
    """The bytes as a source gives them: in blocks."""

    def write(sink: Sink) -> None:
        for begin in range(0, len(data), 5_000):
            sink(data[begin : begin + 5_000])

    return write


def file(
    data: bytes, path: str = "model.pt", role: str = "model-latest", *, place: Path | None = None, algorithm: str = ""
) -> SourceFile:
    """A file of a source; with a `place`, on disk there."""
    if place is not None:
        place.write_bytes(data)
    made = SourceFile(path, role, place or content(data), len(data))
    if algorithm:
        made = replace(made, checksum=Checksum(algorithm, hashlib.new(algorithm, data).hexdigest()))
    return made


def step(key: str, *parents: str, data: bytes | None = None, time: int = 0, **more: object) -> Step:
    """A step with one file of weights, unless `files` are given."""
    files = more.pop("files", None) or (file((data or key.encode()) * 3_000),)
    values = {"message": f"message of {key}", "author": ANA, "time": Timestamp(START + time), **more}
    return Step(key, parents, tuple(files), **values)  # type: ignore[arg-type]


def history(*steps: Step, **more: object) -> SourceHistory:
    """A history whose branch main is at the last step."""
    values = {"origin": "made", "model": "helmets", "branches": {"main": steps[-1].key} if steps else {}, **more}
    return SourceHistory(steps=steps, **values)  # type: ignore[arg-type]


def drawn(draw: random.Random, folder: Path, count: int) -> SourceHistory:
    """A random history with merges, several roots, missing files, tags and alias moves."""
    pool = [draw.randbytes(draw.choice((10, 3_000, 40_000))) for _ in range(6)]
    steps: list[Step] = []
    for number in range(count):
        keys = [each.key for each in steps]
        parents = tuple(draw.sample(keys, min(len(keys), draw.choice((0, 1, 1, 1, 1, 2)))))
        if not parents and keys and draw.random() < 0.8:
            parents = (keys[-1],)
        steps.append(_drawn_step(draw, folder, f"s{number}", parents, pool))
    keys = [each.key for each in steps]
    tips = {"main": keys[-1]} | {f"b{n}": draw.choice(keys) for n in range(draw.randrange(3))}
    moves = [
        AliasMove(
            draw.choice(("prod", "edge")), draw.choice([*keys, None]), draw.choice((ANA, BEN)), Timestamp(n), f"why {n}"
        )
        for n in range(draw.randrange(5))
    ]
    tags = {f"t{n}": draw.choice(keys) for n in range(draw.randrange(4))}
    return history(*steps, branches=tips, tags=tags, aliases=moves)


def _drawn_step(draw: random.Random, folder: Path, key: str, parents: tuple[str, ...], pool: list[bytes]) -> Step:
    files = []
    for number in range(draw.randrange(1, 4)):
        place = folder / f"{key}-{number}" if draw.random() < 0.5 else None
        algorithm = draw.choice(("", "sha256", "md5"))
        files.append(file(draw.choice(pool), f"f{number}.bin", f"role-{number}", place=place, algorithm=algorithm))
    return Step(
        key,
        parents,
        tuple(files),
        f"message {key}",
        draw.choice((ANA, BEN)),
        Timestamp(START + draw.randrange(10_000), draw.choice((0, 60))),
        sections={"parameters": {"lr": draw.random(), "nested": {"a": [1, 2]}}, "metrics": {"mAP50(B)": draw.random()}},
        code=Code(f"{draw.getrandbits(160):040x}", "main", None, dirty=False) if draw.random() < 0.5 else None,
        missing=("lost.bin",) if draw.random() < 0.1 else (),
    )
