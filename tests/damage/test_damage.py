"""Every byte of a small store is flipped, every file truncated, extended and removed: `fsck` finds it, and no wrong byte
is ever given out."""

from __future__ import annotations

import random
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from mvc import errors
from mvc.porcelain.fsck import fsck
from mvc.repository import revisions
from mvc.repository.model import Model
from mvc.repository.repository import Repository
from mvc.storage.chunks.encodings import DIFFERENCE, PLANES, RAW, ZSTD
from mvc.storage.chunks.recipes import Recipe
from mvc.storage.disk.door import StoreDoor
from mvc.storage.fsck import Sound, check
from tests.crash.harness import command, mvc
from tests.required import stored
from tests.weights import safetensors

SLACK = ("README", ".gitignore", "cache", "tmp", "lock")
PARTS = ("config.toml", "heads", "refs", "objects", "recipes", "packs")
TUNED = "tuned.safetensors"
BLOCKS = [bytes([letter]) * 1_000 + b"layer %d" % letter for letter in range(60)]


@dataclass(frozen=True)
class Golden:
    """A sound repository, and the bytes of every file of every version."""

    root: Path
    files: dict[tuple[str, str], bytes]


@pytest.fixture(scope="module")
def golden(tmp_path_factory: pytest.TempPathFactory) -> Golden:
    root = tmp_path_factory.mktemp("golden")
    weights = [b"".join(BLOCKS), b"".join(BLOCKS[::-1])]
    files: dict[tuple[str, str], bytes] = {}
    mvc(root, "init", "--model", "helmets")
    (root / "best.onnx").write_bytes(b"")
    (root / "notes.txt").write_bytes(b"small")
    mvc(root, "add", "best.onnx", "--as", "model-latest")
    (root / TUNED).write_bytes(b"")
    mvc(root, "add", "notes.txt", "--as", "notes")
    mvc(root, "add", TUNED, "--as", "tuned")
    for number, data in enumerate(weights, 1):
        (root / "best.onnx").write_bytes(data)
        (root / TUNED).write_bytes(_network(number))
        mvc(root, "set", f"parameters.epochs={number}", f"labelmap.{number - 1}=class {number}")
        mvc(root, "commit", "-m", f"version {number}", "--alias", "prod")
        files |= {(f"v{number}", "best.onnx"): data, (f"v{number}", "notes.txt"): b"small"}
        files[f"v{number}", TUNED] = _network(number)
    mvc(root, "tag", "first", "v1")
    assert stored(root) == {RAW, ZSTD, PLANES, DIFFERENCE}
    assert not fsck(Repository(root), read_data=True).findings
    return Golden(root, files)


def _network(step: int) -> bytes:
    """Weights that the next step changes a little, so that they are stored as what differs; and that shrink well."""
    weights = np.tile(np.linspace(-1, 1, 8, dtype="<f4").view("<u4"), 1_000)
    weights[:: 7 * step] += np.uint32(step)
    return safetensors({"layer.weight": ("F32", (80, 100), weights.tobytes())})


@pytest.fixture
def copy(golden: Golden, tmp_path: Path) -> Path:
    root = tmp_path / "copy"
    shutil.copytree(golden.root, root)
    return root


def _records(root: Path, part: str = "") -> list[Path]:
    top = root / ".mvc"
    found = [path for path in sorted(top.rglob("*")) if path.is_file() and path.relative_to(top).parts[0] not in SLACK]
    return [path for path in found if not part or path.relative_to(top).parts[0] == part]


def _finding(root: Path) -> str | None:
    """The first thing that is wrong: what comes after it need not be checked."""
    return next((finding.message for finding in check(StoreDoor(root / ".mvc"), Sound())), None)


def _without_comments(data: bytes) -> Iterator[int]:
    """The places of `config.toml` that are not in a comment line."""
    at = 0
    for line in data.splitlines(keepends=True):
        if not line.startswith(b"#"):
            yield from range(at, at + len(line))
        at += len(line)


