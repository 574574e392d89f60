"""`mvc import hf://…`: commits become versions; what mvc published keeps its id; importing again adds nothing."""

from __future__ import annotations

import json
import os
import random
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import HfApi, snapshot_download

from mvc.registry.huggingface import card
from tests.cli.shell import Shell
from tests.registry import histories
from tests.registry.huggingface.published import URL, repository, tip
from tests.servers.huggingface import TOKEN, Hub, Repository

CARD = b"""---
license: mit
pipeline_tag: object-detection
model-index:
- name: helmet
  results:
  - task: {type: object-detection}
    dataset: {type: ppe, name: PPE}
    metrics:
    - {type: mAP50, value: 0.71}
    - {type: recall, value: 20.0 (of 30)}
---

# Helmet
"""
CONFIG = b'{"id2label": {"0": "helmet", "1": "head"}, "hidden_size": 8}'
WEIGHTS = random.Random(1).randbytes(30_000)


def _empty(folder: Path, monkeypatch: pytest.MonkeyPatch, who: str = "Ben") -> Shell:
    folder.mkdir()
    shell = Shell(folder, monkeypatch)
    monkeypatch.setenv("MVC_AUTHOR_NAME", who)
    shell.ok("init", "--model", "other")
    return shell


def _ids(shell: Shell, *model: str) -> list[str]:
    return [version["id"] for version in shell.ok(*model, "log", "--all", "--json").json["versions"]]


@pytest.fixture
def foreign(hub: Hub) -> Repository:
    """A repository that people made: three commits with files, a tag and a branch."""
    made = hub.repositories["acme/helmet"] = Repository()
    made.commit({".gitattributes": b"*.safetensors filter=lfs"}, "initial commit", author="system")
    made.commit(
        {"model.safetensors": WEIGHTS, "config.json": CONFIG}, "First weights", author="ana", message="More text"
    )
    made.tags["v1.0"] = made.branches["main"]
    made.branches["night"] = made.branches["main"]
    made.commit({"README.md": CARD}, "Card", author="ben")
    made.commit({"model.safetensors": WEIGHTS[::-1]}, "Better weights")
    made.commit({"onnx/model.onnx": b"o" * 5000}, "Night", branch="night")
    return made


def test_commits_become_versions_with_author_time_and_message(
    tmp_path: Path, monkeypatch: Any, foreign: Repository
) -> None:
    shell = _empty(tmp_path / "ben", monkeypatch)
    said = shell.ok("import", URL)
    assert "Created model helmet with 4 versions." in said.out
    log = shell.ok("--model", "helmet", "log", "--json").json["versions"]
    assert [version["message"].splitlines()[0] for version in log] == ["Better weights", "Card", "First weights"]
    assert [version["author"]["name"] for version in log] == ["ana", "ben", "ana"]
    assert log[-1]["time"] == "2026-02-03T09:01:00Z"
    shown = shell.ok("--model", "helmet", "show", "HEAD", "--json").json
    assert shown["manifest"]["metrics"] == {"mAP50": 0.71}
    assert shown["labelmap"] == [[0, "helmet"], [1, "head"]]
    assert shown["manifest"]["model"]["license"] == "mit"
    assert shown["manifest"]["model"]["type"] == "OBJECT_DETECTION"
    assert shown["manifest"]["files"]["model-latest"] == "model.safetensors"
    assert "recall of the card is not one number" in said.err
    assert shell.raw("--model", "helmet", "cat", "v1.0:model.safetensors")[1] == WEIGHTS
    assert shell.raw("--model", "helmet", "cat", "HEAD:model.safetensors")[1] == WEIGHTS[::-1]
    assert shell.ok("--model", "helmet", "ls", "night").code == 0


def test_a_hostile_file_is_refused_before_it_is_stored(
    tmp_path: Path, monkeypatch: Any, hub: Hub, foreign: Repository
) -> None:
    foreign.commit({"pytorch_model.bin": b"cos\nsystem\n(S'true'\ntR."}, "More weights")
    shell = _empty(tmp_path / "ben", monkeypatch)
    said = shell("import", URL)
    assert (said.code, "pytorch_model.bin is hostile" in said.err) == (17, True), said
    assert shell.repository.heads.get("helmet") is None
    said = shell.ok("import", URL, "--allow-unsafe")
    assert "pytorch_model.bin is hostile" in said.err


def test_the_header_of_a_card_keeps_its_license_by_name_and_its_other_keys_beside_a_date() -> None:
    named = card.read(b"---\nlicense: other\nlicense_name: gemma\ndate: 2026-02-03\n---\n", None)
    assert named.sections == {"model": {"license": "gemma"}}
    assert card.read(b"---\nlicense: other\n---\n", None).sections == {}


