"""The Picsellia container of this process, read from the variables that the platform sets in it.

    api_token                               with one of the next two: a container
    experiment_id                           a training: the experiment that it runs
    job_id                                  a processing job
    host                                    its platform, if not the default one
    organization_id, organization_name      its organization, the id first; without either, the token owner's own

Picsellia's own images read these variables: PicselliaContext of github.com/picselliahq/picsellia-cv-engine reads the first
and the last three, its training and processing contexts experiment_id and job_id. The token goes to this platform only, and
is stored nowhere.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import field

from mvc import errors
from mvc.deferred import dataclass
from mvc.remotes.backends import destination
from mvc.remotes.backends.registry_address import HOST, PREFIX

TOKEN = "api_token"  # noqa: S105 - the name of a variable
EXPERIMENT, JOB = "experiment_id", "job_id"


@dataclass(frozen=True, slots=True)
class Container:
    """A platform, an organization and their token; `experiment` or `job` is the id of what runs.

    `organization` is an id, a name, or empty for the token owner's own.
    """

    host: str
    organization: str
    token: str = field(repr=False)
    experiment: str | None = None
    job: str | None = None

    @property
    def url(self) -> str:
        """The address of its organization, by which it can be named in place of a remote."""
        return f"{PREFIX}{self.organization}"

    def is_at(self, host: str) -> bool:
        """Return whether the container's platform is the one at `host`, whose token may go there."""
        with contextlib.suppress(errors.BadSetting):
            return destination.of_registry(self.host) == destination.of_registry(host)
        return False


def from_environment(environ: Mapping[str, str]) -> Container | None:
    """Return the container that these variables describe; None for none."""
    token, experiment, job = (environ.get(name, "").strip() for name in (TOKEN, EXPERIMENT, JOB))
    if not token or not (experiment or job):
        return None
    organization = environ.get("organization_id", "").strip() or environ.get("organization_name", "").strip()
    host = environ.get("host", "").strip() or HOST
    return Container(host, organization, token, experiment or None, job or None)
