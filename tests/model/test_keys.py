from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mvc import errors
from mvc.model.manifest import Manifest
from mvc.model.toml import keys, schema


@pytest.mark.parametrize(
    ("text", "key", "value"),
    [
        ("docker.tag=1.10", ("docker", "tag"), "1.10"),
        ("docker.image=", ("docker", "image"), ""),
        ("labelmap.0=helmet", ("labelmap", "0"), "helmet"),
        ("labelmap.path=labels.json", ("labelmap", "path"), "labels.json"),
        ("model.labelmap_sparse=true", ("model", "labelmap_sparse"), True),
        ("model.tags=night, cctv,", ("model", "tags"), ["night", "cctv"]),
        ('model.tags=["a,b"]', ("model", "tags"), ["a,b"]),
        ("model.tags=", ("model", "tags"), []),
        ("metrics.mAP50=0.71", ("metrics", "mAP50"), 0.71),
        ("metrics.n=1", ("metrics", "n"), 1),
        ("parameters.epochs=100", ("parameters", "epochs"), 100),
        ("parameters.lr=1e-4", ("parameters", "lr"), 1e-4),
        ("parameters.amp=true", ("parameters", "amp"), True),
        ("parameters.sizes=[1, 2]", ("parameters", "sizes"), [1, 2]),
        ("parameters.opt={lr = 0.1}", ("parameters", "opt"), {"lr": 0.1}),
        ("parameters.opt.lr=0.1", ("parameters", "opt", "lr"), 0.1),
        ("parameters.name=yolo v8", ("parameters", "name"), "yolo v8"),
        ("parameters.name=1.10x", ("parameters", "name"), "1.10x"),
        ("parameters.day=2026-01-02", ("parameters", "day"), "2026-01-02"),
        ('parameters.quoted="5"', ("parameters", "quoted"), '"5"'),
        ("parameters.zip=007", ("parameters", "zip"), "007"),
        ("parameters.note=5 # five", ("parameters", "note"), "5 # five"),
        ("parameters.broken=[1,,2]", ("parameters", "broken"), "[1,,2]"),
        ("parameters.two=1\nb = 2", ("parameters", "two"), "1\nb = 2"),
        ("parameters.a=b=c", ("parameters", "a"), "b=c"),
        ("parameters.lr=.5", ("parameters", "lr"), 0.5),
        ("parameters.lr=-.5", ("parameters", "lr"), -0.5),
        ("parameters.lr=5.", ("parameters", "lr"), 5.0),
        ("parameters.lr=5.e-3", ("parameters", "lr"), 5e-3),
        ("parameters.lr=.5E2", ("parameters", "lr"), 50.0),
        ("parameters.lr=1e-3", ("parameters", "lr"), 1e-3),
        ("parameters.lr= 1_000 ", ("parameters", "lr"), 1000),
        ("parameters.amp=True", ("parameters", "amp"), True),
        ("parameters.amp=FALSE", ("parameters", "amp"), False),
        ("parameters.pad=none", ("parameters", "pad"), "none"),
        ("parameters.dots=...", ("parameters", "dots"), "..."),
        ("parameters.dots=.", ("parameters", "dots"), "."),
        ("parameters.version=1.2.3", ("parameters", "version"), "1.2.3"),
        ("model.labelmap_sparse=True", ("model", "labelmap_sparse"), True),
        ("metrics.mAP50=.71", ("metrics", "mAP50"), 0.71),
        ('files."best.v2"=w/best.pt', ("files", "best.v2"), "w/best.pt"),
        ("files.'a=b'=x", ("files", "a=b"), "x"),
        ("docker.env.DEBUG=1", ("docker", "env", "DEBUG"), "1"),
        ('docker.env={A = "1"}', ("docker", "env"), {"A": "1"}),
        ('source.datasets=[{alias = "train"}]', ("source", "datasets"), [{"alias": "train"}]),
    ],
)
def test_a_value_takes_the_type_of_its_key(text: str, key: tuple[str, ...], value: Any) -> None:
    found = keys.parse_assignment(text)
    assert found == (key, value)
    assert type(found[1]) is type(value)


@pytest.mark.parametrize("text", ["None", "null", "NULL", "inf", "-Infinity", "NaN", "nan", "+inf", ".5e999"])
def test_a_value_that_toml_does_not_have_is_refused(text: str) -> None:
    for key in ("parameters.x", "metrics.x"):
        with pytest.raises((errors.BadValue, errors.NotFinite)):
            keys.parse_assignment(f"{key}={text}")
    assert keys.parse_assignment(f"parameters.x={text}", "str")[1] == text


