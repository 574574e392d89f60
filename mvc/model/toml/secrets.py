"""Secrets: patterns of tokens, keys and passwords, which a version would keep for ever.

The patterns are those that issuers document for scanners. A value under a key such as `api_token` counts as a secret if
it looks random: at least 3 bits of entropy per character (Shannon, 1948) over at least 16 characters.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from mvc.deferred import dataclass
from mvc.model.manifest import Manifest
from mvc.model.toml.schema import Path, dotted


def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![A-Za-z0-9_-])(?:{text})")


PATTERNS = {
    "AWS access key": _pattern(r"(?:AKIA|ASIA)[0-9A-Z]{16}(?![0-9A-Z])"),
    "GitHub token": _pattern(r"gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{22,}"),
    "GitLab token": _pattern(r"gl(?:pat|dt|rt|cbt|ptt)-[A-Za-z0-9_-]{20,}"),
    "Slack token": _pattern(r"xox[abeoprs]-[A-Za-z0-9-]{10,}|xapp-[A-Za-z0-9-]{10,}"),
    "Slack webhook": re.compile(r"hooks\.slack\.com/services/[A-Za-z0-9/]{20,}"),
    "Hugging Face token": _pattern(r"hf_[A-Za-z0-9]{30,}"),
    "OpenAI or Anthropic key": _pattern(r"sk-(?=[A-Za-z_-]*[0-9])[A-Za-z0-9_-]{32,}"),
    "Google key": _pattern(r"AIza[0-9A-Za-z_-]{35}|ya29\.[0-9A-Za-z_-]{20,}"),
    "Stripe key": _pattern(r"[sr]k_live_[0-9A-Za-z]{20,}"),
    "npm token": _pattern(r"npm_[A-Za-z0-9]{36}"),
    "PyPI token": _pattern(r"pypi-[A-Za-z0-9_-]{50,}"),
    "Docker token": _pattern(r"dckr_pat_[A-Za-z0-9_-]{20,}"),
    "Azure key": re.compile(r"AccountKey=[A-Za-z0-9+/]{40,}={0,2}"),
    "JSON web token": _pattern(r"eyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}"),
    "private key": re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY(?: BLOCK)?-----"),
    "password in a URL": re.compile(r"(?<=://)[^\s/?#:@]*:[^\s/?#]+(?=@)"),
    "token in a URL": re.compile(
        r"(?<=[?&])(?:access_?token|auth_?token|token|api_?key|key|sig|signature|x-amz-signature|password|secret)"
        r"=[^\s&#]{8,}",
        re.IGNORECASE,
    ),
}
"""The kinds of secrets and their patterns."""

_WORDS = r"tokens?|secrets?|passwords?|passwd|pwd|api[_-]?keys?|access[_-]?keys?|private[_-]?keys?|credentials?|auth"
_SECRET_KEY = re.compile(rf"(?:^|[_.-])(?:{_WORDS})(?:$|[_.-])", re.IGNORECASE)
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_ASSIGNED = re.compile(r"([A-Za-z_][A-Za-z0-9_-]{2,63})=(\S+)")
_RANDOM = re.compile(r"(?=.*[0-9])[A-Za-z0-9+/=_.~-]{16,}\Z")
_ENTROPY = 3.0
_UNMASKED = 4
_SECTIONS = ("model", "parameters", "docker", "source", "intent", "ext")
_URL = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*://)(?P<authority>[^/?#]*)(?P<path>[^?#]*)")
_USERINFO = re.compile(r"://[^/\s?#@]*:[^/\s?#]*@")
_SIGNED = re.compile(r"(\b[a-z][a-z0-9+.-]*://[^\s?'\"<>]+)\?[^\s'\"<>]+")
_SCP = re.compile(r"[^/:@]+@(?P<rest>[^/:]+:.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Finding:
    """A likely secret: its key, kind and first characters."""

    key: str
    kind: str
    masked: str


def find(manifest: Manifest, message: str = "") -> tuple[Finding, ...]:
    """Find likely secrets in a manifest and a commit message, at most one for each value."""
    return (*in_value(message, ("message",)), *(
        finding for section in _SECTIONS for finding in in_value(getattr(manifest, section), (section,))
    ))  # fmt: skip


def in_value(value: Any, key: Path) -> tuple[Finding, ...]:
    """Find likely secrets in the value of a key, at most one for each text in it."""
    secrets = ((dotted_key, _secret(dotted_key, text)) for dotted_key, text in _texts(value, key))
    return tuple(Finding(name, kind, _mask(text)) for name, secret in secrets if secret for kind, text in [secret])


def redact(text: str) -> str:
    """Remove likely secrets from `text`: users and queries of URLs, and known tokens."""
    text = _SIGNED.sub(r"\1?...", _USERINFO.sub("://", text))
    for pattern in PATTERNS.values():
        text = pattern.sub("...", text)
    return text


def strip_userinfo(url: str) -> str:
    """Remove user, password, query and fragment of a URL: `https://u:p@host/x?t=1` becomes `https://host/x`.

    Git's short form loses its user too: `git@host:x` becomes `host:x`.
    """
    match = _URL.match(url)
    if match:
        return match["scheme"] + match["authority"].rpartition("@")[2] + match["path"]
    short = _SCP.fullmatch(url)
    return short["rest"] if short else url


def _texts(value: Any, key: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Yield every text in a value, with its dotted key."""
    if isinstance(value, str):
        yield dotted(key), value
    elif isinstance(value, Mapping):
        for name, item in value.items():
            yield from _texts(item, (*key, name))
    elif isinstance(value, list | tuple):
        for number, item in enumerate(value):
            yield from _texts(item, (*key, str(number)))


def _secret(key: str, text: str) -> tuple[str, str] | None:
    """Return the kind of secret in `text`, and the secret."""
    for kind, pattern in PATTERNS.items():
        match = pattern.search(text)
        if match:
            return kind, match[0]
    for name, value in [(key, text), *_ASSIGNED.findall(text)]:
        if _SECRET_KEY.search(_CAMEL.sub("_", name)) and _looks_random(value.strip("\"'")):
            return "random value under a key for secrets", value
    return None


def _looks_random(text: str) -> bool:
    if not _RANDOM.match(text):
        return False
    counts = Counter(text).values()
    return -sum(n / len(text) * math.log2(n / len(text)) for n in counts) >= _ENTROPY


def _mask(secret: str) -> str:
    return f"{secret[:_UNMASKED]}... ({len(secret)} characters)"
