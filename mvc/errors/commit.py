"""Errors: a commit, a recording or a note was refused: nothing to commit, an invalid message; the command of `mvc run`."""

from __future__ import annotations

from mvc.errors.base import Answer, Damaged, MvcError, OutOfReach, RefRejected, Refused, Usage


class Detached(RefRejected):
    """HEAD of {model} is detached at {version}, and this command needs a branch.

    Create a branch at {version} first: `mvc switch -c NAME`.
    """


class NothingToCommit(Answer):
    """Nothing to commit: {model} is unchanged since {version}.

    Change a tracked file or model.toml, or use --allow-empty.
    """


class NothingToAmend(Usage):
    """Nothing to amend: {model} has no version yet.

    Commit without --amend.
    """


class AmendHeld(RefRejected):
    """Cannot amend {version}: {holders} would still point to it.

    Commit a new version instead; or delete the alias or tag (`mvc alias rm NAME`, `mvc tag -d NAME`), amend, and create
    it again.
    """


class EmptyMessage(Usage):
    """The message is empty.

    Give one with -m "what changed".
    """


class BadMessage(Usage):
    """Invalid message: {reason}.

    Give another one with -m or -F.
    """


class SecretFound(Refused):
    """Nothing was committed, because this looks like a secret: {findings}.

    Remove the secret first, since a committed version never changes; if it is not a secret, commit with
    --allow-secret.
    """


class BadNote(Usage):
    """Invalid note: {reason}.

    Add a text, values or both: `mvc notes add REV "bad in rain" incident=4711`.
    """


class NoSuchNote(Usage):
    """{version} has no note {number}.

    List its notes with `mvc notes show {id}`.
    """


class SecretInNote(SecretFound):
    """The note was not added, because this looks like a secret: {findings}.

    Remove the secret first, since notes stay in the history and are shared; if it is not a secret, add the note with
    --allow-secret.
    """


class BadEvaluation(Usage):
    """Invalid evaluation: {reason}.

    Name a version of the dataset, and files with results: `mvc eval add REV --dataset NAME@VERSION --file results.json`.
    """


class BadResults(Usage):
    """Cannot read results from {where}: {reason}.

    {fix}
    """


class UnknownClasses(Usage):
    """{where} has classes that {version} does not have: {classes}.

    {suggestion} Record them nevertheless with --allow-unknown.
    """


class NoSuchEvaluation(Usage):
    """There is no evaluation {name} of {version}.

    {known}
    """


class SecretInEvaluation(SecretFound):
    """The evaluation was not added, because this looks like a secret: {findings}.

    Remove the secret first, since evaluations stay in the history and are shared; if it is not a secret, add the evaluation
    with --allow-secret.
    """


class UnknownUse(Usage):
    """Unknown use {use!r}. Known uses: {known}.

    Define your own uses with `[[intent.require]]` in model.toml.
    """


class ScanRefused(Refused):
    """Nothing was stored, because of what a loader of these files would do: {listed}

    `{command}` says more. Do not load them. If you know where they are from, repeat the command with --allow-unsafe;
    better, save the weights as safetensors.
    """


class StaleMetrics(Refused):
    """Commit refused, because metrics.stale is refuse: the metrics are {reason}.

    Set the new values with `mvc set metrics.NAME=VALUE`, remove the old ones with `mvc unset metrics`, or keep them with
    `mvc commit --keep-metrics`.
    """


class BadRecordRequest(Usage):
    """{path} is not a valid record request: {reason}.

    Record the files by name instead: `mvc record -m MESSAGE --file ROLE=PATH`.
    """


class FileReplaced(Refused):
    """{path} ({role}) has changed since the training that is to be recorded.

    The metrics are those of the file as it was. Record it as it is now only if it is right for them, such as a copy of that
    file: repeat the command with `--allow-changed {role:shell}`.
    """


class NotRecordable(Usage):
    """The training cannot be recorded as things are: {problems}

    Fix this first, or train without `strict=True`: the run then says how to record it later.
    """


class CommandNotFound(MvcError):
    """Cannot run {name}: {reason}.

    Write the command as in a shell, such as `{example}`.
    """

    exit_code = 127


class CommandNotExecutable(MvcError):
    """Cannot run {name}: {reason}.

    Make it executable, or name its interpreter, such as `{example}`.
    """

    exit_code = 126


class NothingWritten(Refused):
    """The command wrote no weights in {where}.

    Looked for files with a suffix of weights such as .pt, .ckpt, .safetensors or .onnx. Record a run elsewhere with
    `mvc record --run FOLDER -m MESSAGE`; next time, name its folder, its weights or a pattern with `mvc run --watch PATH`.
    """


class WhoseRun(Refused):
    """Another `mvc run` was at work in {where}, so it is not known which command wrote {runs}.

    {choice} record it with `{command}`; next time, name its folder with `mvc run --watch PATH`.
    """


class BadSignature(Usage):
    """Cannot add the signature: {reason}.

    Nothing was changed.
    """


class BadAttestation(Usage):
    """Cannot add the attestation: {reason}.

    Nothing was changed.
    """


class NoSuchAttestation(Usage):
    """{version} has no attestation {number}.

    `mvc attest --list {id}` lists its attestations.
    """


class BadPredicate(Usage):
    """Cannot read a predicate from {path}: {reason}.

    Nothing was changed. A predicate is a JSON object; name its type with --predicate-type URI.
    """


class NotScanned(OutOfReach):
    """Cannot attest a scan of {version}: the bytes of {path} are not here ({absent}).

    Fetch them with `mvc restore {path}` or from a remote that has them, and run the command again.
    """


class BadOmsSignature(Damaged):
    """Cannot use the OMS signature {path}: {reason}.

    Nothing was verified. Name another file with --signature FILE, or verify it with the program that made it.
    """


class NotAttested(Answer):
    """{version} has no attestation to export.

    Nothing was written. `mvc attest {id} --type provenance` makes one, and `mvc fetch` gets those of others.
    """


class NotForOms(Refused):
    """Cannot sign an export of {version}: verifiers of OMS would ignore {path}, or take it for the signature.

    Nothing was written. Export without --sign oms, or move that file with `mvc mv` and commit.
    """


class NoSuchSignature(Usage):
    """{version} has no signature {number}.

    `mvc verify {id}` lists its signatures.
    """


class NotSigned(MvcError):
    """{what}, but not signed: {reason}

    Sign it with `{command}`.
    """


class SigningFailed(MvcError):
    """Cannot sign with the key {key}: {reason}.

    Nothing was signed. {fix}, then run the command again.
    """