def test_ids_do_not_depend_on_who_imports_and_a_repeated_import_adds_nothing(
    tmp_path: Path, monkeypatch: Any, hub: Hub, foreign: Repository
) -> None:
    ben = _empty(tmp_path / "ben", monkeypatch)
    ben.ok("import", URL)
    cleo = _empty(tmp_path / "cleo", monkeypatch, "Cleo")
    cleo.ok("import", URL, "--model", "ours")
    assert _ids(ben, "--model", "helmet") == _ids(cleo, "--model", "ours")
    before = len(hub.calls)
    assert "Nothing new." in ben.ok("import", URL).out
    assert not [call for call in hub.calls[before:] if call.path.endswith("model.safetensors")], "downloaded again"


def test_an_unchanged_file_is_downloaded_once(tmp_path: Path, monkeypatch: Any, hub: Hub, foreign: Repository) -> None:
    _empty(tmp_path / "ben", monkeypatch).ok("import", URL)
    downloads = [call.path for call in hub.calls if call.path.startswith("/storage/")]
    assert len(downloads) == len(set(downloads)) == 3
    assert len([call for call in hub.calls if call.path.endswith("/config.json")]) == 1


def test_a_revision_is_imported_alone(tmp_path: Path, monkeypatch: Any, foreign: Repository) -> None:
    shell = _empty(tmp_path / "ben", monkeypatch)
    shell.ok("import", f"{URL}@v1.0")
    assert len(_ids(shell, "--model", "helmet")) == 1
    shell.ok("import", f"{URL}@night")
    assert len(_ids(shell, "--model", "helmet")) == 2


def test_a_dry_run_downloads_no_weights_and_changes_nothing(
    tmp_path: Path, monkeypatch: Any, hub: Hub, foreign: Repository
) -> None:
    shell = _empty(tmp_path / "ben", monkeypatch)
    assert "4 versions would be imported" in shell.ok("import", URL, "-n").out
    assert not [call for call in hub.calls if call.path.startswith("/storage/")]
    assert shell.ok("models", "--json").json["models"] == [] or "helmet" not in shell.ok("models").out


def test_what_was_published_is_imported_with_the_same_ids(tmp_path: Path, monkeypatch: Any, hub: Hub) -> None:
    ana = histories.six(tmp_path / "ana", monkeypatch, 100_000)
    ana.ok("tag", "2026.1", "v2")
    ana.ok("publish", URL, "--all", "--tags")
    repository(hub).commit({"README.md": tip(hub)["README.md"] + b"\nBy hand.\n"}, "Card edited")
    ben = _empty(tmp_path / "ben", monkeypatch)
    said = ben.ok("import", URL)
    assert set(_ids(ben, "--model", "helmets")) == set(_ids(ana))
    assert ben.ok("--model", "helmets", "rev-parse", "2026.1").out == ana.ok("rev-parse", "v2").out
    assert "Created model helmets with 6 versions." in said.out
    assert ben.ok("fsck", "--read-data").code == 0


def test_a_commit_on_top_of_a_published_version_is_a_new_version(tmp_path: Path, monkeypatch: Any, hub: Hub) -> None:
    ana = histories.small(tmp_path / "ana", monkeypatch)
    ana.ok("publish", URL)
    repository(hub).commit({"weights/best.onnx": b"weighty" * 50}, "Same size, other weights", author="ben")
    ben = _empty(tmp_path / "ben", monkeypatch)
    ben.ok("import", URL)
    log = ben.ok("--model", "helmets", "log", "--json").json["versions"]
    assert [version["message"] for version in log] == ["Same size, other weights", "First baseline"]
    assert log[1]["id"] == _ids(ana)[0]
    shown = ben.ok("--model", "helmets", "show", "HEAD", "--json").json
    assert sorted(shown["manifest"]["files"].values()) == ["picture.png", "weights/best.onnx"]
    assert shown["labelmap"] == [[0, "helmet"], [1, "head"]]


def test_weights_in_several_files_are_one_role(tmp_path: Path, monkeypatch: Any, hub: Hub) -> None:
    made = hub.repositories["acme/helmet"] = Repository()
    parts = {f"model-0000{n}-of-00002.safetensors": bytes([n]) * 3000 for n in (1, 2)}
    made.commit({**parts, "vae/config.json": b"{}", "config.json": b"{}"}, "Parts")
    shell = _empty(tmp_path / "ben", monkeypatch)
    shell.ok("import", URL)
    files = shell.ok("--model", "helmet", "show", "HEAD", "--json").json["manifest"]["files"]
    assert files["model-latest"] == "model-*-of-00002.safetensors"
    assert files["config"] == "config.json"
    assert files["vae-config"] == "vae/config.json"
    assert shell.ok("--model", "helmet", "status").code == 0


# --- folders


