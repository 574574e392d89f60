"""Runs one scanner of others over the files of a folder, by its own functions, and prints its answers as JSON.

    scanner_runs.py NAME FOLDER       {"seconds": 1.2, "answers": {"hostile/001.pkl": true, …}}

True if it reports a file, or cannot read it: its command ends with an error then. It is run by the Python of an environment that
has the scanner and nothing of this project.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import logging
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

Check = Callable[[str], bool]


def picklescan() -> Check:
    """Dangerous globals, and files that it cannot read."""
    scanner: Any = importlib.import_module("picklescan.scanner")

    def check(path: str) -> bool:
        result = scanner.scan_file_path(path)
        return bool(result.issues_count or result.scan_err)

    return check


def picklescan_strict() -> Check:
    """The same with `--strict`, which reports every global that it does not know."""
    scanner: Any = importlib.import_module("picklescan.scanner")

    def check(path: str) -> bool:
        result = scanner.scan_file_path(path, strict=True)
        return bool(result.issues_count or result.scan_err or result.suspicious_count)

    return check


def fickling() -> Check:
    """Every pickle that is not likely safe."""
    analysis: Any = importlib.import_module("fickling.analysis")
    fickle: Any = importlib.import_module("fickling.fickle")

    def check(path: str) -> bool:
        with open(path, "rb") as file:
            pickles = fickle.StackedPickle.load(file)
        return any(analysis.check_safety(part).severity > analysis.Severity.LIKELY_SAFE for part in pickles)

    return check


def modelscan() -> Check:
    """Any issue or error."""
    scanner: Any = importlib.import_module("modelscan.modelscan")

    def check(path: str) -> bool:
        result = scanner.ModelScan().scan(path)
        return bool(result["summary"]["total_issues"] or result["errors"])

    return check


def modelaudit() -> Check:
    """Any issue that is critical."""
    core: Any = importlib.import_module("modelaudit.core")

    def check(path: str) -> bool:
        result = core.scan_model_directory_or_file(path)
        return any("critical" in str(issue.severity).lower() for issue in result.issues)

    return check


SCANNERS: dict[str, Callable[[], Check]] = {
    "picklescan": picklescan,
    "picklescan --strict": picklescan_strict,
    "fickling": fickling,
    "modelscan": modelscan,
    "modelaudit": modelaudit,
}


def main(name: str, folder: Path) -> None:
    """Print the answers of a scanner."""
    logging.disable()
    check = SCANNERS[name]()
    answers: dict[str, bool] = {}
    started = time.perf_counter()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            try:
                answer = check(os.fspath(path))
            except Exception:  # noqa: BLE001 - it cannot read the file
                answer = True
        answers[path.relative_to(folder).as_posix()] = answer
    print(json.dumps({"seconds": time.perf_counter() - started, "answers": answers}))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
