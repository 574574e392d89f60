"""Classes in JSON, YAML and lists of names: all forms are one labelmap, and anything else is refused by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from mvc import errors
from mvc.formats.values import labels, yaml_text
from tests.cli.shell import begin

HELMETS = ((0, "helmet"), (1, "head"))
ULTRALYTICS = b"""\
# Ultralytics
path: ../datasets/helmets  # dataset root dir
train: images/train
val: images/val

nc: 2
names:
  0: helmet
  1: 'head'
download: https://example.org/helmets.zip
"""


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("labels.json", b'{"1": "head", "0": "helmet"}'),
        ("labels.json", b'["helmet", "head"]'),
        ("labels", b'["helmet", "head"]'),
        ("args.json", b'{"names": {"0": "helmet", "1": "head"}, "nc": 2}'),
        ("names.txt", b"helmet\nhead\n"),
        ("NAMES.TXT", b"\xef\xbb\xbfhelmet \r\nhead\r\n\r\n"),
        ("obj.names", b"helmet\nhead"),
        ("data.yaml", ULTRALYTICS),
        ("data.yml", b"names: [helmet, head]"),
        ("data.yaml", b"names:\n- helmet\n- head\n"),
        ("data.yaml", b'{"names": ["helmet", "head"]}'),
        ("labels.yaml", b"0: helmet\n1: head\n"),
        ("labels.yaml", b"- helmet\n- !!str head\n"),
        ("data.yaml", b"---\nnames: &n [helmet, head]\n...\n"),
    ],
)
def test_every_form_of_two_classes(name: str, data: bytes) -> None:
    assert labels.read(data, name) == HELMETS


def test_a_name_in_yaml_is_what_is_written() -> None:
    data = b"names: [no, on, 1.0, 0x1F, ~, null, 2024-01-01, 'a: b', \"\\u00e9\"]"
    assert [name for _, name in labels.read(data, "data.yaml")] == [
        "no", "on", "1.0", "0x1F", "~", "null", "2024-01-01", "a: b", "é"
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["labels.json", "names.txt", "data.yaml"])
def test_no_class_is_an_empty_labelmap(name: str) -> None:
    data = {"labels.json": b"{}", "names.txt": b"\n\n", "data.yaml": b"# nothing\n"}[name]
    assert labels.read(data, name) == ()


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("data/labels.json", b"5", "neither"),
        ("data/labels.json", b'"a"', "neither"),
        ("data/labels.json", b'{"0": "a", "0": "b"}', "0 occurs twice"),
        ("data/labels.json", b'{"00": "a"}', "'00' is not a class number"),
        ("data/labels.json", b'{"-1": "a"}', "not a class number"),
        ("data/labels.json", b'{"a": "0"}', "not a class number"),
        ("data/labels.json", '{"٣": "a"}'.encode(), "not a class number"),
        ("data/labels.json", b'{"99999999999": "a"}', "not a class number"),
        ("data/labels.json", b'{"0": 1}', "class 0 is not text"),
        ("data/labels.json", b'["a", null]', "class 1 is not text"),
        ("data/labels.json", b'["\\ud800"]', "not valid Unicode"),
        ("data/labels.json", b'["a",]', "not JSON"),
        ("data/labels.json", b"\xff", "not UTF-8"),
        ("data/labels.json", b"[" * 100_000, "nested too deeply"),
        ("data/labels.json", b"1" * 5_000, "not JSON"),
        ("data/labels.json", b" " * (labels.MAX_BYTES + 1), "larger than 8 MiB"),
        ("data/labels.json", b'{"names": 3}', "names is neither"),
        ("data/names.txt", b"ab\x00b", "not a text"),
        ("data/names.txt", "helmet\nhead".encode("utf-16"), "UTF-16"),
        ("data/data.yaml", b"names: helmet", "names is neither"),
        ("data/data.yaml", b"train: images\nval: images\n", "'train' is not a class number"),
        ("data/data.yaml", b"names: [a, b]\nnc: 3\n", "nc is 3, and names has 2 classes"),
        ("data/data.yaml", b"names: [[a], b]", "class 0 is not text"),
        ("data/data.yaml", b"names: {0: a, 0: b}", "0 occurs twice"),
        ("data/data.yaml", b"names: {[a]: b}", "a key is not a text"),
        ("data/data.yaml", b"x: &x [a]\nnames: *x\n", "anchor x"),
        ("data/data.yaml", b"names: [a\n", "not YAML, line 2"),
        ("data/data.yaml", b"names: [a]\n---\nnames: [b]\n", "more than one document"),
        ("data/data.yaml", b"a: " + b"[" * 40 + b"]" * 40, "nested too deeply"),
        ("data/data.yaml", b"#" * (yaml_text.MAX_CHARS + 1), "larger than 1 MiB"),
        ("data/data.yaml", b"names: \x01", "not YAML"),
    ],
    ids=lambda each: str(each)[:24],
)
def test_anything_else_is_refused_with_the_file_named(name: str, data: bytes, reason: str) -> None:
    with pytest.raises(errors.BadLabels, match=reason) as refused:
        labels.read(data, name)
    assert name in refused.value.message


def test_a_tag_of_yaml_constructs_nothing(tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    data = f"names: !!python/object/apply:os.mkdir ['{mark}']".encode()
    assert labels.read(data, "data.yaml") == ((0, str(mark)),)
    assert not mark.exists()


def test_the_labelmap_of_a_model_is_that_of_its_data_yaml(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shell = begin(tmp_path, monkeypatch)
    shell.write("data.yaml", ULTRALYTICS)
    shell.ok("set", "labelmap.path=data.yaml")
    shell.commit("classes of Ultralytics")
    assert shell.ok("show", "--json").json["labelmap"] == [[0, "helmet"], [1, "head"]]
    shell.write("data.yaml", ULTRALYTICS.replace(b"'head'", b"person"))
    assert "person" in shell.ok("diff").out
