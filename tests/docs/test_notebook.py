"""The notebook runs offline, shows what it says it shows, and leaves out no verb that works offline."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.api.verbs import METHODS
from tests.docs import pages

NOTEBOOK = pages.DOCS / "notebooks" / "tour.ipynb"
RUN = """
import sys, nbclient, nbformat
notebook = nbformat.read(sys.argv[1], 4)
nbclient.NotebookClient(notebook, timeout=120, kernel_name="python3", record_timing=False).execute()
nbformat.write(notebook, sys.argv[2])
"""
ELSEWHERE = {"Model.publish", "Model.drift", "Repository.import_model", "Model.resolve_image", "Model.image_drift"}
"""What needs a registry, or a registry of images."""
UNUSUAL = {
    "Model.changelog", "Model.prune", "Remote.prune",
    "Branches.all", "Branches.rename", "Tags.all", "Aliases.all", "Aliases.delete", "Aliases.publish",
    "Aliases.unpublish", "Config.get", "Config.unset",
    "Config.all", "mvc.user_config", "Model.remove", "Model.continue_merge", "Model.abort_merge", "Model.fetch",
    "Remote.push", "Remote.pull", "Remote.gc", "Remote.repair", "Repository.repair", "Remote.set_url", "Remote.trust",
    "Remote.distrust", "Remote.rename", "Remote.remove", "Remote.upgrade", "Remote.policy", "Remote.settings", "Version.diff", "Model.check", "File.read",
    "Model.branch", "Model.add_run", "Model.move", "Version.check_source", "Version.remove_notes", "Version.licenses", "Version.bom", "Version.card", "Version.evaluations", "Version.add_evaluation", "Version.remove_evaluations",
    "Model.evaluations", "Model.compare_evaluations", "Experiments.import_result", "Imports.folders", "Imports.repository", "Imports.git", "Imports.dvc",
    "Imports.oci", "Imports.hf", "Imports.mlflow", "Model.publish_to", "Model.__getitem__", "Model.stash", "Model.stashes",
    "Model.revert", "Model.cherry_pick", "Stashes.push", "Stashes.show", "Stashes.pop", "Stashes.apply",
    "Stashes.drop", "Stashes.clear", "Stashes.branch",
    "mvc.diff_files", "mvc.list_files", "Model.preflight", "Model.resume", "Version.curve", "mvc.run", "Model.undo", "Model.redo", "Model.operations", "Model.operation", "Model.restore_operation", "Repository.export_page",
    "Model.bisect", "Model.find_drop", "Model.find_class_change", "Model.semver", "Tags.create_next",
    "Version.sign", "Version.verify", "Version.signatures", "Version.remove_signatures", "Version.attest", "Version.attestations", "Version.remove_attestations", "Tags.sign", "Tags.verify", "Aliases.sign", "Aliases.verify",
    "Model.scan", "Version.scan", "mvc.scan_files", "mvc.verify_files",
    "Repository.policy", "Model.check_policy", "Version.check_policy",
}  # fmt: skip
"""What the tour leaves to the reference, since it shows its sibling."""


@pytest.fixture(scope="module")
def executed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("notebook")
    root = Path(__file__).resolve().parents[2]
    run = subprocess.run(
        [sys.executable, "-c", RUN, str(NOTEBOOK), str(folder / "executed.ipynb")],
        cwd=folder,
        env=os.environ
        | {"PYTHONPATH": str(root), "IPYTHONDIR": str(folder), "JUPYTER_RUNTIME_DIR": str(folder / "run")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr[-4000:]
    found: dict[str, Any] = json.loads((folder / "executed.ipynb").read_text(encoding="utf-8"))
    if pages.WRITE and _compared(found) != _compared(_stored()):
        NOTEBOOK.write_bytes((folder / "executed.ipynb").read_bytes())
    return found


def _stored() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    return found


def _compared(notebook: dict[str, Any]) -> list[str]:
    """What differs between two runs only if a cell or mvc changed: no ids, times and sizes."""
    tables = [
        re.sub(r"[0-9a-f]{10,}|[0-9][0-9.:TZ-]*", "N", "".join(output["data"]["text/html"]))
        for cell in notebook["cells"]
        for output in cell.get("outputs", ())
        if "text/html" in output.get("data", {})
    ]
    return ["".join(cell["source"]) for cell in notebook["cells"]] + _shown(notebook) + tables


def _shown(notebook: dict[str, Any]) -> list[str]:
    """What each cell answers, without the digits of ids, which depend on the time."""
    texts = [
        "".join(output.get("data", {}).get("text/plain", output.get("text", "")))
        for cell in notebook["cells"]
        for output in cell.get("outputs", ())
    ]
    return [re.sub(r"\b[0-9a-f]{10,}\b", "ID", text) for text in texts]


def test_it_runs_and_shows_what_is_stored(executed: dict[str, Any]) -> None:
    assert _shown(executed) == _shown(_stored())


def test_it_is_written_again_only_for_what_changed(executed: dict[str, Any]) -> None:
    text = json.dumps(executed)
    (id_,) = re.findall(r"Committed helmet-detector v1 ([0-9a-f]{10})", text)[:1]
    assert _compared(json.loads(text.replace(id_, "0123456789").replace("T0", "T1"))) == _compared(executed)
    for old, new in (("First baseline", "Second baseline"), ("<th>number</th>", "<th>count</th>")):
        assert _compared(json.loads(text.replace(old, new))) != _compared(executed), old
    assert not [cell for cell in executed["cells"] if "iopub.status.busy" in cell["metadata"].get("execution", {})]


def test_tables_are_stored_with_it() -> None:
    cells = _stored()["cells"]
    tables = [output for cell in cells for output in cell.get("outputs", ()) if "text/html" in output.get("data", {})]
    assert len(tables) >= 8


def test_it_leaves_out_no_verb() -> None:
    cells = _stored()["cells"]
    code = "\n".join("".join(cell["source"]) for cell in cells)
    methods = {each for found in METHODS.values() for each in found} - UNUSUAL
    assert [each for each in sorted(methods) if f".{each.partition('.')[2]}" not in code] == []
    assert methods >= ELSEWHERE
