"""Tags that gto writes: what it shows as registered and assigned is what the imported tags and aliases say."""

from __future__ import annotations

import contextlib
import os
import random
import subprocess
from pathlib import Path

import gto.api
import pytest
from gto.exceptions import GTOException

import mvc
from tests.integrations.dvc.histories import WHO

pytestmark = pytest.mark.filterwarnings("ignore")
STAGES = ("prod", "staging")
WHO_TAGS = {"author": "Cleo", "author_email": "cleo@example.org"}
EVENTS = 14
START = 1_770_109_200


class Registry:
    """A repository with an artifact whose versions and stages gto changes, a minute between any two tags."""

    def __init__(self, place: Path) -> None:
        self.place = place
        place.mkdir()
        (place / ".dvc").mkdir()
        (place / ".dvc" / "config").touch()
        (place / "dvc.yaml").write_text("artifacts:\n  helmet:\n    path: best.pt\n    type: model\n", encoding="utf-8")
        self.git("init", "-q", "-b", "main")
        self.git("config", "user.name", "Ana")
        self.git("config", "user.email", "ana@example.org")
        self.commits = [self._commit(number) for number in range(4)]
        self._minutes = 0

    def git(self, *arguments: str, **variables: str) -> str:
        """Run git, and return its output."""
        command = ["git", *WHO, *arguments]
        done = subprocess.run(
            command, cwd=self.place, check=True, capture_output=True, text=True, env=os.environ | variables
        )
        return done.stdout.strip()

    def change(self, rng: random.Random) -> None:
        """Have gto make one random change, which it may refuse."""
        place, commit, stage = str(self.place), rng.choice(self.commits), rng.choice(STAGES)
        before, registered = set(self._tags()), self.registered()
        version = rng.choice([*registered, ""])
        with contextlib.suppress(GTOException):
            match rng.randrange(5):
                case 0:
                    gto.api.register(place, "helmet", commit, **WHO_TAGS)
                case 1:
                    gto.api.unassign(place, "helmet", version=version, stage=stage, **WHO_TAGS)
                case 2 if len(registered) > 2:
                    gto.api.deregister(place, "helmet", version=version, **WHO_TAGS)
                case _:
                    gto.api.assign(place, "helmet", stage, ref=commit, message=f"why {self._minutes}", **WHO_TAGS)
        for tag in [tag for tag in self._tags() if tag not in before]:
            self._date(tag)

    def registered(self) -> dict[str, str]:
        """The commits of registered versions, as gto shows them."""
        rows = gto.api.show(str(self.place), name="helmet") if self._tags() else []
        return {row["version"]: row["commit_hexsha"] for row in rows if row["registrations"]}

    def assigned(self) -> dict[str, str]:
        """The commits of stages, as gto shows them."""
        shown = gto.api.show(str(self.place))
        versions = self.registered()
        return {stage: versions[version] for stage, version in shown["helmet"]["stage"].items()}

    def _commit(self, number: int) -> str:
        (self.place / "best.pt").write_bytes(b"weights %d" % number)
        self.git("add", "--all")
        self.git("commit", "-q", "-m", f"Commit {number}")
        return self.git("rev-parse", "HEAD")

    def _tags(self) -> list[str]:
        return self.git("for-each-ref", "refs/tags", "--format=%(refname:short)", "--sort=creatordate").split()

    def _date(self, tag: str) -> None:
        """Give a tag a time of its own: gto makes several in a second."""
        self._minutes += 1
        message = self.git("for-each-ref", f"refs/tags/{tag}", "--format=%(contents)")
        commit = self.git("rev-parse", f"{tag}^{{commit}}")
        when = f"{START + 60 * self._minutes} +0000"
        self.git("tag", "--force", "-a", "-m", message, tag, commit, GIT_COMMITTER_DATE=when)


def test_versions_and_stages_are_as_gto_shows_them(tmp_path: Path, rng: random.Random, deep: bool) -> None:
    for number in range(30 if deep else 2):
        registry = Registry(tmp_path / f"code{number}")
        for _ in range(EVENTS):
            registry.change(rng)
        repo = mvc.init(tmp_path / f"here{number}", model="other")
        done = repo.imports.dvc(registry.place)
        model, commit_of = repo.model("helmet"), {step.id: step.key for step in done.versions}
        tags = {ref.name: commit_of[ref.id] for ref in model.tags.all()}
        aliases = {ref.name: commit_of[ref.id] for ref in model.aliases.all()}
        print(registry.git("for-each-ref", "refs/tags", "--sort=creatordate", "--format=%(refname) %(*objectname)"))
        assert (tags, aliases) == (registry.registered(), registry.assigned())