def test_a_downloaded_snapshot_is_imported_without_a_network(
    tmp_path: Path, monkeypatch: Any, hub: Hub, foreign: Repository
) -> None:
    cache = tmp_path / "cache"
    snapshot_download("acme/helmet", cache_dir=cache, endpoint=hub.host, token=TOKEN)
    calls = len(hub.calls)
    folder = cache / "models--acme--helmet"
    ids = []
    for number, place in enumerate((folder, folder / "snapshots" / foreign.branches["main"])):
        shell = _empty(tmp_path / f"ben{number}", monkeypatch)
        shell.ok("--offline", "import", "--hf", str(place))
        ids.append(_ids(shell, "--model", "helmet"))
        assert shell.raw("--model", "helmet", "cat", "HEAD:model.safetensors")[1] == WEIGHTS[::-1]
    assert ids[0] == ids[1]
    assert len(ids[0]) == 1
    shell = _empty(tmp_path / "bare", monkeypatch)
    shell.ok("import", str(folder))
    assert len(hub.calls) == calls


@pytest.mark.parametrize("name", ["model.safetensors", "config.json"])
def test_a_damaged_blob_is_not_imported(
    tmp_path: Path, monkeypatch: Any, hub: Hub, foreign: Repository, name: str
) -> None:
    snapshot_download("acme/helmet", cache_dir=tmp_path / "cache", endpoint=hub.host, token=TOKEN)
    folder = tmp_path / "cache" / "models--acme--helmet"
    blob = (folder / "snapshots" / foreign.branches["main"] / name).resolve()
    data = bytearray(blob.read_bytes())
    data[-1] ^= 1
    blob.write_bytes(data)
    shell = _empty(tmp_path / "ben", monkeypatch)
    refused = shell("import", str(folder))
    assert refused.code == 3
    assert name in refused.err


def test_a_link_out_of_the_cache_is_refused(tmp_path: Path, monkeypatch: Any, hub: Hub, foreign: Repository) -> None:
    snapshot_download("acme/helmet", cache_dir=tmp_path / "cache", endpoint=hub.host, token=TOKEN)
    folder = tmp_path / "cache" / "models--acme--helmet"
    secret = tmp_path / ("a" * 64)
    secret.write_bytes(b"a key")
    os.symlink(secret, folder / "snapshots" / foreign.branches["main"] / "extra.txt")
    shell = _empty(tmp_path / "ben", monkeypatch)
    refused = shell("import", str(folder))
    assert refused.code == 2
    assert "extra.txt is a link out of the folder" in refused.err


def test_a_download_to_a_plain_folder_is_checked_by_its_notes(
    tmp_path: Path, monkeypatch: Any, hub: Hub, foreign: Repository
) -> None:
    folder = tmp_path / "helmet"
    snapshot_download("acme/helmet", local_dir=folder, endpoint=hub.host, token=TOKEN)
    shell = _empty(tmp_path / "ben", monkeypatch)
    shell.ok("import", str(folder))
    assert shell.raw("--model", "helmet", "cat", "HEAD:model.safetensors")[1] == WEIGHTS[::-1]
    (folder / "model.safetensors").write_bytes(WEIGHTS)
    assert _empty(tmp_path / "cleo", monkeypatch)("import", str(folder)).code == 3


def test_an_exported_folder_gives_the_same_id(tmp_path: Path, monkeypatch: Any, hub: Hub) -> None:
    ana = histories.six(tmp_path / "ana", monkeypatch, 100_000)
    ana.ok("export", "--hf", "night", "out")
    assert json.loads((tmp_path / "ana" / "out" / "config.json").read_bytes())["id2label"] == {
        "0": "helmet",
        "1": "head",
    }
    ben = _empty(tmp_path / "ben", monkeypatch)
    ben.ok("import", str(tmp_path / "ana" / "out"))
    assert ben.ok("--model", "helmets", "rev-parse", "HEAD").out == ana.ok("rev-parse", "night").out


def test_a_folder_that_the_hubs_library_uploads_is_imported_with_the_same_id(
    tmp_path: Path, monkeypatch: Any, hub: Hub
) -> None:
    ana = histories.small(tmp_path / "ana", monkeypatch)
    ana.ok("export", "--hf", "out")
    api = HfApi(endpoint=hub.host, token=TOKEN)
    api.create_repo("acme/helmet")
    with monkeypatch.context() as patch:
        patch.setattr("warnings.warn", lambda *_, **__: None)
        api.upload_folder(repo_id="acme/helmet", folder_path=tmp_path / "ana" / "out")
    ben = _empty(tmp_path / "ben", monkeypatch)
    ben.ok("import", URL)
    assert ben.ok("--model", "helmets", "rev-parse", "HEAD").out == ana.ok("rev-parse", "HEAD").out
