"""Names, formats and special files that somebody put into a remote: told or ignored, never followed, never waited for."""

from __future__ import annotations

import json
import os
import shutil
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mvc.model.ids import digest
from mvc.storage.records import sealed
from mvc.storage.records.reflog import HEADS, REFS, Move, RefEntry, RefName
from tests.cli.shell import MODEL
from tests.remotes.clones import MAIN
from tests.remotes.hostile import (
    ANY,
    DAMAGED,
    DOCUMENTED,
    NOW,
    REFUSED,
    Case,
    World,
    check_said,
    check_sound,
    raw,
    registering,
)

CASES: list[Case] = []
_case = registering(CASES)
EVIL = "\x1b[2J\x1b]0;owned\x07\u202e\r\nmvc: all is well"


def _entry(**changes: Any) -> Callable[[World], object]:
    """Main's next entry, with other fields; its seal is right."""
    return lambda world: world.put_entry(world.next_entry(**changes))


ENTRIES: dict[str, dict[str, Any]] = {
    "of-another-name": {"ref": "heads/other"},
    "of-a-path": {"ref": "../../x"},
    "of-another-number": {"seq": 9},
    "of-a-negative-number": {"seq": -2},
    "of-a-flag-for-a-number": {"seq": True},
    "of-version-2": {"v": 2},
    "of-another-kind": {"kind": "head"},
    "to-no-id": {"new": "../../etc/passwd"},
    "to-a-number": {"new": 3},
    "to-nothing-known": {"new": ANY},
    "with-more-fields": {"evil": 1},
    "with-what-was-seen": {"seen": [3, ANY]},
    "of-a-short-nonce": {"nonce": "ab"},
    "of-a-time-far-away": {"at": {"seconds": 1 << 62, "offset": 0}},
    "of-a-time-before-all": {"at": {"seconds": -(1 << 37), "offset": 0}},
    "of-no-time": {"at": None},
    "by-nobody": {"by": None},
}
CASES += [Case(f"entry-{name}", _entry(**changes), DAMAGED) for name, changes in ENTRIES.items()]
CASES += [
    Case("entry-to-a-tree", lambda world: world.move(world.version.tree), DAMAGED, "version"),
    Case("entry-to-a-manifest", lambda world: world.move(world.version.manifest), DAMAGED, "version"),
    Case("entry-by-evil", _entry(by=EVIL, reason=EVIL), 0),
]


def _bytes(data: bytes) -> Callable[[World], object]:
    return lambda world: world.put(MAIN.path(2), data)


BYTES: dict[str, bytes] = {
    "empty": b"",
    "rubbish": b"\x00\xff" * 50,
    "huge": b"x" * (70 * 1024),
    "nested": b"[" * 60_000,
    "list": b"[]",
    "unsealed": raw({"kind": "ref"}),
    "of-escapes": EVIL.encode(),
}
CASES += [Case(f"bytes-{name}", _bytes(data), DAMAGED, "Entry 2") for name, data in BYTES.items()]


@_case("entry-whose-seal-is-broken", DAMAGED, "checksum")
def _seal(world: World) -> None:
    path = world.put_entry(world.next_entry())
    path.write_bytes(path.read_bytes().replace(b"Mallory", b"Malcolm"))


@_case("log-with-a-gap", 0)
def _gap(world: World) -> None:
    world.put_entry(world.next_entry(seq=7), seq=7)


@_case("log-with-the-last-number-there-is", 0)
def _last(world: World) -> None:
    world.put_entry(world.next_entry(seq=9_999_999_999), seq=9_999_999_999)


@_case("log-that-went-back", DAMAGED, "history", clone=0)
def _back(world: World) -> None:
    world.put_entry(world.next_entry())
    assert world.run("fetch").code == 0
    (world.origin / MAIN.path(2)).unlink()


@_case("log-that-was-replaced", DAMAGED, "history", clone=0)
def _replaced(world: World) -> None:
    record = json.loads((world.origin / MAIN.path(1)).read_bytes())
    world.put_entry({**record, "nonce": "cd" * 16}, seq=1)


