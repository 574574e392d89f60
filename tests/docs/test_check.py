"""docs/reference/readiness.md has every rule, use and profile, as the code has them."""

from __future__ import annotations

from mvc.model.toml import schema
from mvc.readiness.rule import Need
from mvc.readiness.table import RULES
from tests.docs import pages

PAGE = pages.REFERENCE / "readiness.md"


def test_the_table_is_what_the_code_says() -> None:
    pages.check("readiness.md", pages.check_rules(PAGE.read_text(encoding="utf-8")))


def test_every_rule_use_profile_and_need_is_explained() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert [rule for rule in RULES if f"| `{rule.name}` |" not in page] == []
    assert [use for use in schema.USES if f"\n### {use}\n" not in page] == []
    head = page.partition(pages.RULES[0])[0]
    profiles = [f"`{use}/{each}`" for use, found in schema.PROFILES.items() for each in found]
    assert [each for each in profiles if each not in head] == []
    assert [need.value for need in Need if f"**{need.value}**" not in head] == []
