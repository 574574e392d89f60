"""The URL of a registered model of MLflow.

mlflow://mlflow.example.org/helmet           a server, by https; by http on this machine
mlflow+http://mlflow.lan:5000/helmet         a server, by http
mlflow+sqlite:///srv/mlflow/mlflow.db#helmet a database file
"""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from mvc import errors
from mvc.deferred import dataclass
from mvc.model import hosts
from mvc.model.hosts import Destination
from mvc.model.remote_kinds import MLFLOW
from mvc.registry.hubs.hub import HUBS

_SQLITE, _HTTP, _HTTPS = "mlflow+sqlite", "mlflow+http", "mlflow"
_PORTS = {"http": 80, "https": 443}
_MAX_NAME = 256


@dataclass(frozen=True, slots=True)
class Address:
    """A registered model: of the server at `server` (`https://mlflow.example.org`), or in the file `database`."""

    url: str
    model: str
    server: str = ""
    database: Path | None = None
    where: Destination | None = None


def parse(url: str) -> Address:
    """Return the model that a URL names. Raises BadHubUrl."""
    scheme = url.partition("://")[0]
    try:
        if scheme == _SQLITE:
            return _database(url)
        if scheme in {_HTTP, _HTTPS}:
            return _server(url, scheme)
        raise ValueError("it is not mlflow://, mlflow+http:// or mlflow+sqlite://")
    except ValueError as error:
        raise errors.BadHubUrl(url=url, reason=str(error), example=HUBS["mlflow"].example) from None


def _server(url: str, scheme: str) -> Address:
    parts = urlsplit(url)
    if "@" in parts.netloc or parts.query or parts.fragment or not parts.hostname or not url.isascii():
        raise ValueError("it is not HOST[:PORT]/MODEL")
    name = hosts.canonical(parts.hostname)
    prefix, _, model = parts.path.rpartition("/")
    if {".", ".."}.intersection(unquote(prefix).split("/")) or "\\" in url:
        raise ValueError("its path has special characters")
    protocol = "http" if scheme == _HTTP or hosts.is_loopback(name) else "https"
    port = parts.port or _PORTS[protocol]
    host = f"[{name}]" if ":" in name else name
    authority = host if port == _PORTS[protocol] else f"{host}:{port}"
    where = Destination(MLFLOW, name, port, protocol == "http")
    return Address(url, _model(model), f"{protocol}://{authority}{prefix.rstrip('/')}", None, where)


def _database(url: str) -> Address:
    path, separator, model = url.removeprefix(f"{_SQLITE}://").partition("#")
    if not separator or not path.startswith("/"):
        raise ValueError("it is not mlflow+sqlite:///PATH#MODEL")
    plain = unquote(path).lstrip("/")  # SQLAlchemy writes four slashes
    return Address(url, _model(model), database=Path(f"/{plain}"))


def _model(text: str) -> str:
    """Return the name of a model; raise ValueError for none that MLflow accepts."""
    name = unquote(text, errors="strict")
    if not name or len(name) > _MAX_NAME or not name.isprintable() or "/" in name or ":" in name:
        raise ValueError("it does not name a registered model")
    return name


def quoted(path: str) -> str:
    """Return a path of artifacts as a part of a URL."""
    return quote(path, safe="/")
