"""Notes travel with push, fetch, pull and clone; of two people who add notes at once, neither loses one."""

from __future__ import annotations

import random
import threading
from pathlib import Path
from typing import Any

import pytest

from mvc import errors
from mvc.model.ids import VersionId
from mvc.model.version import Person, Timestamp
from mvc.porcelain import notes
from mvc.porcelain.fetch import fetch
from mvc.remotes.backends.backend import Backend, Outcome
from mvc.remotes.backends.local import LocalBackend
from mvc.repository.model import Model
from mvc.repository.repository import Actor, Repository
from mvc.storage.records.annotations.remarks import Note
from mvc.transport import annotation_sync
from tests.cli.shell import MODEL, Shell, begin
from tests.remotes.clones import clone, push_main, remote_on, set_origin
from tests.remotes.faults import Faulty

FOLDER = f"refs/{MODEL}/remarks"
ENTRIES = 6
"""Notes of each of several people at once, unless `--deep`."""


@pytest.fixture
def ana(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """v1 with a note, v2, and a remote with both and without the note."""
    (tmp_path / "ana").mkdir()
    shell = begin(tmp_path / "ana", monkeypatch)
    shell.write("w.bin", b"weights" * 5_000)
    shell.ok("add", "w.bin", "--as", "weights")
    shell.commit("one")
    shell.set(metrics__mAP50=0.5)
    shell.commit("two")
    set_origin(shell, (str(tmp_path / "origin"), {}))
    shell.ok("push")
    shell.ok("notes", "add", "v1", "by Ana", "incident=4711")
    return shell


def _notes(shell: Shell, *arguments: str) -> list[tuple[str, str]]:
    found = shell.ok("notes", *(arguments or ("log",)), "--json").json["notes"]
    return [(note["version"], note["text"]) for note in found]


def _texts(shell: Shell) -> list[str]:
    return [text for _, text in _notes(shell)]


def _ids(shell: Shell) -> list[str]:
    return shell.ok("log", "-q", "--reverse").lines


@pytest.mark.parametrize("options", [(), ("--meta",), ("--only", "weights")])
def test_clone_has_them(ana: Shell, tmp_path: Path, monkeypatch: Any, options: tuple[str, ...]) -> None:
    assert ana.ok("push", "--json").json["notes"] == 1
    assert _texts(clone(tmp_path, monkeypatch, "ben", *options)) == ["by Ana"]


@pytest.mark.parametrize("verb", ["fetch", "pull"])
def test_fetch_and_pull_bring_them_and_their_removal(ana: Shell, tmp_path: Path, monkeypatch: Any, verb: str) -> None:
    ben = clone(tmp_path, monkeypatch, "ben")
    ana.ok("push")
    said = ben.ok(verb, "--json").json
    assert (said if verb == "fetch" else said["fetched"])["notes"] == 1
    assert _texts(ben) == ["by Ana"]
    ben.ok("notes", "rm", "v1", "1")
    ben.ok("push")
    ana.ok(verb)
    assert _texts(ana) == []
    assert [text for _, text in _notes(ana, "log", "--all")] == ["by Ana"]


def test_notes_of_both_are_kept_in_the_same_order(ana: Shell, tmp_path: Path, monkeypatch: Any) -> None:
    ben = clone(tmp_path, monkeypatch, "ben")
    for number in range(3):
        ben.ok("notes", "add", "v1", f"by Ben {number}")
        ana.ok("notes", "add", "v1", f"again by Ana {number}")
    ben.ok("push")
    ana.ok("push")  # takes Ben's along
    assert len(_texts(ana)) == 7
    ben.ok("fetch")
    assert _notes(ben) == _notes(ana)
    assert ana.ok("push", "--json").json["notes"] == 0
    assert ana("fsck", "--remote", "origin").code == 0


def test_only_notes_on_versions_that_the_remote_has_are_sent(ana: Shell, tmp_path: Path) -> None:
    ana.ok("switch", "-c", "secret")
    hidden = ana.commit("not pushed", "--allow-empty")
    ana.ok("notes", "add", hidden, "about what nobody has")
    ana.ok("push", "origin", "main")
    assert [path.name for path in (tmp_path / "origin" / FOLDER).iterdir()] == [_ids(ana)[0]]
    ana.ok("push", "origin", "secret")
    assert {path.name for path in (tmp_path / "origin" / FOLDER).iterdir()} == {_ids(ana)[0], hidden}


def _about_notes(backend: Faulty) -> list[str]:
    return [call for call in backend.calls if "/remarks" in call]


def test_a_fetch_reads_new_notes_only(ana: Shell, tmp_path: Path, monkeypatch: Any) -> None:
    """A listing tells which are new; what was read once is not read again, also not by the sender."""
    ids = [_ids(ana)[0], *(ana.commit(f"version {number}", "--allow-empty") for number in range(10))]
    for id_ in ids[1:]:
        ana.ok("notes", "add", id_, "on it")
    backend = Faulty(LocalBackend(tmp_path / "origin"))
    push_main(ana, remote_on(backend))
    assert sum(call.startswith("create") for call in _about_notes(backend)) == 11
    assert sum(call.startswith("list") for call in _about_notes(backend)) == 1
    ben = clone(tmp_path, monkeypatch, "ben")
    assert len(_texts(ben)) == 11
    ana.ok("notes", "add", ids[4], "one more")
    ana.ok("push")
    for shell, reads in ((ben, 1), (ben, 0), (ana, 0)):
        backend.calls.clear()
        fetch(shell.repository, remote_on(backend), shell.actor)
        assert len(_about_notes(backend)) == reads, _about_notes(backend)
        assert sum(call.startswith("list refs") for call in backend.calls) == 1
    backend.calls.clear()
    push_main(ana, remote_on(backend))
    assert not _about_notes(backend)


class _Lossy(Faulty):
    """A third of the answers to a create are lost, after it was done or before."""

    def __init__(self, inner: Backend, rng: random.Random) -> None:
        super().__init__(inner)
        self._rng = rng

    def create(self, name: str, body: bytes) -> Outcome:
        chance = self._rng.random()
        if chance < 1 / 6:
            self._lose()
        outcome = super().create(name, body)
        if chance > 5 / 6:
            self._lose()
        return outcome

    def _lose(self) -> None:
        raise errors.RemoteUnreachable(remote=self.where, reason="a lost answer")


def test_of_several_who_push_notes_at_once_none_loses_one(
    ana: Shell, tmp_path: Path, monkeypatch: Any, rng: random.Random, *, deep: bool
) -> None:
    entries, ids = ENTRIES * (10 if deep else 1), [VersionId(id_) for id_ in _ids(ana)]
    shells = [ana, *(clone(tmp_path, monkeypatch, name) for name in ("ben", "cem", "dia"))]
    repositories = [Repository(shell.folder) for shell in shells]
    failures: list[BaseException] = []
    together = threading.Barrier(len(shells))

    def person(number: int, seed: int) -> None:
        own, repository = random.Random(seed), repositories[number]
        actor = Actor(Person(f"p{number}", "p@x.org"), Timestamp(1_770_000_000))
        backend = LocalBackend(tmp_path / "origin")
        remote = remote_on(_Lossy(backend, own) if number % 2 else backend)
        model = Model(repository, MODEL)
        try:
            for each in range(entries):
                together.wait()
                notes.add(model, own.choice(ids), actor, text=f"{number}-{each}")
                annotation_sync.send(model, remote)
        except BaseException as error:  # noqa: BLE001 - told below
            failures.append(error)
            together.abort()

    threads = [threading.Thread(target=person, args=(number, rng.getrandbits(32))) for number in range(len(shells))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures, failures
    expected = sorted(["by Ana", *(f"{number}-{each}" for number in range(len(shells)) for each in range(entries))])
    for shell in shells:
        shell.ok("fetch")
        assert sorted(_texts(shell)) == expected
    assert len({tuple(_notes(shell)) for shell in shells}) == 1
    assert ana.ok("fsck", "--remote", "origin", "--json").json["counts"]["notes"] == len(expected)


def test_notes_that_a_remote_has_lost_are_sent_again(ana: Shell, tmp_path: Path) -> None:
    ana.ok("push")
    (log,) = (tmp_path / "origin" / FOLDER).iterdir()
    (log / "0000000001").unlink()
    ana.ok("fetch")
    assert ana.ok("push", "--json").json["notes"] == 1
    assert (log / "0000000001").exists()


def _put(tmp_path: Path, version: str, seq: int, data: bytes) -> None:
    path = tmp_path / "origin" / FOLDER / version / f"{seq:010d}"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def _note(version: str, seq: int, text: str = "text") -> bytes:
    at, nonce = Timestamp(0), f"{seq:032x}"
    return Note(VersionId(version), seq, "Eve\x1b[31m <e@x>", at, nonce, text=text).encode()


def test_a_hostile_remote_spoils_no_fetch(ana: Shell, tmp_path: Path, monkeypatch: Any) -> None:
    """Notes that are damaged, of another version, or too large are reported; those that are sound are read."""
    ben = clone(tmp_path, monkeypatch, "ben", "--meta")
    one, two = _ids(ana)
    _put(tmp_path, one, 1, _note(one, 1, "sound\x1b[31m"))
    _put(tmp_path, one, 2, b"{}")
    _put(tmp_path, one, 3, _note(two, 3))
    _put(tmp_path, one, 4, _note(one, 9))
    _put(tmp_path, one, 5, _note(one, 5, "x" * (Note.MAX_BYTES + 1)))
    _put(tmp_path, one, 6, b"x" * 1_000_000)
    _put(tmp_path, one, 9_999_999_999, _note(one, 9_999_999_999, "far away"))
    _put(tmp_path, "0" * 64, 1, _note("0" * 64, 1, "on a version that nobody has"))
    (tmp_path / "origin" / "refs" / "con" / "remarks" / one).mkdir(parents=True)
    (tmp_path / "origin" / "refs" / "con" / "remarks" / one / "0000000001").write_bytes(_note(one, 1))
    backend = Faulty(LocalBackend(tmp_path / "origin"))
    done = fetch(ben.repository, remote_on(backend), ben.actor)
    assert len(_about_notes(backend)) == 7  # one for each note that is there, none for the gap
    assert (done.notes, len(done.unreadable)) == (2, 5)
    said = ben.ok("fetch")
    assert "Ignored a note" in said.out
    assert sorted(_texts(ben)) == ["far away", "sound\x1b[31m"]
    assert "\x1b" not in ben.ok("log").out + said.out
    assert ben("fsck").code == 0
    eve = ben("clone", str(tmp_path / "origin"), str(tmp_path / "eve"))
    assert (eve.code, eve.err.count("warning: ignored a note or evaluation: ")) == (0, 5), eve
    ben.ok("push")  # what cannot be read stays, and one's own notes go behind it
    found = ana.ok("fetch", "--json").json
    assert len(found["unreadable_notes"]) == 5
    kinds = {finding["kind"] for finding in ana("fsck", "--remote", "origin", "--json").json["findings"]}
    assert kinds == {"note"}


def test_kinds_below_refs_that_are_unknown_are_ignored(ana: Shell, tmp_path: Path, monkeypatch: Any) -> None:
    """As an mvc that does not know notes ignores those."""
    one = _ids(ana)[0]
    for folder in (f"refs/{MODEL}/omens/{one}", f"refs/{MODEL}/omens/heads/main", f"refs/{MODEL}/remarks/short"):
        path = tmp_path / "origin" / folder
        path.mkdir(parents=True)
        (path / "0000000001").write_bytes(b"of a later version")
    ben = clone(tmp_path, monkeypatch, "ben")
    assert ben.ok("fetch", "--json").json["ignored"] == []
    ben.commit("three", "--allow-empty")
    ben.ok("push")
    ana.ok("pull")
    ana.ok("gc", "--remote", "origin", "--grace", "0")
    assert ana("fsck", "--remote", "origin").code == 0


def test_notes_added_before_a_fetch_are_sent_after_it(ana: Shell, tmp_path: Path, monkeypatch: Any) -> None:
    ben = clone(tmp_path, monkeypatch, "ben")
    ana.ok("push")
    for number in range(2):
        ben.ok("notes", "add", "v1", f"by Ben {number}")
        ben.ok("fetch")
        ana.ok("notes", "add", "v1", f"again {number}")
        ana.ok("push")
        ben.ok("fetch")
        assert ben.ok("push", "--json").json["notes"] == 1
        ana.ok("fetch")
        assert _notes(ana) == _notes(ben)


def test_a_note_that_was_damaged_and_removed_is_fetched_again(ana: Shell, tmp_path: Path, monkeypatch: Any) -> None:
    """As fsck advises."""
    ana.ok("notes", "add", "v1", "another one")
    ana.ok("push")
    ben = clone(tmp_path, monkeypatch, "ben")
    (log,) = (ben.folder / ".mvc" / "remarks").glob("*/*")
    (log / "0000000001").write_bytes(b"{}")
    assert ben("fsck").code == 14
    (log / "0000000001").unlink()
    ben.ok("fetch")
    assert ben("fsck").code == 0
    assert _notes(ben) == _notes(ana)
