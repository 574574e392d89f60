"""Errors: a setting is unknown or invalid, there is no key, or an optional package or program is not installed."""

from __future__ import annotations

from mvc.errors.base import Usage


class BadConfig(Usage):
    """Cannot read {path}: {reason}.

    Correct the file, or remove the setting in question.
    """


class UnknownSetting(Usage):
    """Unknown setting {key}.

    {known} List the settings with `mvc config --list`.
    """


class BadSetting(Usage):
    """Invalid value {value!r} for {key}: {reason}.

    Correct it: `mvc config --list --show-origin` shows the file of each setting, `mvc config KEY VALUE` sets one, and
    `mvc remote set-url NAME URL -o KEY=VALUE` sets an option of a remote.
    """


class BadClass(Usage):
    """Cannot allow {name!r}: it {reason}.

    Name a class, or all classes below a module, such as torch.nn.modules.*; `mvc scan --explain` lists those that a
    file needs.
    """


class PersonalSetting(Usage):
    """Cannot set {key} in a repository, which may be somebody else's: {key} is about your account, so only --global can set it.

    Set it with `mvc config --global {key} VALUE`; it then holds for all your repositories.
    """


class MissingPackage(Usage):
    """{what} needs {package}, which is not installed.

    Install {package} with pip, in the Python environment of mvc.
    """


class PortInUse(Usage):
    """Cannot serve at port {port}: {reason}.

    Choose another port with --port, or leave it out: then the system chooses a free one.
    """


class BadLockFile(Usage):
    """Cannot read the lock file {path}: {reason}.

    Write it again with `mvc download SOURCE DIR --lock FILE`.
    """


class NoSigningKey(Usage):
    """No key to sign with: {reason}.

    Name one with --key FILE, or set it for all repositories with `mvc config --global sign.key ~/.ssh/id_ed25519`. For a
    key in ssh-agent, name its .pub file.
    """


class NoKeyFile(Usage):
    """No key for {purpose}: {reason}.

    It needs a file with a private key of {kinds}, without a passphrase. `{command}` makes one; name it with --key FILE.
    """


class NotSshKey(Usage):
    """Cannot sign with {key}: it is not an SSH key.

    Nothing was signed. Versions, tags and aliases are signed with SSH keys; `ssh-keygen -t ed25519` makes one. Keys in PEM
    are for `mvc attest` and `mvc export --sign oms`.
    """


class NoPublicKey(Usage):
    """Cannot read the public key {path}: {reason}.

    Name the signer's key with --key FILE; `openssl ec -in key.pem -pubout -out key.pub` writes that of a private key.
    """


class NoSignersFile(Usage):
    """Cannot read the file of keys {path}: {reason}.

    Correct it, or name another file with `mvc verify --signers FILE`. `mvc config --list --show-origin` shows the
    settings trust.allowed-signers and trust.revoked.
    """


class NoSigners(Usage):
    """No line of {path} is one of allowed signers: a name, then a public key.

    Add one such as "ana@example.org ssh-ed25519 AAAA…": `echo "ana@example.org $(cat ana.pub)" >> FILE` makes it of the
    file that `ssh-keygen` wrote.
    """


class NoSshKeygen(Usage):
    """Cannot run ssh-keygen: {reason}.

    Signatures need OpenSSH 8.9 or newer; install it, such as with `apt-get install openssh-client`.
    """
