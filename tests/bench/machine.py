"""What the figures were measured on."""

from __future__ import annotations

import os
import platform
import subprocess
from pathlib import Path


def describe(place: Path) -> str:
    """Processor, cores, memory, system, Python, the filesystem of `place`, and how busy the machine is, in one line."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    parts = [_processor(), f"{os.cpu_count()} cores", f"{memory:.0f} GiB", f"{platform.system()} {platform.release()}"]
    parts += [f"Python {platform.python_version()}", _filesystem(place), f"load average {os.getloadavg()[0]:.1f}"]
    return ", ".join(parts)


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _filesystem(place: Path) -> str:
    asked = ["df", "--output=fstype", str(place)]
    done = subprocess.run(asked, capture_output=True, text=True, check=False)
    return (done.stdout.split() or ["unknown filesystem"])[-1]
