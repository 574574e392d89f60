"""How S3 judges a request by a bucket's policy, which moto does not do: it takes a condition for one that is not met, and
then refuses every name, and it does not know who asks.

Source: "Policy evaluation logic" and "IAM JSON policy elements", AWS. Only what our policies use is known; anything else is
an error. What a user's own policies allow, moto judges by itself.
"""

from __future__ import annotations

import fnmatch
import json
import re
from collections.abc import Callable, Mapping
from typing import Any

import flask
from moto.iam.access_control import PermissionResult, create_access_key
from moto.s3.models import FakeBucket

_ACCOUNT = "123456789012"
"""The account that moto has."""
_SESSION = re.compile(r"arn:(aws[a-z-]*):sts::(\d+):assumed-role/([^/]+)/.*\Z")
_CREDENTIAL = re.compile(r"Credential=([^/]+)/")


def install() -> None:
    """Have every bucket judge by its policy so."""
    FakeBucket.get_permission = _permission  # type: ignore[method-assign, assignment]


def _permission(bucket: FakeBucket, action: str, resource: str) -> Any:
    if bucket.policy is None:
        return PermissionResult.NEUTRAL
    context, action, result = _context(), _action(action), PermissionResult.NEUTRAL
    for statement in json.loads(bucket.policy)["Statement"]:
        if not _applies(statement, action, resource, context):
            continue
        if statement["Effect"] == "Deny":
            return PermissionResult.DENIED
        result = PermissionResult.PERMITTED
    return result


def _action(action: str) -> str:
    """The action that S3 takes a request for, which moto calls after its method."""
    asked = flask.request.args
    if action == "s3:DeleteObject" and "versionId" in asked:
        return "s3:DeleteObjectVersion"
    if action == "s3:PutObject" and ("acl" in asked or "tagging" in asked):
        return "s3:PutObjectAcl" if "acl" in asked else "s3:PutObjectTagging"
    return {"s3:HeadObject": "s3:GetObject", "s3:PostObject": "s3:PutObject"}.get(action, action)


def _context() -> dict[str, str]:
    """The condition keys of this request; those that are absent are not there."""
    headers, found = dict(flask.request.headers), dict[str, str]()
    credential = _CREDENTIAL.search(headers.get("Authorization", ""))
    if credential is not None:
        who = create_access_key(_ACCOUNT, "aws", credential[1], headers)
        found["aws:PrincipalArn"] = _SESSION.sub(r"arn:\1:iam::\2:role/\3", who.arn)
    if "If-None-Match" in headers:
        found["s3:if-none-match"] = headers["If-None-Match"]
    return found


def _applies(statement: Mapping[str, Any], action: str, resource: str, context: Mapping[str, str]) -> bool:
    assert set(statement) <= {"Sid", "Effect", "Principal", "Action", "Resource", "Condition"}, statement
    assert statement["Principal"] == "*"
    return (
        any(_like(pattern, action) for pattern in _list(statement["Action"]))
        and any(_like(pattern, resource) for pattern in _list(statement["Resource"]))
        and all(
            _CONDITIONS[operator](context.get(key), _list(values))
            for operator, keys in statement.get("Condition", {}).items()
            for key, values in keys.items()
        )
    )


def _arn_not_like(value: str | None, patterns: list[str]) -> bool:
    """Six parts, each compared by itself; true of a key that is absent, as of every operator that negates."""
    return value is None or not any(
        all(_like(*parts) for parts in zip(pattern.split(":", 5), value.split(":", 5), strict=True))
        for pattern in patterns
    )


def _null(value: str | None, wanted: list[str]) -> bool:
    return wanted == ["true" if value is None else "false"]


_CONDITIONS: dict[str, Callable[[str | None, list[str]], bool]] = {"ArnNotLike": _arn_not_like, "Null": _null}


def _like(pattern: str, text: str) -> bool:
    """Whether `*` and `?`, which `${*}` and `${?}` write as themselves, match."""
    parts = re.split(r"(\$\{[*?$]\}|[*?])", pattern)
    signs = {"*": "*", "?": "?"}
    translated = "".join(signs.get(part) or _literal(re.sub(r"\A\$\{(.)\}\Z", r"\1", part)) for part in parts)
    return fnmatch.fnmatchcase(text, translated)


def _literal(text: str) -> str:
    return re.sub(r"([*?[])", r"[\1]", text)


def _list(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value]
