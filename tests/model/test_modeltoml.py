from __future__ import annotations

import time
import tomllib
from typing import Any

import pytest
from hypothesis import given

from mvc import errors
from mvc.model.labelmap import Labelmap
from mvc.model.manifest import Manifest
from mvc.model.toml import parse as modeltoml
from mvc.model.toml.value_file import ValueFile
from tests import effort
from tests.model.strategies import manifests

HEAD = b'[model]\nname = "x"\n'

FULL = b"""
[model]
name = "helmet-detector"
type = "object_detection"
framework = "Onnx"
description = ""
license = "Apache-2.0"
tags = ["night"]
links = []
labelmap_sparse = false
parent = "base-yolo@v3"

[files]
model-latest = "weights/best.onnx"
runs = "runs/**"

[labelmap]
1 = "head"
0 = "helmet"

[parameters]
epochs = 100
optimizer = { name = "adamw", lr = 1e-4 }
note = ""

[metrics]
mAP50 = 0.71
epochs = 0

[docker]
image = "acme/yolo"
tag = "1.10"
digest = "auto"
flags = ["--gpus all"]
env = { DEBUG = "" }

[source]
experiment = { id = "e1" }
[[source.datasets]]
alias = "train"
version = "v12"

[intent]
ready_for = ["deployment"]
[[intent.require]]
use = "deployment"
metric = "mAP50"
min = 0.0
"""


def parse(data: bytes) -> Manifest:
    return modeltoml.parse(data, where="model.toml")


def test_every_section_is_read_and_what_says_nothing_is_dropped() -> None:
    made = parse(FULL)
    assert made.model == {
        "name": "helmet-detector",
        "type": "OBJECT_DETECTION",
        "framework": "ONNX",
        "license": "Apache-2.0",
        "tags": ["night"],
        "parent": "base-yolo@v3",
    }
    assert made.files == {"model-latest": "weights/best.onnx", "runs": "runs/**"}
    assert made.labelmap == ((0, "helmet"), (1, "head"))
    assert made.parameters == {"epochs": 100, "optimizer": {"name": "adamw", "lr": 1e-4}, "note": ""}
    assert made.metrics == {"mAP50": 0.71, "epochs": 0}
    assert made.docker["digest"] == {"asked": "auto", "resolved": None}
    assert made.docker["env"] == {"DEBUG": ""}
    assert made.source == {"experiment": {"id": "e1"}, "datasets": [{"alias": "train", "version": "v12"}]}
    assert made.intent["require"] == [{"use": "deployment", "metric": "mAP50", "min": 0.0}]
    assert Manifest.decode(made.encode()) == made


def test_an_unknown_word_is_kept_as_it_is_written() -> None:
    assert parse(HEAD + b'framework = "Yolo-v8"').framework == "Yolo-v8"


def test_comments_and_order_make_no_difference() -> None:
    one = parse(b'# a\n[docker]\ntag = "1"\n[model]\nname = "x"\n')
    assert one == parse(b'model.name = "x" # b\r\n\r\ndocker = { tag = "1" }')


@given(manifests())
def test_rendered_text_parses_to_the_same_values(value: Manifest) -> None:
    assert parse(modeltoml.render(value)) == value


def test_a_labelmap_may_lie_in_a_file() -> None:
    asked = []

    class Reader:
        def labels(self, file: ValueFile) -> Labelmap:
            asked.append(file.path)
            return ((0, "helmet"), (1, "head"))

        def values(self, section: str, file: ValueFile) -> dict[str, Any]:
            raise AssertionError

    data = HEAD + b'[labelmap]\npath = "data/labels.json"'
    made = modeltoml.parse(data, where="model.toml", reader=Reader())
    assert asked == ["data/labels.json"]
    assert (made.labelmap, made.labelmap_path) == (((0, "helmet"), (1, "head")), "data/labels.json")
    assert tomllib.loads(modeltoml.render(made).decode())["labelmap"] == {"path": "data/labels.json"}
    assert parse(data).labelmap == ()


