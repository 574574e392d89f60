"""A repository in which every text is markup, a script, or an override of the writing direction."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

TEXTS = (
    "<img src=x onerror=window.pwn=1>",
    "</script><script>window.pwn=2</script>",
    "\"><svg onload=window.pwn=3>' onfocus='window.pwn=4",
    "\u202ewindow.pwn=5\u2066",
    "javascript:window.pwn=6",
    "__proto__",
    "constructor",
)
TEXT = " ".join(TEXTS)


def repository(folder: Path) -> Path:
    """Make it: two versions, so that they are compared; an alias that moved, with a reason; a note; evaluations."""
    folder.mkdir()

    def mvc(*arguments: str) -> None:
        environ = os.environ | {"MVC_AUTHOR_NAME": TEXTS[0].strip("<>"), "MVC_AUTHOR_EMAIL": "a@example.org"}
        done = subprocess.run(
            [sys.executable, "-m", "mvc", *arguments], cwd=folder, env=environ, capture_output=True, check=False
        )
        assert done.returncode == 0, (arguments, done.stderr.decode())

    mvc("init", "--model", "trap")
    for count, texts in enumerate((TEXTS, TEXTS[::-1])):
        name = "&lt;img' onerror=window.pwn=7 x='.safetensors"
        (folder / name).write_bytes(_tensors(texts, count))
        columns = ["epoch", *(json.dumps(text) for text in texts if '"' not in text)]
        rows = [",".join(str(row) for _ in columns) for row in range(3)]
        (folder / "log.csv").write_text("\n".join([",".join(columns), *rows]), encoding="utf-8")
        (folder / "model.toml").write_text(_model(name, texts, count), encoding="utf-8")
        mvc("commit", "-m", f"{TEXT}\n\n{TEXT}")
        mvc("alias", "set", "prod", "-m", TEXT)
    mvc("alias", "rollback", "prod", "-m", TEXT)
    shares = {"labels": TEXTS, "matrix": [[number] * len(TEXTS) for number in range(len(TEXTS))]}
    classes = [{"name": text, "recall": 0.5} for text in TEXTS]
    found = {"metrics": {TEXTS[0]: 0.5}, "classes": classes, "confusion_matrix": shares}
    (folder / "found.json").write_text(json.dumps(found), encoding="utf-8")
    for version in ("v1", "v2"):
        mvc("eval", "add", version, "--dataset", f"{TEXTS[1]}@1", "--file", "found.json", "--set", f"{TEXTS[6]}=1")
    mvc("notes", "add", "v2", TEXT, "incident=1")
    return folder


def _model(name: str, texts: tuple[str, ...], count: int) -> str:
    text = json.dumps(TEXT, ensure_ascii=True)
    keys = [json.dumps(text, ensure_ascii=True) for text in TEXTS]
    return "\n".join(
        [
            *("[model]", 'name = "trap"', f"description = {text}", f"tags = [{text}]"),
            *("[files]", f"model-latest = {json.dumps(name)}", 'training-log = "log.csv"'),
            *("[labelmap]", *(f"{number} = {json.dumps(label)}" for number, label in enumerate(texts))),
            *("[parameters]", *(f"{key} = {text}" for key in keys)),
            *("[metrics]", *(f"{key} = {count + 1}.5" for key in keys)),
            *("[docker]", 'image = "a/b"', 'tag = "1"', f"flags = [{text}]"),
        ]
    )


def _tensors(names: tuple[str, ...], value: int) -> bytes:
    header = {name: {"dtype": "U8", "shape": [1], "data_offsets": [at, at + 1]} for at, name in enumerate(names)}
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + bytes([value]) * len(names)
