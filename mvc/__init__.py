"""Git for model versions: immutable, comparable, shareable snapshots of computer-vision models.

    import mvc
    repository = mvc.open(".")
    for entry in repository.log():
        print(entry.version.number, entry.version.message)

Everything here is loaded when it is first used.
"""

from __future__ import annotations

__version__ = "0.1.0"
