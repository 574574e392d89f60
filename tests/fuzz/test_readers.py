"""No reader is forgotten: each call of mvc that turns bytes into values is reached by the corpus of a target."""

from __future__ import annotations

import os
import sys
from types import CodeType, FrameType
from typing import Any

from tests.fuzz import readers
from tests.fuzz.readers import Place
from tests.fuzz.table import TARGETS
from tests.fuzz.target import PROCESS

_MVC = f"{os.sep}mvc{os.sep}"

ELSEWHERE = {
    "api/files.py numpy.frombuffer": "tensors whose dtype, shape and size a header proved; tests/api",
    "cli/commit.py textfile.decode": "the text of a message, as the target text-file reads it",
    "formats/metadata/hdf5_attributes.py json.loads": "attributes of Keras, which its own process reads; tests/formats",
    "remotes/backends/gcs.py datetime.fromisoformat": "the time in a listing, as Google's client library returns it",
    "remotes/upload.py bytes.fromhex": "ids of its own",
    "repository/signatures/oms.py bytes.fromhex": "digests of its own, for a signature that it writes",
    "repository/signatures/private_key.py base64.b64decode": "a key as `cryptography` writes it",
    "repository/signatures/trust.py base64.b64decode": "whether a line of allowed signers has a key; `ssh-keygen` reads it",
    "storage/chunks/guess.py int.from_bytes": "chooses how to write",
    "storage/chunks/planes.py np.frombuffer": "`most_equal` chooses how to write; the target encoded-chunk reaches the others",
    "storage/fsck.py bytes.fromhex": "ids that were read, which are checked there",
    "storage/fsck.py canonical.decode": "objects, as the targets version, manifest and tree read them",
    "storage/packs/gc.py bytes.fromhex": "ids of its own",
    "storage/packs/index.py bytes.fromhex": "ids of its own",
    "storage/packs/loose.py contents.unpack": "a method of a class of its own",
    "storage/packs/metapacks.py bytes.fromhex": "ids of its own",
    "storage/packs/packwriter.py bytes.fromhex": "ids of what it writes",
    "training/engine/output.py csv.reader": "the log that the same process wrote",
}
"""Calls that no corpus reaches, by module, and why."""


def test_each_place_that_parses_is_reached() -> None:
    places = list(readers.places())
    reached = _reached({(place.path, place.line) for place in places})
    missed = [place for place in places if (place.path, place.line) not in reached]
    forgotten = [_shown(place) for place in missed if _key(place) not in ELSEWHERE]
    assert not forgotten, "no input of a target reaches these; add a target, or say in ELSEWHERE why not"
    assert set(ELSEWHERE) <= set(map(_key, missed)), "what ELSEWHERE explains is reached, or is gone"


def _key(place: Place) -> str:
    return f"{place.path} {place.call}"


def _shown(place: Place) -> str:
    return f"mvc/{place.path}:{place.line} {place.call}"


def _reached(places: set[tuple[str, int]]) -> set[tuple[str, int]]:
    """Return those of the places that the corpora run; only functions with such a place are traced line by line."""
    found: set[tuple[str, int]] = set()
    lines: dict[CodeType, frozenset[int]] = {}

    def of(code: CodeType) -> frozenset[int]:
        path = code.co_filename.rpartition(_MVC)[2] if _MVC in code.co_filename else ""
        own = {line for _, _, line in code.co_lines() if line is not None} if path else set()
        return frozenset(line for line in own if (path, line) in places)

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        code = frame.f_code
        if event == "call":
            if code not in lines:
                lines[code] = of(code)
            return trace if lines[code] else None
        if frame.f_lineno in lines[code]:
            found.add((code.co_filename.rpartition(_MVC)[2], frame.f_lineno))
        return trace

    inputs = [(target, path.read_bytes()) for target in TARGETS.values() for path in target.files()]
    before = sys.gettrace()
    sys.settrace(trace)
    try:
        for target, data in inputs:
            if target.cost < PROCESS and len(data) <= _LONGEST:
                target.fault(data)
    finally:
        sys.settrace(before)
    return found


_LONGEST = 20_000
"""Bytes of the inputs that are read."""