@_case("log-that-is-gone", DAMAGED, "history", clone=2)
def _gone(world: World) -> None:
    shutil.rmtree(world.origin / MAIN.folder)


def _named(component: str, model: str = MODEL, kind: str = HEADS) -> Callable[[World], object]:
    """A log under a component that mvc would not write; its entry is main's."""

    def alter(world: World) -> None:
        data = (world.origin / MAIN.path(1)).read_bytes()
        world.put(f"{REFS}/{model}/{kind}/{component}/0000000001", data)

    return alter


def _branch(name: str, model: str = MODEL) -> Callable[[World], object]:
    """A sound log of a name that mvc would not make."""

    def alter(world: World) -> None:
        ref = RefName(model, HEADS, name)
        entry = RefEntry.after(ref, None, world.tip, Move("Mallory", NOW, "push", "ab" * 16))
        world.put(ref.path(1), entry.encode())

    return alter


COMPONENTS = {
    "capitals": "MAIN", "no-escape": "%zz", "needless-escape": "%61bc", "capital-escape": "%4D", "space": "a b", "not-utf8": "%ff",
    "surrogate": "%ed%a0%80", "cut-escape": "abc%", "unreadable": "\udcff", "dots": "%2e%2e", "control": "a\x1b[2Jb",
}  # fmt: skip
CASES += [Case(f"component-{name}", _named(component), 0) for name, component in COMPONENTS.items()]
CASES += [Case(f"model-component-{name}", _named("main", model), 0) for name, model in COMPONENTS.items()]
NAMES = {
    "option": "-x", "dots": "a..b", "at-brace": "a@{1}", "lock": "x.lock", "space": "a b", "escape": "a\x1b[2Jb", "bidi": "a\u202eb",
    "head": "HEAD", "number": "v7", "id": "abcdef12", "slash": "/x", "two-slashes": "a//b", "hidden": ".x", "device": "nul",
    "glob": "a*", "up": "../../x", "newline": "a\nb", "not-composed": "e\u0301",
}  # fmt: skip
CASES += [Case(f"branch-{name}", _branch(text), 0, "Ignored invalid ref name") for name, text in NAMES.items()]
MODELS = {
    "up": "../x",
    "option": "-x",
    "mvc": ".mvc",
    "slash": "/x",
    "escape": "a\x1b[2J",
    "bidi": "a\u202eb",
    "device": "con",
    "space": " x",
}
CASES += [Case(f"model-{name}", _branch("main", text), 0, "Ignored invalid ref name") for name, text in MODELS.items()]
CASES += [
    Case("branch-that-is-a-case-twin", _branch("Main"), 0),
    Case("branch-in-a-branch", _branch("main/x"), 0),
    Case("branch-of-another-kind", _named("x", kind="evil"), 0),
    Case("branch-with-odd-files", lambda world: world.put(f"{MAIN.folder}/0000000001.bak", b"x"), 0),
    Case("branch-with-short-number", lambda world: world.put(f"{MAIN.folder}/2", b"x"), 0),
]


# --- the format


def _format(data: bytes) -> Callable[[World], object]:
    return lambda world: world.put("format", data)


FORMAT = {"kind": "remote", "v": 1, "hash": "blake3", "requires": ["delta"]}
CASES += [
    Case("format-empty", _format(b""), DAMAGED, "format"),
    Case("format-rubbish", _format(b"\x00" * 500), DAMAGED, "format"),
    Case("format-of-another-kind", _format(sealed.seal({**FORMAT, "kind": "ref"})), DAMAGED, "format"),
    Case("format-newer", _format(sealed.seal({**FORMAT, "v": 2})), 128, "newer"),
    Case("format-of-another-hash", _format(sealed.seal({**FORMAT, "hash": "sha256"})), 128, "newer"),
    Case("format-unknown-feature", _format(sealed.seal({**FORMAT, "requires": [EVIL]})), 128, "newer"),
    Case("format-requires-no-list", _format(sealed.seal({**FORMAT, "requires": {"a": 1}})), 128, "newer"),
    Case("format-without-requires", _format(sealed.seal({"kind": "remote", "v": 1, "hash": "blake3"})), 128, "newer"),
]


