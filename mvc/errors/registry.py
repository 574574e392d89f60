"""Model registries."""

from __future__ import annotations

from mvc.errors.base import Denied, MvcError, OutOfReach, RefRejected, Refused, Usage


class NoRegistry(Usage):
    """No registry selected (configured: {known}).

    Name one (`mvc publish --to NAME`, `mvc drift NAME`), or add one with `mvc remote add picsellia picsellia://ORGANIZATION`.
    """


class NotARegistry(Usage):
    """{name} is a remote store ({url}), not a registry.

    Add a registry with `mvc remote add picsellia picsellia://ORGANIZATION`.
    """


class IsRegistry(Usage):
    """{name} is a registry; it takes no push and no fetch.

    Use `mvc publish --to {name}` and `mvc import {url}/MODEL`.
    """


class BadRegistryUrl(Usage):
    """Invalid registry URL {url!r}: {reason}.

    Write picsellia://ORGANIZATION for a remote, picsellia://ORGANIZATION/MODEL or .../MODEL@VERSION for an import.
    """


class NoToken(Denied):
    """No token for {registry}: the environment variable {variable} is not set.

    Create a token on the platform, in your profile's settings, and set the variable; mvc does not store it.
    """


class RegistryDenied(Denied):
    """{registry} denied access: {reason}.

    The token is read from the environment variable {variable}; create a new one on the platform, in your profile's
    settings.
    """


class RegistryUnreachable(OutOfReach):
    """Cannot reach {registry}: {reason}.

    Run the same command again; completed steps are not repeated.
    """

    after: float | None = None
    """The server's Retry-After in seconds, if it sent one."""


class RegistryUncertain(RegistryUnreachable):
    """{registry} did not confirm the creation of {what}: {reason}.

    Run the same command again; it checks first whether that was created.
    """


class RegistryConflict(RefRejected):
    """{registry} already has {what}.

    Check its page; mvc does not change it.
    """


class RegistryFault(MvcError):
    """Unexpected answer from {registry}: {reason}.

    Nothing was changed here. Run the same command again; if it fails again, check the version's page.
    """


class RegistryLacks(RegistryFault):
    """Not found on {registry}: {reason}.

    Check the names of the organization, the model and the version; the token's owner must be a member.
    """


class NotOnRegistry(Usage):
    """{registry} has no {what} (known: {known}).

    Names are case-sensitive; name a version by its number or its name.
    """


class NothingPublished(Usage):
    """Nothing to compare: no version of {model} is recorded on {registry}.

    Run `mvc publish` or `mvc import` first, or get a colleague's records with `mvc fetch`.
    """


class Unimportable(Refused):
    """Cannot import {version}: {reason}.

    Fix that on its page, then import again.
    """


class PublicationChanged(RefRejected):
    """Version {name} on {registry} differs from the version of that name here: {reason}.

    mvc does not change it. Check its page, remove or rename it, then publish again.
    """


class NoContext(Refused):
    """Version {name} cannot be published with a context: {reason}.

    Nothing was published. Record the same values as the experiment has, or publish without --require-context.
    """


class RoleReserved(Refused):
    """Cannot publish version {version}: a file has the role {role}, which marks versions published by mvc.

    Give that file another role and commit; the older version cannot be published.
    """


class NeedsMemory(Refused):
    """{path} has {size} bytes, and {registry} takes it only in one piece, which must fit in memory.

    If there is enough memory, use --allow-memory.
    """
