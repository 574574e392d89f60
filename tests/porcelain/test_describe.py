"""`mvc describe` names versions as Git names commits of the same history."""

from __future__ import annotations

import random
import re
import subprocess
from pathlib import Path

import pytest

from mvc.porcelain.describe import Options, describe
from mvc.storage.records.reflog import TAGS
from tests.cli.shell import START, Shell, begin
from tests.porcelain.dags import History, history

ROUNDS = 4
NAME = re.compile(r"(?P<tag>.+)-(?P<distance>\d+)-g[0-9a-f]+\Z")
ASKED = (
    ((), Options(always=True)),
    (("--long",), Options(always=True, long=True)),
    (("--first-parent",), Options(always=True, first_parent=True)),
    (("--match", "a*", "--exclude", "*1"), Options(always=True, match=("a*",), exclude=("*1",))),
    (("--abbrev=0",), Options(always=True, abbrev=0)),
)


def _git(folder: Path, *arguments: str, text: str = "") -> list[str]:
    run = subprocess.run(["git", *arguments], cwd=folder, input=text, capture_output=True, text=True, check=True)
    return run.stdout.splitlines()


def _same_in_git(made: History, tags: dict[str, int], folder: Path) -> list[str]:
    """Make the same history in Git, and return the ids of its commits."""
    folder.mkdir()
    _git(folder, "init", "-q")
    lines = []
    for position, parents in enumerate(made.parents):
        who = f"Ana <a@x.org> {START + 60 * position} +0000"
        lines += [
            f"commit refs/heads/c{position}",
            f"mark :{position + 1}",
            f"committer {who}",
            "data 1",
            str(position % 10),
        ]
        lines += [f"{word} :{parent + 1}" for word, parent in zip(("from", *["merge"] * 9), parents, strict=False)]
        lines.append("")
    for number, (name, position) in enumerate(tags.items()):
        who = f"Ana <a@x.org> {START + 60 * position + number} +0000"
        lines += [f"tag {name}", f"from :{position + 1}", f"tagger {who}", "data 1", "t"]
    _git(folder, "fast-import", "--quiet", text="\n".join([*lines, ""]))
    return _git(folder, "rev-parse", *(f"c{position}" for position in range(len(made.ids))))


def test_it_says_what_git_says(tmp_path: Path, rng: random.Random, *, deep: bool) -> None:
    for round_ in range(ROUNDS * (15 if deep else 1)):
        made = history(tmp_path / f"mvc{round_}", rng, rng.randint(2, 40))
        tags = {f"{rng.choice('ab')}.{number}": rng.randrange(len(made.ids)) for number in range(rng.randint(0, 9))}
        for name, position in tags.items():
            made.point(position, name, TAGS)
        commits = _same_in_git(made, tags, tmp_path / f"git{round_}")
        for arguments, options in ASKED:
            expected = _git(tmp_path / f"git{round_}", "describe", "--always", "--candidates=26", *arguments, *commits)
            for position, said in enumerate(expected):
                found = describe(made.model, made.ids[position], options)
                match = NAME.match(said)
                tag = match["tag"] if match else None if commits[position].startswith(said) else said
                assert found.tag == tag, (arguments, position, said)
                assert match is None or found.distance == int(match["distance"]), (arguments, position, said)
                assert bool(match) == bool(NAME.match(found.name)), (arguments, said, found.name)


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    shell = begin(tmp_path, monkeypatch)
    shell.set(metrics__mAP50=0.5)
    shell.commit("one")
    return shell


def test_a_version_without_a_tag_has_its_number_and_its_id(shell: Shell) -> None:
    said = shell("describe")
    assert said.code == 2
    assert "v1 names it" in said.err
    id_ = shell.ok("rev-parse", "HEAD").out.strip()
    assert shell.ok("describe", "--always").out == f"{id_[:10]}\n"
    assert shell.ok("describe", "--always", "--abbrev=20").out == f"{id_[:20]}\n"


def test_distance_id_and_local_changes(shell: Shell) -> None:
    shell.ok("tag", "2026.1")
    assert shell.ok("describe").out == "2026.1\n"
    shell.ok("alias", "set", "prod", "HEAD")
    two = shell.commit("two", "--allow-empty")
    assert shell.ok("describe", "--tags").out == f"2026.1-1-g{two[:10]}\n"
    assert shell.ok("describe", "v1").out == "2026.1\n"
    assert shell.ok("describe", "--all", "v1").out == "tags/2026.1\n"
    assert shell.ok("describe", "--all").out == "heads/main\n"
    assert shell.ok("describe", "--dirty").out == f"2026.1-1-g{two[:10]}\n"
    shell.set(metrics__mAP50=0.6)
    assert shell.ok("describe", "--dirty", "--json").json["dirty"] is True
    assert shell.ok("describe", "--dirty").out == f"2026.1-1-g{two[:10]}-dirty\n"
    assert shell("describe", "--dirty", "v1").code == 2
    assert shell("describe", "--exact-match").code == 2
