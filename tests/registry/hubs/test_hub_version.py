"""What a hub gets of a version: its files as streams, its exact objects as one document."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from mvc import errors
from mvc.model import canonical
from mvc.registry.hubs import hub_version, version_objects
from mvc.registry.hubs.hub_version import HubVersion
from mvc.repository import revisions
from mvc.repository.model import Model
from tests.cli.shell import MODEL, Shell
from tests.registry import histories


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    return histories.six(tmp_path / "ana", monkeypatch, 5_000_000)


def _version(shell: Shell, text: str) -> HubVersion:
    model = Model(shell.repository, MODEL)
    return hub_version.of(model, revisions.resolve(model, text))


def test_each_file_is_a_stream_that_any_thread_can_read(shell: Shell) -> None:
    version, read = _version(shell, "v2"), dict[str, bytes]()
    streams = {file.path: file.open() for file in version.files}

    def read_all(path: str) -> None:
        stream = streams[path]
        stream.seek(-1, 2)
        end = stream.read()
        stream.seek(0)
        read[path] = stream.read()
        assert read[path][-1:] == end

    threads = [threading.Thread(target=read_all, args=(path,)) for path in streams]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert read == {file.path: b"".join(file.blocks()) for file in version.files}
    assert {file.path: len(read[file.path]) for file in version.files} == {
        file.path: file.size for file in version.files
    }
    assert version.files[0].roles == ("picture",)


def test_the_document_of_a_version_gives_its_objects_again(shell: Shell) -> None:
    for text in ("v1", "v3", "HEAD"):
        version = _version(shell, text)
        again = version_objects.decode(version.document)
        assert again == version.objects
        assert again.version.id() == version.id


@pytest.mark.parametrize(
    ("key", "value"),
    [("kind", "marker"), ("v", 2), ("model_toml", ""), ("more", 1), ("tree", {"kind": "tree", "entries": []})],
)
def test_a_document_whose_parts_do_not_belong_together_is_refused(shell: Shell, key: str, value: object) -> None:
    record = canonical.decode(_version(shell, "HEAD").document)
    with pytest.raises(errors.NotCanonical):
        version_objects.decode(canonical.encode({**record, key: value}))


def test_the_lineage_names_parents_code_and_base_model(shell: Shell) -> None:
    shell.set(model__parent="base-yolo@v1")
    shell.commit("With a base model")
    first, last = _version(shell, "v1"), _version(shell, "HEAD")
    assert first.lineage == {}
    assert last.lineage == {"parents": [_version(shell, "HEAD~1").name], "base_model": "base-yolo@v1"}
    assert first.is_ancestor_of(last.id)
    assert not last.is_ancestor_of(first.id)
    assert not last.is_ancestor_of(last.id)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("publish", "hf://acme/helmet", "--as", "other"), "--as does not go with hf://acme/helmet"),
        (("publish", "hf://acme/helmet", "--all", "v1"), "--all takes no REV"),
        (("publish", "--tag", "prod"), "--tag and --force need a URL"),
        (("--offline", "publish", "hf://acme/helmet"), "hf://acme/helmet"),
        (("export", "folder"), "name a REV and a DIR"),
        (("export", "--hf", "v1", "folder", "more"), "name a REV and a DIR"),
    ],
)
def test_command_lines_that_are_refused(shell: Shell, arguments: tuple[str, ...], message: str) -> None:
    refused = shell(*arguments)
    assert refused.code in {2, 15}
    assert message in refused.err
