"""A loader of the official SDK, on first use, without its output and its changes to the program's logging.

On import, it would configure the root logger for stdout and disable every existing logger; an environment variable prevents
that. Its log records are dropped while mvc uses it: the HTTP library below it logs signed addresses.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import threading
import warnings
from collections.abc import Iterator
from contextvars import ContextVar
from types import ModuleType

from mvc import lazy

_OWN_LOGGING = "PICSELLIA_SDK_CUSTOM_LOGGING"
_LOGGERS = ("picsellia", "urllib3.connectionpool", "urllib3.util.retry", "requests")
_quiet: ContextVar[bool] = ContextVar("quiet", default=False)
_loading = threading.Lock()
_quieted: set[str] = set()
"""The modules that were loaded here: others may import the SDK too."""


def load(name: str = "picsellia") -> ModuleType:
    """Return the SDK, or one of its modules. Raises ImportError if it is not installed."""
    loaded = sys.modules.get(name)
    if loaded is not None and name in _quieted:
        return loaded
    with _loading:
        return _load(name)


def _load(name: str) -> ModuleType:
    """Import a module of the SDK, and filter its loggers."""
    before = os.environ.get(_OWN_LOGGING)
    os.environ[_OWN_LOGGING] = "1"
    try:
        with warnings.catch_warnings():  # deprecations in its dependencies
            warnings.simplefilter("ignore")
            module = lazy.load(name)
    finally:
        if before is None:
            del os.environ[_OWN_LOGGING]
        else:
            os.environ[_OWN_LOGGING] = before
    for logger_name in _LOGGERS:
        logger = logging.getLogger(logger_name)
        if _keep_record not in logger.filters:
            logger.addFilter(_keep_record)
    _quieted.add(name)
    return module


@contextlib.contextmanager
def quietly() -> Iterator[None]:
    """Drop the log records of the SDK in this block, on this thread."""
    token = _quiet.set(True)
    try:
        yield
    finally:
        _quiet.reset(token)


def _keep_record(_: logging.LogRecord) -> bool:
    return not _quiet.get()