@_case("format-of-a-gigabyte", DAMAGED, "format")
def _gigabyte(world: World) -> None:
    os.truncate(world.put("format", b"{"), 1 << 30)


@_case("format-gone", DAMAGED, "lost its file", clone=REFUSED)
def _no_format(world: World) -> None:
    (world.origin / "format").unlink()


# --- what is no regular file

Special = Callable[[Path, World], object]
SPECIALS: dict[str, Special] = {
    "link": lambda path, world: path.symlink_to(world.folder / "secret"),
    "link-to-a-device": lambda path, _: path.symlink_to("/dev/zero"),
    "link-to-itself": lambda path, _: path.symlink_to(path),
    "fifo": lambda path, _: os.mkfifo(path),
    "folder": lambda path, _: path.mkdir(),
}


def _special(make: Special, name: Callable[[World], str]) -> Callable[[World], object]:
    def alter(world: World) -> None:
        path = world.origin / name(world)
        path.unlink(missing_ok=True)
        path.parent.mkdir(parents=True, exist_ok=True)
        make(path, world)

    return alter


for _kind, _make in SPECIALS.items():
    CASES += [
        Case(f"format-that-is-a-{_kind}", _special(_make, lambda _: "format"), DAMAGED, "format"),
        Case(
            f"metapack-that-is-a-{_kind}",
            _special(_make, lambda world: f"meta/{world.metapacks[0].name}"),
            0,
            clone=DAMAGED,
        ),
        Case(
            f"pack-that-is-a-{_kind}",
            _special(_make, lambda world: f"packs/{world.packs[0].parent.name}/{world.packs[0].name}"),
            0,
            clone=DAMAGED,
        ),
        Case(f"entry-that-is-a-{_kind}", _special(_make, lambda _: MAIN.path(2)), 0),
        Case(f"stranger-that-is-a-{_kind}", _special(_make, lambda _: "packs/77/x"), 0),
    ]


@_case("folders-that-are-links", DAMAGED)
def _linked(world: World) -> None:
    elsewhere = world.folder / "elsewhere"
    (world.origin / "meta").rename(elsewhere)
    (world.origin / "meta").symlink_to(elsewhere)
    world.move(ANY)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_it_is_told_or_ignored_and_nothing_is_lost(world: World, case: Case) -> None:
    case.check(world)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_push_to_it_loses_nothing(world: World, case: Case) -> None:
    """It may change what the remote has, but nothing else, and ends with an answer."""
    world.ben.write("mine.txt", b"mine")
    world.ben.ok("add", "mine.txt")
    world.ben.commit("mine")
    case.alter(world)
    before = {path: there for path, there in world.outside().items() if not path.startswith(str(world.origin))}
    check_said(world.run("push"), DOCUMENTED | {128})
    assert {path: there for path, there in world.outside().items() if not path.startswith(str(world.origin))} == before
    check_sound(world)


def test_a_name_that_cannot_be_decoded_is_left_out_and_told(world: World) -> None:
    world.put(f"{REFS}/{MODEL}/{HEADS}/Not%ZZ/0000000001", b"x")
    said = world.run("fetch")
    assert said.code == 0
    assert f"Ignored invalid ref name: {MODEL}/{HEADS}/Not%ZZ" in said.out


def test_a_hard_link_is_copied_and_not_shared(world: World) -> None:
    for path in world.metapacks:
        os.link(path, world.folder / path.name)
    assert world.clone().code == 0
    for path in world.metapacks:
        copy = world.folder / "carl" / ".mvc" / "meta" / path.name
        assert stat.S_ISREG(copy.stat().st_mode)
        assert copy.stat().st_ino != path.stat().st_ino
        assert digest(copy.read_bytes()) == path.stem
