"""Secrets stay out of versions, and nothing that a terminal obeys comes out of one."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from mvc.model.tree import Tree, TreeEntry
from mvc.model.version import Code, Person, Timestamp
from mvc.repository.repository import Actor, Repository
from mvc.storage.records.reflog import HEADS, RefName
from tests.crash.harness import command, mvc
from tests.crash.scenarios import two_versions
from tests.refusals.cases import COMMIT, Change, Prepare, edited, refuse, toml, unchanged

GITHUB = "ghp_" + "a1B2" * 9
AWS = "AKIA" + "IOSFODNN7EXAMPLQ"
RANDOM = "q8Zr4Tn1Vx7Lm2Kp9Ws3"
OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
EVIL = "\x1b[31mred\x1b]0;title\x07\x9b2J\u202e\u2066\x08\x7f"

SECRETS: tuple[tuple[str, Change, tuple[str, ...], str, str], ...] = (
    ("parameters", toml(f'[parameters]\nkey = "{AWS}"\n'), COMMIT, "parameters.key", AWS),
    ("deep in parameters", toml(f'[parameters]\na = [{{ b = "{GITHUB}" }}]\n'), COMMIT, "parameters.a.0.b", GITHUB),
    (
        "docker.env",
        toml(f'[docker]\nimage = "x"\nenv = {{ HF = "hf_{"a1B2" * 9}" }}\n'),
        COMMIT,
        "docker.env",
        "hf_" + "a1B2" * 9,
    ),
    (
        "a telling name",
        toml(f'[docker]\nimage = "x"\nenv = {{ API_TOKEN = "{RANDOM}" }}\n'),
        COMMIT,
        "API_TOKEN",
        RANDOM,
    ),
    ("flags", toml(f'[docker]\nimage = "x"\nflags = ["-e", "API_TOKEN={RANDOM}"]\n'), COMMIT, "docker.flags", RANDOM),
    (
        "an address",
        toml('[source]\nexperiment = { url = "https://ana:hunter22@x.org/1" }\n'),
        COMMIT,
        "source.experiment.url",
        "hunter22",
    ),
    ("the message", edited, ("commit", "-m", f"with {GITHUB}"), "message", GITHUB),
    ("--amend", unchanged, ("commit", "--amend", "-m", f"with {GITHUB}"), "message", GITHUB),
    ("--dry-run", edited, ("commit", "--dry-run", "-m", f"with {GITHUB}"), "message", GITHUB),
)


@pytest.mark.parametrize(
    ("change", "verb", "place", "secret"), [pytest.param(*case, id=name) for name, *case in SECRETS]
)
def test_a_secret_is_refused_and_not_shown(
    change: Change, verb: tuple[str, ...], place: str, secret: str, copy: Callable[[Prepare], Path]
) -> None:
    root = copy(two_versions)
    change(root)
    said = refuse(root, verb, 17, "looks like a secret", place, "--allow-secret")
    assert secret not in said
    mvc(root, *verb, "--allow-secret")


def test_a_message_from_a_file_is_looked_at_too(copy: Callable[[Prepare], Path]) -> None:
    root = copy(two_versions)
    edited(root)
    (root / "message").write_text(f"A subject\n\n{AWS}\n", encoding="utf-8")
    refuse(root, ("commit", "-F", "message"), 17, "message", "--allow-secret")


@pytest.mark.parametrize(("url", "kept"), [
    (f"https://ana:{GITHUB}@example.org/x.git", "https://example.org/x.git"),
    (f"https://{GITHUB}@example.org:8443/x.git?token=abc#frag", "https://example.org:8443/x.git"),
    (f"https://example.org/x.git?private_token={GITHUB}", "https://example.org/x.git"),
    ("ssh://git:pw@example.org/x.git", "ssh://example.org/x.git"),
    ("git@example.org:team/x.git", "example.org:team/x.git"),
])  # fmt: skip
def test_a_token_in_a_git_remote_is_not_recorded(
    url: str, kept: str, copy: Callable[[Prepare], Path], requires: Callable[[str], str]
) -> None:
    root = copy(two_versions)
    for arguments in (("init", "-q"), ("remote", "add", "origin", url), ("-c", "user.name=A", "-c", "user.email=a@b.c", "commit", "-q",
                                                                        "--allow-empty", "-m", "x")):  # fmt: skip
        subprocess.run([requires("git"), *arguments], cwd=root, check=True)
    edited(root)
    mvc(root, *COMMIT)
    repository = Repository(root)
    tip = repository.current("helmets")
    assert tip is not None
    code = repository.objects.version(tip).code
    assert code is not None
    assert code.remote == kept
    for path in (root / ".mvc").rglob("*"):
        assert not path.is_file() or GITHUB.encode() not in path.read_bytes(), path
    assert GITHUB not in mvc(root, "show") + mvc(root, "show", "--json") + mvc(root, "log", "-v")


def _hostile(root: Path) -> None:
    """A version with escapes wherever a version can hold a text."""
    two_versions(root)
    repository = Repository(root)
    tip = repository.current("helmets")
    assert tip is not None
    good = repository.objects.version(tip)
    file = repository.objects.tree(good.tree).entries[0].file
    manifest = replace(
        repository.objects.manifest(good.manifest),
        model={"name": "helmets", "type": EVIL, "framework": EVIL, "description": EVIL, "license": EVIL, "tags": [EVIL]},
        files={EVIL: EVIL}, labelmap=((0, EVIL), (1, f"{EVIL}1")), parameters={EVIL: EVIL}, metrics={EVIL: 1},
        docker={"image": EVIL, "tag": EVIL, "env": {EVIL: EVIL}}, source={"experiment": {"name": EVIL, "url": EVIL}},
        ext={EVIL: EVIL},
    )  # fmt: skip
    tree = Tree.of([TreeEntry(f"w/{EVIL}", f"role {EVIL}", 5, file), TreeEntry(f"w/{EVIL}2", f"{EVIL}2", 5, file)])
    bad = replace(
        good, parents=(tip,), number=3, author=Person(EVIL, EVIL), message=f"subject {EVIL}\n\nbody {EVIL}",
        manifest=repository.objects.put_manifest(manifest), tree=repository.objects.put_tree(tree), code=Code(EVIL, EVIL, EVIL, dirty=True),
    )  # fmt: skip
    id_ = repository.objects.put_version(bad)
    actor = Actor(Person(EVIL, EVIL), Timestamp(1_770_112_800))
    repository.refs.append(RefName("helmets", HEADS, "evil"), None, id_, actor.move(f"why {EVIL}"))
    repository.refs.append(RefName("helmets", HEADS, EVIL), None, id_, actor.move(f"why {EVIL}"))


SHOWING = (
    ("log", "--all"), ("log", "--all", "--stat"), ("log", "--all", "--graph"), ("log", "--oneline", "evil"), ("log", "evil", "-v"),
    ("log", "--format", "{subject} {author} {message} {code}", "evil"), ("show", "evil"), ("show", "--json", "evil"), ("diff", "v1", "evil"),
    ("diff", "--stat", "v1", "evil"), ("diff", "--name-status", "v1", "evil"), ("diff", "--json", "v1", "evil"), ("ls", "evil"), ("branch",),
    ("branch", "-v"), ("branch", "--json"), ("reflog", "evil"), ("du", "evil"), ("fsck",), ("show", EVIL.replace("\x7f", "")), ("switch", "evil"),
    ("export", "evil", "out"), ("cat", f"evil:{EVIL}"), ("cat", "evil:x"), ("tag", EVIL), ("branch", EVIL), ("set", f"{EVIL}=1"), ("get", EVIL),
    ("add", EVIL.replace("\x00", "")), ("rm", EVIL), ("restore", EVIL), ("config", EVIL), ("--model", EVIL, "status"), ("-C", EVIL, "status"),
    (EVIL,), ("status", f"--{EVIL}"), ("log", "--grep", f"({EVIL}"), ("log", "--format", f"{{{EVIL}}}"), ("show", EVIL, "--json"),
    ("commit", "--date", EVIL, "-m", "x"), ("commit", "--author", EVIL, "-m", "x"), ("completion", EVIL),
)  # fmt: skip


@pytest.mark.parametrize("verb", SHOWING, ids=lambda verb: ascii(" ".join(verb))[1:40].replace("\\", "_"))
def test_nothing_that_a_terminal_obeys_is_printed(verb: tuple[str, ...], copy: Callable[[Prepare], Path]) -> None:
    outcome = command(copy(_hostile), verb)
    found = OBEYED.search(outcome.output)
    assert found is None, (found, ascii(outcome.output))
    assert "Traceback" not in outcome.output
    assert "internal error" not in outcome.output
    assert outcome.output


def test_files_with_odd_names_are_shown_escaped(copy: Callable[[Prepare], Path]) -> None:
    root = copy(two_versions)
    for name in ("a\x1b[31m.onnx", "b\n.onnx", "c\u202e.onnx", "d\udc9b.onnx", "d\x7f.pt"):
        (root / name).write_bytes(b"x" * 100_000)
    said = mvc(root, "status") + mvc(root, "status", "--json")
    toml('g = "*.onnx"\n')(root)
    said += mvc(root, "status") + refuse(root, COMMIT, 2, "a\\x1b[31m.onnx", "d\\x9b.onnx")
    assert not OBEYED.search(said), ascii(said)


def test_an_edited_model_toml_with_escapes_is_shown_escaped(copy: Callable[[Prepare], Path]) -> None:
    root = copy(two_versions)
    mvc(
        root,
        "set",
        f"parameters.note={EVIL.replace(chr(0), '')}",
        f"labelmap.0={EVIL}",
        f"docker.image={EVIL}",
        f"model.type={EVIL}",
    )
    said = (
        mvc(root, "status")
        + mvc(root, "diff")
        + mvc(root, "get", "parameters.note")
        + mvc(root, "get", "--json", "parameters.note")
    )
    said += command(root, COMMIT).output
    said += command(root, ("set", f"files.{EVIL}=x")).output
    assert not OBEYED.search(said), ascii(said)