@pytest.mark.parametrize(
    ("data", "error", "says"),
    [
        (b"a = 1\nb == 2\n", errors.BadToml, "model.toml, line 2, column 4"),
        (b'a = "x', errors.BadToml, "line 1, column 7"),
        (b"a = 1\na = 2\n", errors.BadToml, "A key is set twice"),
        (b"[a]\n[a]\n", errors.BadToml, "line 2"),
        (b'a = "1"\nb = "\xff"', errors.BadToml, "line 2, column 6: not UTF-8"),
        ("a = 1".encode("utf-16"), errors.BadToml, "line 1, column 1: UTF-16; save it as UTF-8"),
        ("a = 1".encode("utf-16-le"), errors.BadToml, "line 1, column 1: UTF-16; save it as UTF-8"),
        ("a = 1".encode("utf-32"), errors.BadToml, "line 1, column 1: UTF-16; save it as UTF-8"),
        (b"", errors.NoModelName, "does not name its model"),
        (b'[docker]\nimage = "x"', errors.NoModelName, "does not name its model"),
        (HEAD + b"[parametres]\n", errors.UnknownKey, "parametres"),
        (HEAD + b"[docker]\nimgae = 1", errors.UnknownKey, "docker.imgae"),
        (HEAD + b"[[source.datasets]]\nurl = 1", errors.UnknownKey, "source.datasets.0.url"),
        (HEAD + b"[docker]\ntag = 1.10", errors.WrongType, "docker.tag must be text, not a number"),
        (HEAD + b'tags = "night"', errors.WrongType, "model.tags must be a list of texts, not text"),
        (HEAD + b"tags = [1]", errors.WrongType, "model.tags.0 must be text"),
        (HEAD + b'labelmap_sparse = "yes"', errors.WrongType, "must be true or false"),
        (HEAD + b"[metrics]\na = true", errors.WrongType, "metrics.a must be a number, not true or false"),
        (b'model = "x"', errors.WrongType, "model must be a table"),
        (HEAD + b"[labelmap]\n0 = 1", errors.WrongType, "labelmap.0 must be text"),
        (HEAD + b'[labelmap]\na = "b"', errors.BadLabels, "'a' is not a class number"),
        (HEAD + b'[labelmap]\n0 = "a"\n00 = "b"', errors.BadLabels, "'00' is not a class number"),
        (HEAD + b'[labelmap]\n0 = "a"\npath = "l.json"', errors.BadLabels, "both a path and classes"),
        (HEAD + b"[metrics]\na = nan", errors.NotFinite, "metrics.a is nan"),
        (HEAD + b"[parameters]\na = [0, { b = -inf }]", errors.NotFinite, "parameters.a.1.b is -inf"),
        (HEAD + b"[parameters]\na = 1e999", errors.NotFinite, "parameters.a is inf"),
        (HEAD + b"[parameters]\na.b = 2026-01-02", errors.DateValue, "parameters.a.b is a date"),
        (HEAD + b"[parameters]\na = 07:30:00", errors.DateValue, "parameters.a"),
        (HEAD + b"[docker]\ntag = 2026-01-02", errors.DateValue, "docker.tag"),
        (HEAD + b"[parameters]\na = 9223372036854775808", errors.TooBig, "parameters.a"),
        (HEAD + b"[parameters]\na = " + b"1" * 5_000, errors.TooBig, "thousands of digits"),
        (HEAD + b"[parameters]\na = " + b"[" * 5_000, errors.TooBig, "nested too deeply"),
        (HEAD + b"[parameters]\na = " + b"[" * 60 + b"]" * 60, errors.TooBig, "nested deeper than 48"),
        (b" " * (modeltoml.MAX_BYTES + 1), errors.TooBig, "larger than 8 MiB"),
    ],
    ids=lambda each: str(each)[-30:],
)
def test_a_mistake_is_refused_with_its_line_or_key(data: bytes, error: type[errors.MvcError], says: str) -> None:
    with pytest.raises(error) as refused:
        parse(data)
    assert says in refused.value.message
    assert refused.value.exit_code == 2


_LONG_TEXTS = (b"a" * 150_000, b"= . [ { " * 100_000, b"," * 1_100_000, b"a." * 70)
"""Texts of which the one or other part would be too much for tomllib outside of a text or a comment."""


@pytest.mark.parametrize("text", _LONG_TEXTS, ids=lambda each: each[:5].decode())
def test_the_limits_of_a_parse_are_not_about_texts_and_comments(text: bytes) -> None:
    for quoted in (b'"%s"', b"'%s'", b'"""%s\n \\" "" """""', b"'''\n%s '' '''''"):
        data = HEAD + b"# " + text + b"\n[parameters]\n" + b"a = [0, " + quoted % text + b', "#"]  # "' + text
        value = parse(data).parameters["a"]
        assert value[0::2] == [0, "#"]
        assert text.decode() in value[1]


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (b"1" * 100_001, "a number or a key in it has 100000 characters"),
        (b'["""a"""", %s, ""]' % (b"1" * 100_001), "a number or a key in it has 100000 characters"),
        (b"['''a'''', %s, '']" % (b"1" * 100_001), "a number or a key in it has 100000 characters"),
        (b'"""\\""""\nb%s = 1' % (b'."."' * 70), "more than 64 parts"),
        (b'"#"\nb%s = 1' % (b".a" * 70), "more than 64 parts"),
        (b"[%s]" % (b"{}," * 300_000), "of the characters"),
    ],
    ids=lambda each: str(each)[:12],
)
def test_what_is_outside_of_texts_is_limited(value: bytes, says: str) -> None:
    with pytest.raises(errors.TooBig) as refused:
        parse(HEAD + b"[parameters]\na = " + value)
    assert says in refused.value.message


@pytest.mark.parametrize(
    ("data", "hint"),
    [
        (b"[docker]\nimgae = 1", "Did you mean docker.image?"),
        (b'image = "x"', "Did you mean docker.image?"),
        (b'[model]\nname = "x"\nlabel_map = 1', "Did you mean"),
        (b"[parametres]\nx = 1", "Did you mean parameters?"),
        (b"[docker]\nzzz = 1", "[docker] has image, tag, digest, flags, env; free values belong in [parameters]."),
    ],
)
def test_an_unknown_key_comes_with_a_suggestion(data: bytes, hint: str) -> None:
    with pytest.raises(errors.UnknownKey) as refused:
        parse(data)
    assert hint in refused.value.hint


@pytest.mark.parametrize(
    "part",
    ["a.", "a . ", '"a".', "'a' \t.", '"\\"".', '"a\\\\".'],
    ids=["bare", "spaced", "quoted", "single", "escaped", "slash"],
)
def test_a_key_of_thousands_of_parts_is_refused_at_once(part: str) -> None:
    text = "[parameters]\n" + part * 10_000 + "a = 1"
    began = time.process_time()
    with pytest.raises(errors.TooBig, match="64 parts"):
        parse(text.encode())
    assert time.process_time() - began < effort.HANG


@pytest.mark.parametrize(
    "text", ["x = [" + "0.5, " * 500 + "]", 'x = "' + "a. " * 60 + '"', "x.y.z = 1", "# " + "..." * 99]
)
def test_ordinary_dots_are_no_long_key(text: str) -> None:
    parse(HEAD + b"[parameters]\n" + text.encode())
