"""From a 401 to the header that a registry takes: a login as it is, or a token that a login is traded for.

    401 Basic   →  Basic user:password
    401 Bearer  →  ask `realm` for a token, with user and password, with an identity token, or as nobody  →  Bearer token

The scope asked for is always to read this one repository, whatever the registry would like: a token of ours can do no more.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from urllib.parse import urlencode, urlsplit

from mvc import errors
from mvc.images import challenge, realms
from mvc.images.credentials import Credentials, Login
from mvc.images.transport import Answer, Ask, Transport
from mvc.model.hosts import Approvals
from mvc.model.image import Image

MAX_TOKEN = 1 << 20
"""The largest answer of who hands out tokens, in bytes."""
_CLIENT = "mvc"
_WORD = re.compile(r"[\x21-\x7e]{1,65536}\Z")
_REFUSED = {401, 403}


def authorize(
    transport: Transport, credentials: Credentials, image: Image, refusal: Answer, approvals: Approvals
) -> str:
    """The value of the header Authorization.

    Raises ImageDenied, RealmNotTrusted, UntrustedImage, ImageUnreachable, BadDockerConfig.
    """
    wanted = challenge.parse(refusal.headers.get("www-authenticate", ""))
    try:
        login, trouble = credentials.login(image.registry), ""
    except errors.HelperFailed as error:  # whatever anybody may read can be read all the same
        login, trouble = None, f" ({error.fields['helper']} gave no login: {error.fields['reason']})"
    if "bearer" in wanted:
        if login is not None and login.registry_token:
            return _bearer(login.registry_token, image)
        if login is not None:
            realms.check(image, wanted["bearer"].get("realm", ""), approvals)
        return _bearer(_token(transport, image, wanted["bearer"], login, trouble), image)
    if "basic" not in wanted:
        raise untrusted(image, "it asks for a login of a kind that is neither Basic nor Bearer")
    if login is None or login.basic is None:
        raise denied(image, f"it asks for a login, and docker has none{trouble}")
    return login.basic


def _token(transport: Transport, image: Image, wanted: Mapping[str, str], login: Login | None, trouble: str) -> str:
    """A token to read the repository, from the address that the registry names."""
    realm = wanted.get("realm", "")
    given = {"service": wanted["service"]} if wanted.get("service") else {}
    given["scope"] = f"repository:{image.repository}:pull"
    if login is not None and login.identity_token:
        form = {**given, "grant_type": "refresh_token", "client_id": _CLIENT, "refresh_token": login.identity_token}
        ask = Ask("POST", realm, MAX_TOKEN, form=form)
    else:
        basic = login.basic if login is not None else None
        ask = Ask("GET", _with_query(realm, given), MAX_TOKEN, authorization=basic)
    answer = transport.send(ask)
    if answer.status in _REFUSED or (answer.status == 400 and login is not None):
        raise denied(image, "it refuses the login that docker has" if login else f"it asks for a login{trouble}")
    if answer.status == 429 or answer.status >= 500:
        raise unreachable(image, f"who hands out its tokens answers {answer.status}")
    if answer.status != 200:
        raise untrusted(image, f"who hands out its tokens answers {answer.status}")
    return _read(answer.body, image)


def _with_query(realm: str, given: Mapping[str, str]) -> str:
    """An address with these parameters after its own; one that is none is left to the transport, which says so."""
    try:
        joint = "&" if urlsplit(realm).query else "?"
    except ValueError:
        return realm
    return f"{realm}{joint}{urlencode(given)}"


def _read(body: bytes, image: Image) -> str:
    try:
        found = json.loads(body)
        token = found.get("token") or found.get("access_token")
    except (ValueError, RecursionError, AttributeError):
        token = None
    if not isinstance(token, str):
        raise untrusted(image, "who hands out its tokens answers without one")
    return token


def _bearer(token: str, image: Image) -> str:
    if not _WORD.match(token):
        raise untrusted(image, "its token is none that can be sent")
    return f"Bearer {token}"


def denied(image: Image, reason: str) -> errors.ImageDenied:
    """The registry says no, for `reason`."""
    return errors.ImageDenied(registry=image.registry, image=image, reason=reason)


def untrusted(image: Image, reason: str) -> errors.UntrustedImage:
    """The registry answers what cannot be."""
    return errors.UntrustedImage(registry=image.registry, image=image, reason=reason)


def unreachable(image: Image, reason: str) -> errors.ImageUnreachable:
    """The registry does not answer."""
    return errors.ImageUnreachable(registry=image.registry, reason=reason)
