"""File names that stand for credentials: such a file is tracked by its own path only, never by a pattern or a folder.

    .env  .env.local  server.pem  id_ed25519  .aws/config    yes
    env.yaml  keys.txt  tokenizer.json                       no

What the files hold is not looked at: a version is for ever, and goes to every clone.
"""

from __future__ import annotations

NAMES = frozenset({
    *(".env", ".envrc", ".netrc", "_netrc", ".git-credentials", ".pypirc", ".npmrc", ".pgpass", ".my.cnf", ".htpasswd"),
    *(".boto", ".s3cfg", "credentials.json", "application_default_credentials.json", "kaggle.json"),
})  # fmt: skip
"""Names of files."""
PREFIXES = (".env.", "id_rsa", "id_dsa", "id_ecdsa", "id_ed25519")
"""What names of files begin with."""
SUFFIXES = (".pem", ".key", ".p12", ".pfx", ".jks", ".ppk", ".kdbx")
"""What names of files end with."""
FOLDERS = frozenset({".aws", ".azure", ".docker", ".gcloud", ".gnupg", ".kube", ".ssh"})
"""Folders that hold nothing else."""


def is_name(name: str) -> bool:
    """Whether a file of this name counts as credentials; letter case does not matter."""
    folded = name.lower()
    return folded in NAMES or folded.startswith(PREFIXES) or folded.endswith(SUFFIXES)


def is_path(path: str) -> bool:
    """Whether the file at `path` counts as credentials, by its name or by a folder above it."""
    *folders, name = path.split("/")
    return is_name(name) or in_folder(folders)


def in_folder(folders: list[str]) -> bool:
    """Whether one of these folders on the way to a file holds credentials."""
    return not FOLDERS.isdisjoint(folder.lower() for folder in folders)
