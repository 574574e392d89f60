"""Errors: a model registry or a hub cannot be used, or a version cannot be published or imported."""

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
    """Cannot push to or fetch from {name}: it is a registry.

    Instead of push, use `mvc publish --to {name}`; instead of fetch, `mvc import {url}/MODEL`.
    """


class BadRegistryUrl(Usage):
    """Invalid registry URL {url!r}: {reason}.

    Write picsellia://ORGANIZATION for a remote, picsellia://ORGANIZATION/MODEL or .../MODEL@VERSION for an import.
    """


class NoToken(Denied):
    """No token for {registry}: the environment variable {variable} is not set.

    Create a token in the settings of your profile on {registry}, and set {variable} to it; mvc does not store tokens.
    """


class RegistryDenied(Denied):
    """{registry} denied access: {reason}.

    mvc read the token from the environment variable {variable}; create a new token in the settings of your profile on
    {registry}.
    """


class RegistryUnreachable(OutOfReach):
    """Cannot reach {registry}: {reason}.

    Run the same command again; completed steps are not repeated.
    """

    after: float | None = None
    """The server's Retry-After in seconds, if it sent one."""


class RegistryUncertain(RegistryUnreachable):
    """{registry} did not confirm the creation of {what}: {reason}.

    Run the same command again; it first checks whether {what} was created.
    """


class RegistryConflict(RefRejected):
    """{registry} refused the request, because of an existing object: {what}.

    Nothing was overwritten. Rename or remove that object on the registry's web page, or use another name.
    """


class RegistryFault(MvcError):
    """Unexpected answer from {registry}: {reason}.

    Nothing was changed in this repository. Run the same command again; if it fails again, look at the page of the
    version on the registry.
    """


class RegistryLacks(RegistryFault):
    """Not found on {registry}: {reason}.

    Check the names of the organization, the model and the version; the token's owner must be a member.
    """


class NoConnector(Refused):
    """{registry} cannot store files: the organization has no default connector.

    Nothing was created there. Ask an administrator of the organization to set a default connector in its settings on
    the platform; then run the command again.
    """


class NotOnRegistry(Usage):
    """{registry} has no {what} (known: {known}).

    Names are case-sensitive; name a version by its number or its name.
    """


class NothingPublished(Usage):
    """Nothing to compare: no version of {model} is known to be on {registry}.

    Run `mvc publish` or `mvc import` first. If a colleague published or imported {model}, run `mvc fetch`.
    """


class Unimportable(Refused):
    """Cannot import {version}: {reason}.

    Correct {version} on its page on the registry, then run `mvc import` again.
    """


class PublicationChanged(RefRejected):
    """Version {name} on {registry} differs from the version of that name in this repository: {reason}.

    mvc does not change published versions. Rename or remove {name} on its page on the registry, then publish again.
    """


class CannotRename(RefRejected):
    """Cannot rename #{number} of {model} to {name} on {registry}: {reason}.

    The alias was not moved. Without --rename, `mvc alias set {name} --publish` sets the tag {name} there and renames nothing.
    """


class ImportChanged(RefRejected):
    """Version {version} was imported from {name} on {registry}, which was edited there since: {reason}.

    Run `mvc import` to get the present state of {name}; mvc does not change versions that were made on the registry.
    """


class NoContext(Refused):
    """Version {name} was not published, because it cannot have the context of its experiment: {reason}.

    Commit a version with the same values as the experiment, or publish without --require-context.
    """


class NeedsMemory(Refused):
    """{path} has {size} bytes, and {registry} takes it only in one piece, which must fit in memory.

    If this machine has enough memory, run `mvc publish` again with --allow-memory.
    """


class BadDataset(Usage):
    """{text!r} is not a dataset version: {reason}.

    Write --dataset ALIAS=DATASET@VERSION, such as --dataset train=traffic@12.
    """


class AmbiguousExperiment(Usage):
    """{count:experiment|experiments} are named {name!r}: {candidates}.

    Use one of these ids, or name the project with --project.
    """


class ExperimentDiffers(RefRejected):
    """Experiment {name} exists in project {project}, but {reason}.

    mvc does not change experiments that exist. Choose another name with --name, or look at {page}.
    """


class LaunchUncertain(OutOfReach):
    """It is not known whether the job of experiment {name} was started: {reason}.

    Look at {page}. If no job runs there, start it on that page; mvc does not start a second one.
    """


class LaunchElsewhere(Refused):
    """Experiment {name} was not created by this repository, so no job was started: somebody else may have started one.

    Look at {page}, and start the job there if none runs; or create another experiment with --name.
    """


class NoResult(Refused):
    """Experiment {name} has no result to import: {reason}.

    Store the files of the training with `experiment.store(ROLE, PATH)` of the Picsellia SDK, then import again.
    """


class BaseNotHere(Refused):
    """Experiment {name} began with a version that is not in this repository: {base}.

    Import that version first with `mvc import {url}`, then import the experiment again.
    """


class BaseOfOtherModel(Refused):
    """Experiment {name} began with {base}, which is a version of model {model}, not of {current}.

    Import it into that model: `mvc import --experiment {name:shell} --model {model:shell}`.
    """


class BaseNotAtTip(RefRejected):
    """Nothing was imported: branch {branch} is at {tip}, not at {base}, with which experiment {name} began.

    Import to a branch of its own with `mvc import --experiment {name:shell} --branch NAME`, then run `mvc merge NAME`.
    """


# --- hubs: Hugging Face, OCI registries, MLflow


class BadHubUrl(Usage):
    """Invalid URL {url!r}: {reason}.

    Write it as {example}.
    """


class MissingHubExtra(Usage):
    """URLs with {scheme}:// need {library}, which is not installed.

    Install it with `pip install 'modelvc[{extra}]'`.
    """


class HubNameTaken(RefRejected):
    """{name} on {hub} is at {place}, not at {version}.

    Nothing was changed. Choose another name, or move it with --force.
    """


class HubAhead(RefRejected):
    """{hub} has {newest}, a descendant of {version}; publishing {version} would take it back.

    Nothing was changed. Publish a newer version, or repeat the command with --force.
    """


class HubChanged(RefRejected):
    """{name} on {hub} is not the version of that name in this repository: {reason}.

    mvc does not change published versions. Remove {name} there, then publish again.
    """


class NotForHub(Refused):
    """Cannot publish {version} to {hub}: {reason}.

    Move that file with `mvc mv`, commit, and publish the new version.
    """


class HubDenied(Denied):
    """{hub} denied access: {reason}.

    {way}
    """


class HubLacks(Usage):
    """Not found on {hub}: {what}.

    {way}
    """


class BadCard(Usage):
    """Cannot update {path}: {reason}.

    Nothing was changed. Correct the file, or write the card to another one.
    """


class BadOciTag(Usage):
    """Invalid tag {tag!r}: {reason}.

    Write --tag as prod or 2026.1.
    """


class ManifestTooLarge(Refused):
    """Cannot publish {version}: its {files:file|files} need a manifest of more than {limit} MiB.

    Registries accept no larger one. Put the files of a folder into one archive, commit, and publish the new version.
    """


class BadLayout(Refused):
    """{path} is not an intact OCI image layout: {reason}.

    Nothing was imported. Make it again with `mvc export --oci` or `skopeo copy`.
    """
