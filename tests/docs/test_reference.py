"""Exit codes, errors, settings and findings are all on their pages."""

from __future__ import annotations

import re

from mvc.cli.app import failure, main, stop
from mvc.storage import fsck
from mvc.storage.records import config
from tests.docs import pages


def test_the_page_of_exit_codes_is_what_the_code_says() -> None:
    pages.check("exit-codes.md", pages.exit_codes())


def test_every_error_has_a_code_of_the_table() -> None:
    assert {each.name for each in pages.classes() if each.exit_code not in pages.CODES} == set()
    assert {failure.IN_PART, main.FATAL, stop.INTERRUPTED, stop.TERMINATED, main.BROKEN_PIPE} <= set(pages.CODES)


def test_the_page_of_settings_names_every_key() -> None:
    page = pages.settings()
    pages.check("settings.md", page)
    assert [key for key in config.KEYS if f"| `{key}` |" not in page] == []


def test_the_page_of_findings_names_every_kind() -> None:
    page = pages.findings()
    pages.check("fsck.md", page)
    assert [kind for kind in fsck.FINDINGS if f"| `{kind}` |" not in page] == []


def test_the_page_of_the_rules_of_scan_is_what_the_code_says() -> None:
    pages.check("scan-rules.md", pages.scan_rules())


def test_the_page_of_settings_names_every_variable() -> None:
    sources = (pages.DOCS.parent / "mvc").rglob("*.py")
    read = {name for path in sources for name in re.findall(r"\bMVC_[A-Z_]*[A-Z]\b", path.read_text(encoding="utf-8"))}
    named = {name for names in pages.ENVIRONMENT for name in names.split(", ")}
    assert {name for name in read if name not in named and not any(each.startswith(name) for each in named)} == set()
