"""Authorization at a registry: the header that answers a 401, from a login or from a token exchanged for it.

    401 Basic   →  Basic user:password
    401 Bearer  →  ask `realm` for a token: with user and password, with an identity token, or anonymously  →  Bearer token

The requested scope is this one repository with the actions that are needed, whatever the registry suggests, so the token
allows nothing else. To copy a blob from another repository there, a token also allows to pull from that one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from urllib.parse import urlencode, urlsplit

from mvc import errors
from mvc.deferred import dataclass
from mvc.images import challenge, realms
from mvc.images.credentials import Credentials, Login
from mvc.images.transport import Request, Response, Transport
from mvc.model.hosts import Approvals
from mvc.model.image import Image

MAX_TOKEN = 1 << 20
"""The largest response of a token server, in bytes."""
PULL, PUSH = "pull", "pull,push"
"""The actions of a scope: to read, and to read and write."""
_CLIENT = "mvc"
_WORD = re.compile(r"[\x21-\x7e]{1,65536}\Z")
_REFUSED = {401, 403}


@dataclass(frozen=True)
class Authorizer:
    """Answers to the 401 of the registry of `image`: docker's login, sent only to approved hosts."""

    transport: Transport
    credentials: Credentials
    image: Image
    approvals: Approvals

    def header(self, refusal: Response, scopes: Sequence[str] = ()) -> str:
        """Return the value of the Authorization header; a token is for `scopes`, by default to pull the image.

        Raises ImageDenied, RealmNotTrusted, UntrustedImage, ImageUnreachable, BadDockerConfig.
        """
        image = self.image
        schemes = challenge.parse(refusal.headers.get("www-authenticate", ""))
        try:
            login, trouble = self.credentials.login(image.registry), ""
        except errors.HelperFailed as error:  # a public image needs no login
            login, trouble = None, f" ({error.fields['helper']} gave no login: {error.fields['reason']})"
        if "bearer" in schemes:
            if login is not None and login.registry_token:
                return _bearer(login.registry_token, image)
            if login is not None:
                realms.check(image, schemes["bearer"].get("realm", ""), self.approvals)
            response = self._ask(schemes["bearer"], login, scopes or (scope(image.repository, PULL),))
            return _bearer(_token(image, response, login, trouble), image)
        if "basic" not in schemes:
            raise untrusted(image, "it requires a login that is neither Basic nor Bearer")
        if login is None or login.basic is None:
            raise denied(image, f"it requires a login, and docker has none{trouble}")
        return login.basic

    def _ask(self, bearer: Mapping[str, str], login: Login | None, scopes: Sequence[str]) -> Response:
        """Ask the token server that the registry names for a token."""
        realm = bearer.get("realm", "")
        parameters = {"service": bearer["service"]} if bearer.get("service") else {}
        if login is not None and login.identity_token:
            grant = {"grant_type": "refresh_token", "client_id": _CLIENT, "refresh_token": login.identity_token}
            # One parameter, as OAuth 2 has it; the query below repeats it, as docker's servers expect.
            form = {**parameters, "scope": " ".join(scopes), **grant}
            return self.transport.send(Request("POST", realm, MAX_TOKEN, form=form))
        basic = login.basic if login is not None else None
        query = [*parameters.items(), *(("scope", scope_) for scope_ in scopes)]
        return self.transport.send(Request("GET", _with_query(realm, query), MAX_TOKEN, authorization=basic))


def scope(repository: str, actions: str) -> str:
    """Return the scope of a token: `repository:team/helmet:pull,push`."""
    return f"repository:{repository}:{actions}"


def _token(image: Image, response: Response, login: Login | None, trouble: str) -> str:
    """Return the token in the response of a token server."""
    if response.status in _REFUSED or (response.status == 400 and login is not None):
        raise denied(image, "it rejects the login of docker" if login else f"it requires a login{trouble}")
    if response.status == 429 or response.status >= 500:
        raise unreachable(image, f"its token server answers {response.status}")
    if response.status != 200:
        raise untrusted(image, f"its token server answers {response.status}")
    return _parse_token(response.body, image)


def _with_query(realm: str, parameters: Sequence[tuple[str, str]]) -> str:
    """Append parameters to a URL; an invalid URL is left to the transport, which refuses it."""
    try:
        joint = "&" if urlsplit(realm).query else "?"
    except ValueError:
        return realm
    return f"{realm}{joint}{urlencode(parameters)}"


def _parse_token(body: bytes, image: Image) -> str:
    try:
        document = json.loads(body)
        token = document.get("token") or document.get("access_token")
    except (ValueError, RecursionError, AttributeError):
        token = None
    if not isinstance(token, str):
        raise untrusted(image, "its token server sent no token")
    return token


def _bearer(token: str, image: Image) -> str:
    if not _WORD.match(token):
        raise untrusted(image, "its token is not valid in a header")
    return f"Bearer {token}"


def denied(image: Image, reason: str) -> errors.ImageDenied:
    """Return the error that the registry denies access, for `reason`."""
    return errors.ImageDenied(registry=image.registry, image=image, reason=reason)


def untrusted(image: Image, reason: str) -> errors.UntrustedImage:
    """Return the error that the registry's response is invalid."""
    return errors.UntrustedImage(registry=image.registry, image=image, reason=reason)


def unreachable(image: Image, reason: str) -> errors.ImageUnreachable:
    """Return the error that the registry cannot be reached."""
    return errors.ImageUnreachable(registry=image.registry, reason=reason)
