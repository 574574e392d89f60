"""Notes on versions: no part of their identity, only appended, shown, searched and queried, and never with a secret."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import mvc
from mvc import errors
from mvc.model.ids import VersionId
from mvc.model.version import Person, Timestamp
from mvc.porcelain import notes
from mvc.repository.model import Model
from mvc.repository.repository import Actor
from mvc.storage.records.annotations.log import current
from mvc.storage.records.annotations.remarks import Note
from tests.cli.shell import ANA, MODEL, Shell, begin

TOKEN = "ghp_" + "aB3dE6gH9jK2mN5pQ8sT1vW4yZ7cF0hJ3lO6"


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """v1 and v2, with `withdrawn` on neither."""
    shell = begin(tmp_path, monkeypatch)
    shell.set(metrics__mAP50=0.5)
    shell.commit("one")
    shell.set(metrics__mAP50=0.6)
    shell.commit("two")
    return shell


def _texts(shell: Shell, *arguments: str) -> list[str]:
    return [note["text"] for note in shell.ok("notes", *arguments, "--json").json["notes"]]


def test_notes_leave_the_version_as_it_is(shell: Shell) -> None:
    before, config = shell.ok("rev-parse", "v1").out, (shell.folder / ".mvc" / "config.toml").read_bytes()
    shell.ok("notes", "add", "v1", "bad in rain", "incident=4711", "rain.mAP50=0.41")
    assert shell.ok("rev-parse", "v1").out == before
    assert (shell.folder / ".mvc" / "config.toml").read_bytes() == config  # an older mvc may go on
    (note,) = shell.ok("notes", "show", "v1", "--json").json["notes"]
    assert (note["text"], note["values"]) == ("bad in rain", {"incident": 4711, "rain.mAP50": 0.41})
    assert (note["by"], note["number"], note["version"]) == (str(ANA), 1, before.strip())


def test_words_are_a_revision_a_text_and_values(shell: Shell) -> None:
    for words in (("on HEAD",), ("v2", "k=1"), ("k=2",), ("-m", "a", "-m", "b"), ("HEAD", "-m", "c", "k=3")):
        shell.tick()
        shell.ok("notes", "add", *words)
    assert _texts(shell, "show") == ["on HEAD", "", "", "a\n\nb", "c"]
    for line in ("", "v1", "v1 two texts", "-m a v1 text"):
        assert shell("notes", "add", *line.split()).code == 2
    assert _texts(shell, "show", "v1") == []


def test_notes_are_in_the_order_of_time_and_within_a_second_as_made(shell: Shell) -> None:
    shell.ok("notes", "add", "v1", "first")
    for text in ("a", "b", "c", "d", "e"):
        shell.ok("notes", "add", "v2", text)
    shell.tick()
    shell.ok("notes", "add", "v1", "last one")
    assert _texts(shell, "show", "v2") == ["a", "b", "c", "d", "e"]
    assert _texts(shell, "log")[0] == "last one"
    assert _texts(shell, "show", "v1") == ["first", "last one"]


def test_removing_appends(shell: Shell) -> None:
    for text in ("a", "b", "c"):
        shell.ok("notes", "add", "v1", text)
    shell.ok("notes", "rm", "v1", "2")
    assert _texts(shell, "show", "v1") == ["a", "c"]
    assert _texts(shell, "show", "v1", "--all") == ["a", "b", "c"]
    assert shell("notes", "rm", "v1", "2").code == 2
    assert shell("notes", "rm", "v1").code == 2
    shell.ok("notes", "add", "v1", "d")
    shell.ok("notes", "rm", "v1", "--all")
    assert _texts(shell, "log") == []
    assert set(_texts(shell, "log", "--all")) == {"a", "b", "c", "d"}


def test_log_and_show_have_them_and_messages_of_tags(shell: Shell) -> None:
    shell.ok("tag", "rel", "v1", "-m", "approved by QA\nand by Ben")
    shell.ok("notes", "add", "v1", "bad in rain\nand fog", "incident=4711")
    expected = ["tag rel: approved by QA", "    and by Ben", "note 1 by Ana, 2026-02-05: bad in rain", "    and fog",
                "    incident = 4711"]  # fmt: skip
    for said in (shell.ok("log", "v1"), shell.ok("show", "v1")):
        begin_ = said.lines.index(f"    {expected[0]}")
        assert [line[4:] for line in said.lines[begin_ : begin_ + 5]] == expected
    (version,) = shell.ok("log", "v1", "--json").json["versions"]
    for found in (version, shell.ok("show", "v1", "--json").json):
        assert found["tag_messages"] == {"rel": "approved by QA\nand by Ben"}
        assert found["notes"][0]["values"] == {"incident": 4711}
    assert shell.ok("show", "v2", "--json").json["notes"] == []
    assert "approved by QA" in shell.ok("tag", "-n").out


def test_they_are_searched_and_queried(shell: Shell) -> None:
    shell.ok("notes", "add", "v1", "bad in RAIN", "incident=4711", "rain.mAP50=0.41")
    shell.ok("notes", "add", "v2", "fine", "rain.mAP50=0.7")
    shell.tick()
    shell.ok("notes", "add", "v2", "rain.mAP50=0.3")
    one, two = (shell.ok("rev-parse", name).out for name in ("v1", "v2"))
    assert shell.ok("log", "-q", "--grep", "in rain").out == one
    assert shell.ok("log", "-q", "--grep", "incident = 47").out == one
    assert shell.ok("log", "-q", "--where", "notes.incident == 4711").out == one
    assert shell.ok("log", "-q", "--where", "notes.rain.mAP50 < 0.4").out == two  # the newest value
    assert shell.ok("log", "-q", "--where", "notes ~ RAIN").out == one
    assert shell.ok("log", "-q", "--sort", "notes.rain.mAP50").lines == [one.strip(), two.strip()]
    assert shell.ok("log", "--format", "{number} {notes.rain.mAP50}").lines == ["2 0.3", "1 0.41"]
    assert "notes.incident?" in shell("log", "--where", "notes.incidents > 1").err
    shell.ok("notes", "rm", "v1", "1")
    assert shell.ok("log", "-q", "--grep", "in rain").out == ""


def test_a_withdrawn_version_is_marked_and_warned_about(shell: Shell) -> None:
    shell.ok("notes", "add", "v1", "misses people", "withdrawn=true")
    assert "[withdrawn]" in shell.ok("log", "--oneline").lines[1]
    assert "[withdrawn]" in shell.ok("show", "v1").lines[0]
    for command in (("alias", "set", "prod", "v1"), ("export", "v1", "out"), ("switch", "v1")):
        said = shell.ok(*command)
        assert "was withdrawn by Ana on 2026-02-05: misses people" in said.err, command
    assert "withdrawn" not in shell.ok("switch", "main").err
    shell.tick()
    shell.ok("notes", "add", "v1", "withdrawn=false")
    assert "withdrawn" not in shell.ok("switch", "v1").err
    assert "[withdrawn]" not in shell.ok("log", "--oneline").out


def test_no_secret_and_no_invalid_note_is_added(shell: Shell) -> None:
    model, (id_, *_) = Model(shell.repository, MODEL), shell.ok("log", "-q").lines
    for words in ((f"use {TOKEN}",), (f"key={TOKEN}",), ("https://ana:hunter2@host/x",)):
        said = shell("notes", "add", "v1", *words)
        assert said.code == 17
        assert TOKEN not in said.err
    for values in ({"k": [1]}, {"k": None}, {"k": float("nan")}, {"": 1}, {"k": 1 << 63}):
        with pytest.raises(errors.BadNote):
            notes.add(model, VersionId(id_), shell.actor, values=values)
    for text in ("", " \n ", "x" * Note.MAX_BYTES):
        with pytest.raises(errors.BadNote):
            notes.add(model, VersionId(id_), shell.actor, text=text)
    with pytest.raises(errors.BadMessage):
        notes.add(model, VersionId(id_), shell.actor, text="\ud800")
    assert _texts(shell, "log", "--all") == []
    shell.ok("notes", "add", "v1", f"use {TOKEN}", "--allow-secret")


def test_escape_sequences_of_a_note_are_shown_as_such(shell: Shell) -> None:
    id_ = VersionId(shell.ok("rev-parse", "v1").out.strip())
    evil = "\x1b[31mred\x07\u202e"
    actor = Actor(Person(evil, evil), Timestamp(0))
    notes.add(
        Model(shell.repository, MODEL), id_, actor, text=f"a\n{evil}", values={f"k{evil}": evil, "withdrawn": True}
    )
    for command in ("log", "notes", "notes show v1", "show v1", "switch v1"):
        said = shell.ok(*command.split())
        assert not {"\x1b", "\x07", "\u202e"} & set(said.out + said.err)
        assert "\\x1b[31mred" in said.out + said.err


def test_a_renamed_model_keeps_its_notes(shell: Shell) -> None:
    shell.ok("notes", "add", "v1", "one")
    shell.ok("models", "rename", MODEL, "hats")
    assert _texts(shell, "log") == ["one"]
    # A rename by an mvc that knows no notes leaves them behind; both logs are then joined.
    shutil.copytree(shell.folder / ".mvc" / "remarks" / "hats", shell.folder / ".mvc" / "remarks" / "caps")
    shell.ok("notes", "add", "v1", "two words")
    shell.ok("models", "rename", "hats", "caps")
    assert sorted(_texts(shell, "log")) == ["one", "two words"]
    assert not (shell.folder / ".mvc" / "remarks" / "hats" / shell.ok("rev-parse", "v1").out.strip()).exists()
    assert shell("fsck").code == 0


def test_gc_removes_the_notes_of_removed_versions_only(shell: Shell) -> None:
    shell.ok("config", "gc.reflog-expire", "0")
    gone = shell.commit("three", "--allow-empty")
    shell.ok("notes", "add", gone, "on three")
    shell.ok("notes", "add", "v1", "on one")
    shell.ok("reset", "v2")
    shell.tick()
    shell.ok("gc", "--grace", "0", "--dry-run")
    assert set(_texts(shell, "log")) == {"on one", "on three"}
    shell.ok("gc", "--grace", "0")
    assert _texts(shell, "log") == ["on one"]
    assert [path.name for path in (shell.folder / ".mvc" / "remarks").glob("*/*")] != [gone]


def test_fsck_finds_every_damage_of_a_note(shell: Shell, rng: random.Random) -> None:
    for text in ("a", "b", "c"):
        shell.ok("notes", "add", "v1", text)
    (log,) = (shell.folder / ".mvc" / "remarks").glob("*/*")
    assert shell("fsck").code == 0
    whole = (log / "0000000002").read_bytes()
    at = rng.randrange(len(whole))
    damages: tuple[Callable[[Path], object], ...] = (
        lambda path: path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :]),
        lambda path: path.write_bytes(whole[:at]),
        lambda path: path.write_bytes((log / "0000000001").read_bytes()),
        lambda path: path.unlink(),
        lambda path: path.rename(log / "0000000009"),
    )
    for number, damage in enumerate(damages):
        damage(log / "0000000002")
        kinds = {finding["kind"] for finding in shell("fsck", "--json").json["findings"]}
        assert kinds == {"note"}, f"damage {number}, at byte {at}"
        (log / "0000000009").unlink(missing_ok=True)
        (log / "0000000002").write_bytes(whole)


def test_a_damaged_note_is_skipped_with_a_warning_and_can_be_removed(shell: Shell, tmp_path: Path) -> None:
    for text in ("a", "withdrawn=true", "c"):
        shell.ok("notes", "add", "v1", text)
    (log,) = (shell.folder / ".mvc" / "remarks").glob("*/*")
    (log / "0000000002").write_bytes((log / "0000000002").read_bytes()[:100])
    for line in (
        *("log", "show v1", "notes", "notes show v1", "log --grep c", "log --columns notes", "switch v1"),
        *(f"export v1 {tmp_path / 'out'}", "alias set prod v1", f"ui --export {tmp_path / 'page'}", "notes add v1 d"),
    ):
        said = shell(*line.split(" "))
        assert said.code == 0, (line, said)
        assert "add" in line or "It may withdraw the version." in said.err, (line, said)
    assert _texts(shell, "show", "v1") == ["a", "c", "d"]
    model = mvc.open(shell.folder).model(MODEL)
    with pytest.raises(errors.Damaged):
        assert not model["v1"].withdrawn
    assert shell("fsck").code == 14
    said = shell.ok("notes", "rm", "v1", "2")
    assert said.out.startswith("Removed note 2, which was damaged, from v1 ")
    assert (shell("fsck").code, model["v1"].withdrawn, shell("notes", "rm", "v1", "2").code) == (0, False, 2)
    (log / "0000000003").write_bytes(b"{}")
    shell.ok("notes", "rm", "v1", "--all")
    assert (shell("fsck").code, _texts(shell, "show", "v1")) == (0, [])


def test_a_model_that_is_renamed_to_a_known_name_keeps_damaged_notes(shell: Shell) -> None:
    id_ = VersionId(shell.ok("rev-parse", "v1").out.strip())
    for text in ("a", "b"):
        shell.ok("notes", "add", "v1", text)
    logs = shell.repository.remarks
    (log,) = (shell.folder / ".mvc" / "remarks").glob("*/*")
    whole = (log / "0000000002").read_bytes()
    (log / "0000000002").write_bytes(whole[:100])
    logs.append("hats", Note(id_, 1, "x", Timestamp(0), "0" * 32, text="c"))
    with shell.repository.locked():
        logs.rename(MODEL, "hats")
    assert {note.text for note in logs.current("hats", id_)} == {"a", "c"}
    assert [path.read_bytes() for path in sorted((shell.folder / ".mvc/remarks/hats" / id_).iterdir())][-1] == whole[
        :100
    ]
    assert logs.versions(MODEL) == []


def test_the_union_of_logs_is_the_same_in_every_order(rng: random.Random, shell: Shell) -> None:
    """Entries of several authors, some of which withdraw others, merged in any order and any number of times."""
    id_ = VersionId(shell.ok("rev-parse", "v1").out.strip())
    made: list[Note] = []
    for number in range(12):
        withdraws = rng.choice(made).nonce if made and rng.random() < 0.3 else None
        text = "" if withdraws else f"note {number}"
        at = Timestamp(rng.randrange(4))
        made.append(Note(id_, 1, "x", at, f"{rng.getrandbits(128):032x}", number, withdraws, text))
    repository = shell.repository
    for key in ("p", "q", "r"):
        for _ in range(3):
            repository.remarks.merge(key, id_, rng.sample(made, 8))
        repository.remarks.merge(key, id_, rng.sample(made, 12))
    expected = [note.text for note in current(sorted(made, key=lambda note: note.order))]
    for key in ("p", "q", "r"):
        assert [note.text for note in repository.remarks.current(key, id_)] == expected
        assert repository.remarks.numbers(key, id_) == list(range(1, 13))


def test_records_have_one_byte_form(shell: Shell) -> None:
    shell.ok("notes", "add", "v1", "text", "k=1.0", "b=true", "s=x")
    (path,) = (shell.folder / ".mvc" / "remarks").glob("*/*/*")
    record = json.loads(path.read_bytes())
    assert Note.decode(path.read_bytes()).encode() == path.read_bytes()
    assert record["values"] == {"b": True, "k": 1.0, "s": "x"}
    changes: tuple[dict[str, Any], ...] = (
        {"values": {"k": [1]}},
        {"values": []},
        {"seq": 0},
        {"nonce": "x"},
        {"text": "", "values": {}},
        {"more": 1},
    )
    for change in changes:
        values = {**{key: value for key, value in record.items() if key != "sum"}, **change}
        with pytest.raises(errors.Damaged):
            Note.from_json(values)
