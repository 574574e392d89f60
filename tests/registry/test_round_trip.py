"""There and back: a history that was published comes back with its ids and bytes, whatever the storage; nothing is done twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from mvc.model.ids import VersionId
from mvc.porcelain.init import make_repository
from mvc.repository import history
from tests.cli.shell import MODEL, Shell
from tests.registry import histories
from tests.servers.picsellia import Platform, Rules

LARGE = 25 * 1024 * 1024 + 1234
"""Bytes of a file that the SDK sends in parts."""

pytestmark = pytest.mark.usefixtures("naps")


@pytest.fixture(params=["minio", "google", "azure"])
def rules(request: pytest.FixtureRequest) -> Rules:
    return Rules(client_type=request.param)


def _files(shell: Shell, id_: VersionId) -> dict[str, bytes]:
    repository = shell.repository
    tree = repository.objects.tree(repository.objects.version(id_).tree)
    return {entry.path: b"".join(map(bytes, repository.extract.stream(entry.file))) for entry in tree.entries}


def test_six_versions_with_a_side_line_come_back_as_they_were(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, platform: Platform
) -> None:
    ana = histories.six(tmp_path / "ana", monkeypatch, LARGE)
    histories.register(ana, platform, monkeypatch)
    ana.ok("publish", "--all")
    before = histories.state(platform)
    ana.ok("publish", "--all")
    assert histories.state(platform) == before

    (tmp_path / "ben").mkdir()
    make_repository(tmp_path / "ben")
    ben = Shell(tmp_path / "ben", monkeypatch)
    url = f"picsellia://acme/{MODEL}"
    done = ben.ok("import", url, "-o", f"host={platform.host}", "--json").json
    made = [id_ for id_, _ in history.walk(ana.repository.objects, history.tips(ana.repository, MODEL))]
    assert len(made) == 6
    assert {each["id"] for each in done["versions"]} == set(made)
    assert {each["how"] for each in done["versions"]} == {"published"}
    assert done["absent"] == []
    assert len(done["branches"]) == 2
    for id_ in made:
        assert ben.repository.objects.version(id_).encode() == ana.repository.objects.version(id_).encode()
        assert _files(ben, id_) == _files(ana, id_)
    ben.ok("fsck", "--read-data")

    again = ben.ok("import", url, "-o", f"host={platform.host}", "--json").json
    assert {each["how"] for each in again["versions"]} == {"known"}
    assert (again["bytes"], again["branches"]) == (0, [])
    ben.ok("remote", "add", "picsellia", "picsellia://acme", "-o", f"host={platform.host}")
    assert ben.ok("publish", "--all").lines[-1] == "Nothing to do: all of it is there."
    assert histories.state(platform) == before
    assert ben.ok("drift", "--read-data").code == 0
    assert ana.ok("drift").code == 0