@pytest.mark.parametrize(
    ("key", "value", "looks"),
    [
        *(
            ("parameters.x", text, True)
            for text in ("007", "1.2.3", "yes", "Off", "1,5", "0xff_", "[1,,2]", "none", "~", "-1a")
        ),
        *(("parameters.x", text, False) for text in ("yolo v8", "adam", "", "night", "x1", ".hidden", "a=1")),
        ("parameters.x", 7, False),
        ("docker.tag", "1.10", False),
        ("labelmap.0", "1", False),
    ],
)
def test_a_text_that_could_be_meant_as_something_else_is_known(key: str, value: Any, looks: bool) -> None:
    assert keys.looks_typed(key, value) is looks


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("007", "str", "007"),
        ("100", "str", "100"),
        ("1_0", "int", 10),
        ("1", "float", 1.0),
        ("true", "bool", True),
        ("true", "str", "true"),
        ('"x"', "toml", "x"),
        ('{"a": [1, 2.0]}', "json", {"a": [1, 2.0]}),
    ],
)
def test_a_type_that_is_asked_for_wins(text: str, kind: str, value: Any) -> None:
    found = keys.parse_assignment(f"parameters.x={text}", kind)[1]
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("text", "kind", "error"),
    [
        ("epochs", None, errors.BadKey),
        ("", None, errors.BadKey),
        ("=1", None, errors.BadKey),
        ("a..b=1", None, errors.BadKey),
        (".a=1", None, errors.BadKey),
        ("parameters.=1", None, errors.BadKey),
        ("parameters.a b=1", None, errors.BadKey),
        ('files."a=1', None, errors.BadKey),
        (r'files."\q"=1', None, errors.BadKey),
        ("parameters=1", None, errors.BadKey),
        ("parameters" + ".a" * 60 + "=1", None, errors.BadKey),
        ("docker.imgae=x", None, errors.UnknownKey),
        ("epochs.x=1", None, errors.UnknownKey),
        ("docker.tag.x=1", None, errors.WrongType),
        ("model.labelmap_sparse=yes", None, errors.WrongType),
        ("metrics.a=high", None, errors.WrongType),
        ("metrics.a=true", None, errors.WrongType),
        ("docker.tag=5", "int", errors.WrongType),
        ("docker.env=A", None, errors.BadValue),
        ("source.experiment=e1", None, errors.BadValue),
        ("labelmap.a=b", None, errors.BadLabels),
        ("labelmap.01=b", None, errors.BadLabels),
        ("parameters.a=nan", None, errors.NotFinite),
        ("parameters.a=-inf", None, errors.NotFinite),
        ("parameters.a=1e999", None, errors.NotFinite),
        ("parameters.a=NaN", "json", errors.NotFinite),
        ("parameters.a=null", "json", errors.WrongType),
        ("parameters.a=2026-01-02", "toml", errors.DateValue),
        ("parameters.a=99999999999999999999", None, errors.TooBig),
        ("parameters.a=" + "[" * 5_000 + "]", None, errors.TooBig),
        ("parameters.a=x", "int", errors.BadValue),
        ("parameters.a=yes", "bool", errors.BadValue),
        ("parameters.a={", "json", errors.BadValue),
        ("parameters.a={", "toml", errors.BadToml),
    ],
    ids=lambda each: str(each)[:30],
)
def test_what_does_not_fit_is_refused(text: str, kind: str | None, error: type[errors.MvcError]) -> None:
    with pytest.raises(error):
        keys.parse_assignment(text, kind)


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=8), min_size=1, max_size=4))
def test_a_key_reads_back_as_it_is_shown(parts: list[str]) -> None:
    key = ("parameters", *parts)
    assert keys.parse_key(schema.dotted(key)) == key


MANIFEST = Manifest(
    {"name": "x"},
    labelmap=((0, "helmet"),),
    labelmap_path="l.json",
    parameters={"a": {"b": [1, 2]}},
    docker={"digest": {"asked": "auto", "resolved": None}},
)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("model.name", "x"),
        ("labelmap.0", "helmet"),
        ("labelmap.path", "l.json"),
        ("parameters.a.b", [1, 2]),
        ("parameters.a.b.1", 2),
        ("parameters", {"a": {"b": [1, 2]}}),
        ("docker.digest", "auto"),
    ],
)
def test_a_value_is_found_by_its_key(key: str, value: Any) -> None:
    assert keys.get_value(MANIFEST, keys.parse_key(key)) == value


@pytest.mark.parametrize(
    "key", ["docker.image", "metrics", "labelmap.1", "parameters.a.b.2", "parameters.a.c", "model.name"]
)
def test_a_key_that_is_not_set_is_an_answer(key: str) -> None:
    values: Any = {} if key == "model.name" else MANIFEST
    with pytest.raises(errors.NoValue) as refused:
        keys.get_value(values, keys.parse_key(key))
    assert refused.value.exit_code == 1
