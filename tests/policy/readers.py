"""Ana signs `prod` on origin, Ben reads it under rules on `take:`, and Mallory may write whatever she likes to origin.

v1 (alias prod, signed; tag 1.0, signed) ─ v2 (main, signed)      Ben has taken all of it before there is a rule
"""

from __future__ import annotations

import random
import shutil
from pathlib import Path
from typing import Any

import pytest

from mvc.model.ids import VersionId
from mvc.model.version import Timestamp
from mvc.repository.policy.gate import NAME
from mvc.storage.records.reflog import ALIASES, Move, RefEntry, RefName
from tests.cli.shell import MODEL, Said, Shell, begin
from tests.remotes.clones import clone
from tests.signatures.keys import Keys
from tests.weights import network, safetensors

ANA = "ana@example.org"
PROD = RefName(MODEL, ALIASES, "prod")
WEIGHTS = "w.safetensors"
NOT_FACTS = (".mvc/cache", ".mvc/tmp", ".mvc/lock", "intents", "probe")
"""What a refused command may change besides what it received; the last two on the remote, by a push."""
RECEIVED = (".mvc/meta", ".mvc/packs", ".mvc/promised", ".mvc/signatures", ".mvc/remarks", ".mvc/evaluations")
"""What a refused command may have received: metadata, the list of files that origin has, and annotations."""


def build(folder: Path, keys: Keys, patch: Any) -> None:
    """Make `ana`, `origin`, `ben`, and Mallory's clone in a folder; all settings are those of the user in `user`."""
    patch.setenv("MVC_CONFIG", str(folder / "user" / "config.toml"))
    patch.setenv("HOME", str(folder / "home"))
    patch.delenv("SSH_AUTH_SOCK", raising=False)
    (folder / "ana").mkdir()
    shell = begin(folder / "ana", patch)
    shell.ok("config", "--global", "trust.allowed-signers", str(keys.allowed("ana", "ben")))
    shell.ok("config", "--global", "sign.key", str(keys.folder / "ana"))
    shell.write(WEIGHTS, safetensors(network(random.Random(7), layers=1, width=8)))
    shell.write("README.md", b"# helmets\n")
    shell.ok("add", WEIGHTS, "--as", "model-latest")
    shell.ok("add", "README.md", "--as", "readme")
    shell.set(model__license="MIT")
    shell.commit("one", "-S", "--tag", "1.0", "--alias", "prod")
    shell.set(parameters__epochs=2)
    shell.commit("two", "-S")
    shell.ok("remote", "add", "origin", str(folder / "origin"))
    shell.ok("push", "-u", "origin", "main", "prod", "1.0", "--signed")
    clone(folder, patch, "ben")
    clone(folder, patch, "mallory", "--meta")


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory, requires: Any) -> tuple[Path, Keys]:
    """The folder in which all of it is made once, and the keys."""
    requires("ssh-keygen")
    keys = Keys(tmp_path_factory.mktemp("keys"))
    for name in ("ana", "ben", "eve"):
        keys.make(name)
    folder = tmp_path_factory.mktemp("people")
    with pytest.MonkeyPatch.context() as patch:
        build(folder, keys, patch)
    return folder, keys


class World:
    """A copy of it, to be altered."""

    def __init__(self, made: tuple[Path, Keys], folder: Path, patch: Any) -> None:
        shutil.copytree(made[0], folder)
        self.folder, self.keys, self._patch = folder, made[1], patch
        patch.setenv("MVC_CONFIG", str(folder / "user" / "config.toml"))
        patch.setenv("HOME", str(folder / "home"))
        patch.delenv("SSH_AUTH_SOCK", raising=False)
        self.ana, self.ben, self.mallory = (self.shell(name) for name in ("ana", "ben", "mallory"))
        for each in (self.ana, self.ben, self.mallory):
            each.repository.config.set_remote("origin", {"url": str(folder / "origin")})
        self.url = str(folder / "origin")

    def shell(self, name: str = "") -> Shell:
        return Shell(self.folder / name, self._patch)

    def rules(self, *texts: str, own: bool = True) -> None:
        """Write rules: in the user's own policy, or in the one beside Ben's repository."""
        path = self.folder / "user" if own else self.folder / "ben"
        path.mkdir(exist_ok=True)
        (path / NAME).write_text("".join(f"[[rule]]\n{text}\n" for text in texts), encoding="utf-8")

    def move_by_hand(self, revision: str, *, number: int | None = None) -> None:
        """Move prod on origin by writing a file there, as Mallory may who has no key."""
        folder = self.folder / "origin" / PROD.folder
        newest = max(folder.iterdir())
        tip = RefEntry.decode(newest.read_bytes(), what="the tip")
        move = Move("Ana <ana@example.org>", Timestamp(1_770_500_000), "approved", "ab" * 16)
        entry = RefEntry.after(PROD, tip, VersionId(self.id(revision)), move)
        (folder / f"{number or entry.seq:010d}").write_bytes(entry.encode())

    def put_by_hand(self, ref: RefName, version: str) -> None:
        """Create a ref on origin by writing a file there, under any name."""
        move = Move("Ana <ana@example.org>", Timestamp(1_770_500_000), "approved", "ab" * 16)
        folder = self.folder / "origin" / ref.folder
        folder.mkdir(parents=True)
        (folder / f"{1:010d}").write_bytes(RefEntry.after(ref, None, VersionId(version), move).encode())

    def push_unsigned(self, name: str = "main") -> str:
        """Commit and push a version as Mallory, with mvc and without rules; return its id."""
        rules = self.folder / "user" / NAME
        text = rules.read_bytes() if rules.exists() else None
        rules.unlink(missing_ok=True)
        shell = self.mallory
        if name != "main":
            shell.ok("switch", "-c", name)
        shell.set(parameters__epochs=66)
        made = shell.commit(f"by Mallory on {name}", "--no-sign")
        shell.ok("push", "--no-signed", "origin", name)
        if text is not None:
            rules.write_bytes(text)
        return made

    def id(self, revision: str) -> str:
        return self.ana.ok("rev-parse", revision).out.strip()

    def at(self, shell: Shell, revision: str) -> str:
        return shell.ok("rev-parse", revision).out.strip()


def picture(folder: Path, *, received: bool = False) -> dict[str, bytes]:
    """Every file of a folder that counts; with `received`, without what a fetch receives before it judges."""
    skipped = (*NOT_FACTS, *(RECEIVED if received else ()))
    found = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    return {
        name: path.read_bytes()
        for name, path in found.items()
        if not any(f"{name}/".startswith(f"{each}/") for each in skipped)
    }


def refused(said: Said, *words: str) -> Said:
    assert said.code == 17, said
    assert "Policy refuses to take" in said.err, said
    assert all(word in said.err for word in words), said
    assert "Traceback" not in said.err
    return said