@pytest.mark.parametrize("part", PARTS)
def test_every_flipped_byte_is_found(copy: Path, part: str, rng: random.Random, *, deep: bool) -> None:
    """Every byte with --deep, else a third of them, and of each file the first and the last."""
    for path in _records(copy, part):
        whole = path.read_bytes()
        path.chmod(0o644)
        places = list(_without_comments(whole) if path.name == "config.toml" else range(len(whole)))
        for place in places if deep else {places[0], places[-1], *rng.sample(places, len(places) // 3)}:
            flipped = bytearray(whole)
            flipped[place] ^= 1 << rng.randrange(8)
            path.write_bytes(flipped)
            assert _finding(copy) is not None, (
                f"{path.relative_to(copy)}, byte {place}: {whole[place]:#x} -> {flipped[place]:#x}"
            )
        path.write_bytes(whole)
    assert _finding(copy) is None


@pytest.mark.parametrize("part", PARTS)
def test_every_truncation_and_extension_is_found(copy: Path, part: str) -> None:
    for path in _records(copy, part):
        whole = path.read_bytes()
        path.chmod(0o644)
        for wrong in (b"", whole[: len(whole) // 2], whole[:-1], whole + b"x"):
            path.write_bytes(wrong)
            if not (part == "config.toml" and wrong == whole[:-1]):  # its last byte ends a line, and says nothing
                assert fsck(Repository(copy)).findings if part != "config.toml" else _finding(copy), path
        path.write_bytes(whole)


def test_every_removal_is_found_but_that_of_the_newest_entry_of_a_log(copy: Path) -> None:
    for path in _records(copy):
        if path.name == "config.toml":
            continue  # without it there is no repository to check, and every command says so
        if path.parent.name == "operations":
            continue  # no operation is needed; undo says that it is unknown
        whole = path.read_bytes()
        path.unlink()
        newest = (
            path.parent.parent.parent.parent.name == "refs"
            and path.name == f"{len(list(path.parent.iterdir())) + 1:010d}"
        )
        if not newest:
            assert fsck(Repository(copy)).findings, path
        path.write_bytes(whole)


def test_no_wrong_byte_is_ever_given_out(golden: Golden, copy: Path, rng: random.Random, deep: bool) -> None:
    for path in [p for part in ("objects", "recipes", "packs") for p in _records(copy, part)]:
        whole = path.read_bytes()
        path.chmod(0o644)
        places = range(len(whole)) if deep else sorted(rng.sample(range(len(whole)), min(12, len(whole))))
        for place in places:
            flipped = bytearray(whole)
            flipped[place] ^= 1 << rng.randrange(8)
            path.write_bytes(flipped)
            _read_all(golden, copy)
        path.write_bytes(whole)


def _read_all(golden: Golden, root: Path) -> None:
    repository = Repository(root)
    tip = repository.current("helmets")
    assert tip is not None
    try:
        second = repository.objects.version(tip)
        versions = [second, repository.objects.version(second.parents[0])]
    except errors.Damaged:
        return
    for version in versions:
        try:
            entries = repository.objects.tree(version.tree).entries
        except errors.Damaged:
            continue
        for entry in entries:
            try:
                data = b"".join(bytes(block) for block in repository.extract.stream(entry.file))
            except errors.Damaged:
                continue
            assert data == golden.files[f"v{version.number}", entry.path]


@pytest.mark.parametrize("part", ["objects", "recipes", "packs"])
def test_damage_names_the_versions_and_files_hit_and_the_rest_stays_readable(
    golden: Golden, copy: Path, part: str
) -> None:
    victim = max(_records(copy, part), key=lambda path: path.stat().st_size)
    victim.chmod(0o644)
    whole = victim.read_bytes()
    victim.write_bytes(whole[: len(whole) // 2])
    outcome = command(copy, ("fsck",))
    assert outcome.code == 14, outcome.output
    assert "helmets" in outcome.output
    assert re.search(r"v[12] |the whole version", outcome.output), outcome.output
    assert "Traceback" not in outcome.output
    readable = 0
    for (version, path), data in golden.files.items():
        revision = {"v1": "first", "v2": "main"}[version]  # not by number, which would take v2's line to v1
        shown = command(copy, ("cat", f"{revision}:./{path}"))
        assert shown.code in (0, 14), shown.output
        readable += shown.code == 0 and shown.output.encode() == data
    assert readable > 0


def test_a_damaged_base_names_every_version_that_rests_on_it(copy: Path) -> None:
    repository = Repository(copy)
    places = [
        repository.chunks.find(chunk)[0]
        for version in ("first", "main")
        for chunk, _ in _tuned_recipe(repository, version).chunks
    ]
    base = next(place for place in places if place.entry.id in {each.entry.base for each in places})
    pack = copy / ".mvc" / base.pack
    pack.chmod(0o644)
    data = bytearray(pack.read_bytes())
    data[base.entry.end - 1] ^= 1
    pack.write_bytes(data)
    found = command(copy, ("fsck",)).output
    for number in (1, 2):
        assert re.search(rf"v{number} .*{TUNED}", found), found
    for version in ("first", "main"):
        assert command(copy, ("cat", f"{version}:./{TUNED}")).code == 14
        assert command(copy, ("cat", f"{version}:./best.onnx")).code == 0


def _tuned_recipe(repository: Repository, version: str) -> Recipe:
    id_ = revisions.resolve(Model(repository, "helmets"), version)
    tree = repository.objects.tree(repository.objects.version(id_).tree)
    recipe = repository.recipes.best(tree.by_path[TUNED].file)
    assert recipe is not None
    return recipe


def test_slack_may_be_wrong_or_gone(copy: Path) -> None:
    (copy / ".mvc" / "README").write_bytes(b"?")
    shutil.rmtree(copy / ".mvc" / "cache")
    shutil.rmtree(copy / ".mvc" / "tmp")
    (copy / ".mvc" / "lock").unlink()
    assert not fsck(Repository(copy), read_data=True).findings
    mvc(copy, "status")
    mvc(copy, "switch", "v1")


@pytest.mark.parametrize("name", ["stat", "chunks.sqlite"])
def test_a_wrong_cache_never_makes_a_wrong_answer(golden: Golden, copy: Path, name: str, rng: random.Random) -> None:
    mvc(copy, "status")
    cache = copy / ".mvc" / "cache" / name
    if not cache.exists():
        pytest.skip(f"this repository has no cache/{name}")
    whole = cache.read_bytes()
    for _ in range(30):
        flipped = bytearray(whole)
        for _ in range(20):
            flipped[rng.randrange(len(flipped))] ^= 1 << rng.randrange(8)
        cache.write_bytes(flipped)
        assert "Nothing" in (text := mvc(copy, "status")) or "clean" in text.lower(), text
        assert mvc(copy, "cat", "v1:model-latest").encode() == golden.files["v1", "best.onnx"]
