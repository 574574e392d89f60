"""A plugin of pytest: which rules no test needs.

    pytest -p tests.scan.sweep tests/scan     writes unneeded rules, one a line, to the file that MVC_SWEEP names

After each test that passes, the rules that it saw reported are removed in turn, and the test is run again. A rule is needed once a
test fails without it. A test that cannot be run twice in one process counts for nothing.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import pytest

from mvc.scan import scan as engine
from mvc.scan.scan import Scan, rules
from mvc.scan.verdict import Rule

_report = Scan.report
_state: dict[str, Any] = {"removed": "", "seen": set(), "needed": set()}


def _recorded(scan: Scan, rule: Rule, **given: Any) -> None:
    _state["seen"].add(rule.id)
    if rule.id != _state["removed"]:
        _report(scan, rule, **given)


def _fails(test: Callable[[], object]) -> bool:
    try:
        test()
    except BaseException:  # noqa: BLE001 - however it fails
        return True
    return False


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, object, object]:
    """Run a test again without each of the rules that it saw."""
    Scan.report = _recorded  # type: ignore[method-assign,assignment]
    _state["seen"] = set()
    try:
        result = yield
        seen = sorted(_state["seen"] - _state["needed"])
        names = pyfuncitem._fixtureinfo.argnames
        given = {name: pyfuncitem.funcargs[name] for name in names}

        def test() -> object:
            return pyfuncitem.obj(**given)

        if seen and not _fails(test):
            for rule in seen:
                _state["removed"] = rule
                if _fails(test):
                    _state["needed"].add(rule)
        return result
    finally:
        _state["removed"] = ""
        Scan.report = _report  # type: ignore[method-assign]


def pytest_sessionfinish() -> None:
    """Write the rules that no test needs."""
    unneeded = sorted({rule.id for rule in (*rules(), *engine.RULES)} - _state["needed"])
    Path(os.environ["MVC_SWEEP"]).write_text("".join(f"{rule}\n" for rule in unneeded), encoding="utf-8")
