"""Errors: a docker image cannot be looked up at its image registry."""

from __future__ import annotations

from mvc.errors.base import Denied, OutOfReach, Refused, Usage


class BadImage(Usage):
    """Invalid image name {image!r}: {reason}.

    Write docker.image as acme/yolo or ghcr.io/acme/yolo, and docker.tag as 1.4.
    """


class NoImage(Usage):
    """{where} names no docker image.

    Set one with `mvc set docker.image=acme/yolo docker.tag=1.4`.
    """


class NoSuchImage(Usage):
    """{registry} has no image {image}.

    Check docker.image and docker.tag; if the image is private, run `docker login {registry}`.
    """


class NotPinned(Usage):
    """{version} has no digest of {image}, so a moved tag cannot be detected.

    Write the digest to model.toml with `mvc docker resolve`, then commit: the next version has it.
    """


class MissingDockerExtra(Usage):
    """Image registries need {library}, which is not installed.

    Install it with `pip install 'modelvc[docker]'`.
    """


class BadDockerConfig(Usage):
    """Cannot read {path}, docker's credentials file: {reason}.

    Fix the file, or set DOCKER_CONFIG to another folder.
    """


class ImageDenied(Denied):
    """{registry} denied access to {image}: {reason}.

    Log in with `docker login {registry}`; mvc uses docker's credentials.
    """


class RealmNotTrusted(Denied):
    """Nothing was sent: {registry} asks mvc to send your credentials for {image} to {host}, which you have not approved.

    If {host} is the token server of {registry}, approve it with `mvc config --global host.{host}.trust docker`, or in
    scripts with MVC_TRUSTED_HOSTS={host}.
    """


class HelperFailed(Denied):
    """The credential helper {helper} returned no credentials for {registry}: {reason}.

    Test the helper with `docker login {registry}`; {path} configures it.
    """


class ImageUnreachable(OutOfReach):
    """Cannot reach {registry}: {reason}.

    Nothing was changed; run the command again later.
    """

    after: float | None = None
    """The registry's Retry-After in seconds, if it sent one."""


class UntrustedImage(Refused):
    """Invalid answer from {registry} about {image}: {reason}.

    Nothing was recorded. Check the name of the image, and which server answers as that registry.
    """
