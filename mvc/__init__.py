"""Git for model versions: immutable, comparable, shareable snapshots of computer-vision models.

    import mvc

    helmets = mvc.open(".").model("helmet-detector")
    helmets.update(metrics={"mAP50": 0.71})
    helmets.commit("Second training", aliases=["latest"])
    with helmets["latest"].files["model-latest"].open() as weights: ...

Each verb of the command line is a method, which returns a value and prints nothing. All is loaded when first used.
"""

from __future__ import annotations

from mvc import lazy

__version__ = "0.1.0"

HOMES = {
    "Actor": "mvc.repository.repository",
    "Code": "mvc.model.version",
    "File": "mvc.api.files",
    "Log": "mvc.api.log",
    "Model": "mvc.api.model",
    "Person": "mvc.model.version",
    "Remote": "mvc.api.remote",
    "Repository": "mvc.api.repository",
    "Run": "mvc.training.run",
    "Tensor": "mvc.api.files",
    "Timestamp": "mvc.model.version",
    "ValueFile": "mvc.model.toml.value_file",
    "Version": "mvc.api.version",
    "clone": "mvc.api.repository",
    "diff_files": "mvc.api.standalone.plain",
    "download": "mvc.api.standalone.download",
    "download_locked": "mvc.api.standalone.download",
    "errors": "mvc",
    "frame": "mvc.api.frame",
    "init": "mvc.api.repository",
    "list_files": "mvc.api.standalone.plain",
    "open": "mvc.api.repository",
    "run": "mvc.training.run",
    "scan_files": "mvc.api.standalone.plain",
    "training": "mvc",
    "user_config": "mvc.api.repository",
    "verify_files": "mvc.api.standalone.plain",
    "versioned": "mvc.training.versioned",
}
"""The module of each public name; `__init__.pyi` says the same to type checkers, and is made from it by a test."""


def __getattr__(name: str) -> object:
    """Load a public name."""
    if name not in HOMES:
        raise AttributeError(f"module 'mvc' has no attribute {name!r}")
    found = lazy.load(f"mvc.{name}") if HOMES[name] == "mvc" else lazy.attribute(f"{HOMES[name]}:{name}")
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    """List the public names."""
    return ["__version__", *HOMES]
