"""The machine and the Python that this process runs on, for the environment record of a version.

    folders of sys.path ─► names of *.dist-info ─► packages        no metadata is read
    /proc/driver/nvidia, torch if it is loaded  ─► GPUs, driver, CUDA

Nothing is imported, no program is run and no GPU is touched for it, since a training may do that for the first time later.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mvc.model.compare.environment_record import EnvironmentRecord

NVIDIA = Path("/proc/driver/nvidia")
"""The folder in which Linux describes the GPUs of NVIDIA."""
MAX_PACKAGES = 5_000
_MAX_GPUS = 256
_MAX_BYTES = 64 << 10
_MAX_TEXT = 200
_INSTALLED = re.compile(r"(?P<name>[^-]+(?:-[^-0-9][^-]*)*)-(?P<version>[^-]+)(?:-py[0-9.]+)?\.(?:dist|egg)-info\Z")
_DRIVER = re.compile(r"Kernel Module[^0-9]*([0-9]+(?:\.[0-9]+)+)")
_MODEL = re.compile(r"^Model:\s*(.+?)\s*$", re.MULTILINE)


def environment_record() -> EnvironmentRecord:
    """Return what this process runs on; what cannot be found out is None. Raises nothing."""
    torch = sys.modules.get("torch")
    return EnvironmentRecord(
        python=f"{sys.implementation.name} {sys.version.partition(' ')[0]}",
        platform=_platform(),
        packages=packages(),
        gpus=tuple(_gpus(torch)),
        cuda=_text(torch, "version.cuda"),
        driver=_driver(),
    )


def _platform() -> str:
    """Return the system, its release, the processor and the C library; the `platform` module would run programs for it."""
    system = os.uname()
    libc = os.confstr("CS_GNU_LIBC_VERSION") if "CS_GNU_LIBC_VERSION" in os.confstr_names else None
    return " ".join(filter(None, (system.sysname, system.release, system.machine, libc)))[:_MAX_TEXT]


def packages() -> dict[str, str]:
    """Return the versions of the installed packages by name; of two installations, the one that is imported."""
    found: dict[str, str] = {}
    for folder in sys.path:
        for name, version in _installed(folder or "."):
            found.setdefault(re.sub(r"[-_.]+", "-", name).lower()[:_MAX_TEXT], version[:_MAX_TEXT])
    return dict(sorted(found.items())[:MAX_PACKAGES])


def _installed(folder: str) -> Iterator[tuple[str, str]]:
    """Yield the packages in a folder of sys.path, by the names of their metadata."""
    try:
        names = sorted(os.listdir(folder)) if os.path.isdir(folder) else []
    except OSError:
        return
    for name in names:
        match = _INSTALLED.match(name)
        if match and name.isprintable():
            yield match["name"], match["version"].replace("_", "-")


def _gpus(torch: Any) -> Iterator[str]:
    """Yield the names of the GPUs: of those that torch uses already, else of those in the machine."""
    try:
        if torch is not None and torch.cuda.is_initialized():
            for number in range(min(torch.cuda.device_count(), _MAX_GPUS)):
                yield str(torch.cuda.get_device_name(number))[:_MAX_TEXT]
            return
    except Exception:  # noqa: BLE001 - a training must not end because of a driver's error
        return
    try:
        folders = sorted(os.listdir(NVIDIA / "gpus"))[:_MAX_GPUS]
    except OSError:
        return
    for folder in folders:
        match = _MODEL.search(_read(NVIDIA / "gpus" / folder / "information"))
        if match:
            yield match[1][:_MAX_TEXT]


def _driver() -> str | None:
    match = _DRIVER.search(_read(NVIDIA / "version"))
    return match[1] if match else None


def _read(path: Path) -> str:
    """Return the start of a small file; "" if it cannot be read."""
    try:
        with open(path, "rb") as file:
            return file.read(_MAX_BYTES).decode("utf-8", "replace")
    except OSError:
        return ""


def _text(module: Any, path: str) -> str | None:
    """Return an attribute of a loaded module as text; None if it has none."""
    for name in path.split("."):
        module = getattr(module, name, None)
    return str(module)[:_MAX_TEXT] if module is not None else None
