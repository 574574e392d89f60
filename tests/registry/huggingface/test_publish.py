"""`mvc publish hf://…`: one commit a version, complete and once, with a card that reads back equal."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mvc.registry.hubs import version_objects
from tests.cli.shell import Shell
from tests.registry import histories
from tests.registry.huggingface.published import URL, repository, tip
from tests.servers.huggingface import Hub


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hub: Hub) -> Shell:
    return histories.six(tmp_path / "ana", monkeypatch, 5_000_000)


def test_a_version_is_published_whole_with_its_objects_card_and_labels(shell: Shell, hub: Hub) -> None:
    shell.set(metrics__mAP50=0.71, model__license="apache-2.0")
    id_ = shell.commit("Measured")
    assert "the repository is new and private" in shell.ok("publish", URL).err
    files = tip(hub)
    assert repository(hub).private
    for path in ("weights/best.onnx", "picture.png"):
        assert files[path] == shell.raw("cat", f"HEAD:{path}")[1]
    objects = version_objects.decode(files["mvc-version.json"])
    assert objects.version.id() == id_
    assert json.loads(files["config.json"])["id2label"] == {"0": "helmet", "1": "head", "2": "vest"}
    card = files["README.md"].decode()
    assert "license: apache-2.0" in card
    assert "mAP50" in card
    assert "Measured" in card
    assert list(repository(hub).tags) == [f"v{objects.version.number}-{id_[:12]}"]


def test_to_publish_again_adds_nothing(shell: Shell, hub: Hub) -> None:
    shell.ok("publish", URL)
    before = tip(hub), list(repository(hub).commits), list(hub.uploaded)
    assert shell.ok("publish", URL).lines[-1] == "Everything up to date."
    assert (tip(hub), list(repository(hub).commits), list(hub.uploaded)) == before


def test_a_dry_run_only_looks(shell: Shell, hub: Hub) -> None:
    assert "Would publish 1 version" in shell.ok("publish", URL, "-n").out
    assert not hub.repositories
    assert {call.method for call in hub.calls} == {"GET"}


def test_large_files_are_sent_in_parts_and_unchanged_ones_once(shell: Shell, hub: Hub) -> None:
    shell.ok("publish", URL, "v2")
    parts, uploaded = len(hub.parts), len(hub.uploaded)
    assert parts == 2
    shell.ok("publish", URL, "v3", "v4")  # the same weights
    assert len(hub.parts) == parts
    assert len([sha for sha in hub.uploaded[uploaded:] if sha == hub.uploaded[0]]) == 0


def test_all_versions_become_commits_in_order_and_deleted_files_are_gone(shell: Shell, hub: Hub) -> None:
    shell.ok("publish", URL, "--all")
    commits = [commit.title for commit in repository(hub).history("main")][::-1]
    assert commits[0] == "initial commit"
    assert sorted(commits[1:]) == sorted(
        ["First baseline", "Larger", "Night, with notes", "Night, longer", "Empty", "A third class"]
    )
    shell.ok("publish", URL, "night")
    assert "Everything up to date" in shell.ok("publish", URL, "--all").out
    shell.ok("rm", "--cached", "picture.png")
    shell.ok("unset", "model.thumbnail")
    shell.commit("No picture")
    shell.ok("publish", URL)
    assert "picture.png" not in tip(hub)
    assert "notes/a/same.txt" not in tip(hub)
    assert ".gitattributes" in tip(hub)


def test_an_older_version_does_not_replace_its_descendant(shell: Shell, hub: Hub) -> None:
    shell.ok("publish", URL)
    before = tip(hub)
    refused = shell("publish", URL, "v1")
    assert refused.code == 13
    assert "a descendant of v1" in refused.err
    assert tip(hub) == before
    shell.ok("publish", URL, "v1", "--force")
    assert tip(hub) != before


def test_names_become_tags_and_are_moved_by_force_only(shell: Shell, hub: Hub) -> None:
    shell.ok("tag", "2026.1", "v2")
    shell.ok("publish", URL, "v2", "--tags", "--tag", "prod")
    tags = repository(hub).tags
    assert tags["2026.1"] == tags["prod"] == repository(hub).branches["main"]
    refused = shell("publish", URL, "--tag", "prod")
    assert refused.code == 13
    assert "prod on hf://acme/helmet is at commit" in refused.err
    assert tags["prod"] == repository(hub).branches["main"], "nothing was published"
    shell.ok("publish", URL, "--tag", "prod", "--force")
    assert tags["prod"] == repository(hub).branches["main"] != tags["2026.1"]


def test_the_text_and_keys_of_people_stay_in_the_card(shell: Shell, hub: Hub) -> None:
    shell.ok("publish", URL, "v1")
    card = tip(hub)["README.md"].decode()
    edited = card.replace("tags:", "language: de\ntags:").replace("# helmets", "# Helmets\n\nAsk Ana.") + "\nBye.\n"
    labels = b'{"model_type": "yolo"}'
    repository(hub).commit({"README.md": edited.encode(), "config.json": labels})
    shell.ok("publish", URL, "v2")
    card = tip(hub)["README.md"].decode()
    assert "language: de" in card
    assert "Ask Ana." in card
    assert card.endswith("Bye.\n")
    assert "Larger" in card
    assert "First baseline" not in card
    assert tip(hub)["config.json"] == labels


def test_files_of_the_version_replace_those_of_mvc(shell: Shell, hub: Hub) -> None:
    shell.write("README.md", b"Our own card")
    shell.write("config.json", b'{"id2label": {}}')
    shell.ok("add", "README.md", "config.json")
    shell.commit("With a card")
    shell.ok("publish", URL)
    assert tip(hub)["README.md"] == b"Our own card"
    assert tip(hub)["config.json"] == b'{"id2label": {}}'


def test_a_commit_whose_tag_is_missing_is_completed(shell: Shell, hub: Hub) -> None:
    shell.ok("publish", URL)
    tags, commits = dict(repository(hub).tags), len(repository(hub).commits)
    repository(hub).tags.clear()
    assert "[resumed]" in shell.ok("publish", URL).out
    assert repository(hub).tags == tags
    assert len(repository(hub).commits) == commits


def test_a_tag_of_another_version_is_not_taken_for_published(shell: Shell, hub: Hub) -> None:
    shell.ok("publish", URL, "v1")
    (name,) = repository(hub).tags
    repository(hub).tags[name] = repository(hub).commit({"mvc-version.json": b"{}"})
    refused = shell("publish", URL, "v1")
    assert refused.code == 13
    assert "is not the version of that name" in refused.err


def test_a_path_that_the_hub_does_not_accept_is_refused_before_anything_is_sent(shell: Shell, hub: Hub) -> None:
    shell.write("mvc-version.json", b"{}")
    shell.ok("add", "mvc-version.json")
    shell.commit("A name of mvc's own")
    refused = shell("publish", URL)
    assert refused.code == 17
    assert "mvc-version.json" in refused.err
    assert not hub.calls


@pytest.mark.parametrize("url", ["hf://", "hf://a/b/c", "hf://acme/../x", "hf://acme/helmet@main", "hf://acme/hel met"])
def test_a_url_that_names_no_repository_is_refused(shell: Shell, url: str) -> None:
    refused = shell("publish", url)
    assert refused.code == 2
    assert "Invalid URL" in refused.err
