"""The pages of model.toml and of weight formats name every key and every format that there is."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from mvc.formats.known import FORMATS, WEIGHT_SUFFIXES, Format
from mvc.model.toml import schema
from mvc.model.toml.schema import Table
from mvc.registry.fields import FIELDS, Field
from tests.docs import pages

MODEL_TOML = (pages.REFERENCE / "model-toml.md").read_text(encoding="utf-8")
PUBLISH = (pages.DOCS / "how-to" / "publish.md").read_text(encoding="utf-8")
FORMATS_PAGE = (pages.REFERENCE / "weight-formats.md").read_text(encoding="utf-8")


def _keys() -> Iterator[str]:
    for section, type_ in schema.MODEL_TOML.keys.items():
        assert isinstance(type_, Table)
        yield from (f"{section}.{key}" for key in type_.keys)


@pytest.mark.parametrize("key", [*_keys()])
def test_a_key_has_a_row(key: str) -> None:
    assert f"| `{key}` |" in MODEL_TOML


@pytest.mark.parametrize("section", [*schema.MODEL_TOML.keys])
def test_a_section_has_a_heading(section: str) -> None:
    assert f"[{section}]" in "".join(line for line in MODEL_TOML.splitlines() if line.startswith("## "))


def test_every_word_of_the_vocabularies_is_there() -> None:
    words = (*schema.TYPES, *schema.FRAMEWORKS, *schema.USES)
    assert [word for word in words if f"`{word}`" not in MODEL_TOML] == []


@pytest.mark.parametrize("known", [*FORMATS.values()], ids=[*FORMATS])
def test_a_format_has_a_row_with_its_suffixes(known: Format) -> None:
    cells = [line.split("|")[2] for line in FORMATS_PAGE.splitlines() if line.startswith("| ")]
    assert any(all(f"`{suffix}`" in files for suffix in known.suffixes) for files in cells)


def test_other_suffixes_are_there() -> None:
    assert [suffix for suffix in WEIGHT_SUFFIXES if f"`{suffix}`" not in FORMATS_PAGE] == []


@pytest.mark.parametrize("field", FIELDS, ids=lambda field: field.key)
def test_a_field_of_a_registry_has_a_row(field: Field) -> None:
    rows = [line for line in PUBLISH.splitlines() if line.startswith("| ")]
    assert any(f"`{field.key}`" in row and f"`{field.name}`" in row for row in rows)
