"""Known shapes of tokens, keys and passwords in what a version would keep for ever.

The shapes are those that their issuers document, so that scanners find them. A value under a key such as `api_token` is
taken for a secret when it looks random: at least 3 bits of entropy a letter (Shannon, 1948) over 16 letters or more.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from mvc.model.manifest import Manifest
from mvc.model.toml.schema import dotted


def _shape(text: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![A-Za-z0-9_-])(?:{text})")


SHAPES = {
    "AWS access key": _shape(r"(?:AKIA|ASIA)[0-9A-Z]{16}(?![0-9A-Z])"),
    "GitHub token": _shape(r"gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{22,}"),
    "GitLab token": _shape(r"gl(?:pat|dt|rt|cbt|ptt)-[A-Za-z0-9_-]{20,}"),
    "Slack token": _shape(r"xox[abeoprs]-[A-Za-z0-9-]{10,}|xapp-[A-Za-z0-9-]{10,}"),
    "Slack webhook": re.compile(r"hooks\.slack\.com/services/[A-Za-z0-9/]{20,}"),
    "Hugging Face token": _shape(r"hf_[A-Za-z0-9]{30,}"),
    "OpenAI or Anthropic key": _shape(r"sk-(?=[A-Za-z_-]*[0-9])[A-Za-z0-9_-]{32,}"),
    "Google key": _shape(r"AIza[0-9A-Za-z_-]{35}|ya29\.[0-9A-Za-z_-]{20,}"),
    "Stripe key": _shape(r"[sr]k_live_[0-9A-Za-z]{20,}"),
    "npm token": _shape(r"npm_[A-Za-z0-9]{36}"),
    "PyPI token": _shape(r"pypi-[A-Za-z0-9_-]{50,}"),
    "Docker token": _shape(r"dckr_pat_[A-Za-z0-9_-]{20,}"),
    "Azure key": re.compile(r"AccountKey=[A-Za-z0-9+/]{40,}={0,2}"),
    "JSON web token": _shape(r"eyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}"),
    "private key": re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY(?: BLOCK)?-----"),
    "password in an address": re.compile(r"(?<=://)[^\s/?#:@]*:[^\s/?#]+(?=@)"),
    "token in an address": re.compile(
        r"(?<=[?&])(?:access_?token|auth_?token|token|api_?key|key|sig|signature|x-amz-signature|password|secret)"
        r"=[^\s&#]{8,}",
        re.IGNORECASE,
    ),
}
"""What each secret is called, and how it is recognised."""

_WORDS = r"tokens?|secrets?|passwords?|passwd|pwd|api[_-]?keys?|access[_-]?keys?|private[_-]?keys?|credentials?|auth"
_TELLING = re.compile(rf"(?:^|[_.-])(?:{_WORDS})(?:$|[_.-])", re.IGNORECASE)
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_ASSIGNED = re.compile(r"([A-Za-z_][A-Za-z0-9_-]{2,63})=(\S+)")
_RANDOM = re.compile(r"(?=.*[0-9])[A-Za-z0-9+/=_.~-]{16,}\Z")
_ENTROPY = 3.0
_SHOWN = 4
_SECTIONS = ("model", "parameters", "docker", "source", "intent", "ext")
_URL = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*://)(?P<authority>[^/?#]*)(?P<path>[^?#]*)")
_USERINFO = re.compile(r"://[^/\s?#@]*:[^/\s?#]*@")
_SIGNED = re.compile(r"(\b[a-z][a-z0-9+.-]*://[^\s?'\"<>]+)\?[^\s'\"<>]+")
_SCP = re.compile(r"[^/:@]+@(?P<rest>[^/:]+:.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Finding:
    """What looks like a secret: where, of what kind, and its first letters."""

    key: str
    kind: str
    masked: str

    def to_json(self) -> dict[str, str]:
        """For machines."""
        return asdict(self)


def find(manifest: Manifest, message: str = "") -> tuple[Finding, ...]:
    """Everything in a manifest and a commit message that looks like a secret, each place once."""
    texts = [("message", message)]
    for section in _SECTIONS:
        texts += _texts(getattr(manifest, section), (section,))
    found = ((key, _kind(key, text)) for key, text in texts)
    return tuple(Finding(key, kind, _mask(secret)) for key, hit in found if hit for kind, secret in [hit])


def redact(text: str) -> str:
    """`text` with what may be a secret left out: users and queries of addresses, and what has the shape of a token."""
    text = _SIGNED.sub(r"\1?...", _USERINFO.sub("://", text))
    for shape in SHAPES.values():
        text = shape.sub("...", text)
    return text


def strip_userinfo(url: str) -> str:
    """An address without user, password, query and fragment: `https://u:p@host/x?t=1` becomes `https://host/x`.

    Git's short form loses its user too: `git@host:x` becomes `host:x`.
    """
    match = _URL.match(url)
    if match:
        return match["scheme"] + match["authority"].rpartition("@")[2] + match["path"]
    short = _SCP.fullmatch(url)
    return short["rest"] if short else url


def _texts(value: Any, key: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Every text in a value, with its dotted key."""
    if isinstance(value, str):
        yield dotted(key), value
    elif isinstance(value, Mapping):
        for name, item in value.items():
            yield from _texts(item, (*key, name))
    elif isinstance(value, list | tuple):
        for number, item in enumerate(value):
            yield from _texts(item, (*key, str(number)))


def _kind(key: str, text: str) -> tuple[str, str] | None:
    """The kind of secret in `text`, and the secret."""
    for kind, shape in SHAPES.items():
        match = shape.search(text)
        if match:
            return kind, match[0]
    for name, value in [(key, text), *_ASSIGNED.findall(text)]:
        if _TELLING.search(_CAMEL.sub("_", name)) and _looks_random(value.strip("\"'")):
            return "random value under a telling name", value
    return None


def _looks_random(text: str) -> bool:
    if not _RANDOM.match(text):
        return False
    counts = Counter(text).values()
    return -sum(n / len(text) * math.log2(n / len(text)) for n in counts) >= _ENTROPY


def _mask(secret: str) -> str:
    return f"{secret[:_SHOWN]}... ({len(secret)} letters)"
