"""The official SDK, loaded when first used, and kept from printing and from taking over the program's logging.

By itself, on import, it sets up the root logger to write to stdout and switches off every logger that there is; an
environment variable tells it not to. What it logs while mvc uses it is dropped: its texts are for terminals, and those of the
HTTP library below it have addresses in them that give access.
"""

from __future__ import annotations

import contextlib
import logging
import os
import warnings
from collections.abc import Iterator
from contextvars import ContextVar
from types import ModuleType

from mvc import lazy

_OWN_LOGGING = "PICSELLIA_SDK_CUSTOM_LOGGING"
_LOGGERS = ("picsellia", "urllib3.connectionpool", "urllib3.util.retry", "requests")
_quiet: ContextVar[bool] = ContextVar("quiet", default=False)


def load(name: str = "picsellia") -> ModuleType:
    """The SDK, or one of its modules; raises ImportError when it is not installed."""
    before = os.environ.get(_OWN_LOGGING)
    os.environ[_OWN_LOGGING] = "1"
    try:
        with warnings.catch_warnings():  # what libraries below it tell each other
            warnings.simplefilter("ignore")
            module = lazy.load(name)
    finally:
        if before is None:
            del os.environ[_OWN_LOGGING]
        else:
            os.environ[_OWN_LOGGING] = before
    for each in _LOGGERS:
        logger = logging.getLogger(each)
        if _unheard not in logger.filters:
            logger.addFilter(_unheard)
    return module


@contextlib.contextmanager
def quietly() -> Iterator[None]:
    """Have nothing that is logged from here, by this thread, be heard."""
    token = _quiet.set(True)
    try:
        yield
    finally:
        _quiet.reset(token)


def _unheard(_: logging.LogRecord) -> bool:
    return not _quiet.get()
