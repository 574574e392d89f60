"""Credential files, by name: such a file is tracked only if its own path is given, never by a pattern or a folder.

    .env  .env.local  server.pem  id_ed25519  .aws/config    yes
    env.yaml  keys.txt  tokenizer.json                       no

Content is not read. The names are blocked because a committed file is permanent and reaches every clone.
"""

from __future__ import annotations

NAMES = frozenset({
    *(".env", ".envrc", ".netrc", "_netrc", ".git-credentials", ".pypirc", ".npmrc", ".pgpass", ".my.cnf", ".htpasswd"),
    *(".boto", ".s3cfg", "credentials.json", "application_default_credentials.json", "kaggle.json"),
})  # fmt: skip
"""File names."""
PREFIXES = (".env.", "id_rsa", "id_dsa", "id_ecdsa", "id_ed25519")
"""Prefixes of file names."""
SUFFIXES = (".pem", ".key", ".p12", ".pfx", ".jks", ".ppk", ".kdbx")
"""Suffixes of file names."""
FOLDERS = frozenset({".aws", ".azure", ".docker", ".gcloud", ".gnupg", ".kube", ".ssh"})
"""Folders that hold only credentials and settings."""


def is_name(name: str) -> bool:
    """Return whether a file of this name counts as credentials, in any letter case."""
    folded = name.lower()
    return folded in NAMES or folded.startswith(PREFIXES) or folded.endswith(SUFFIXES)


def is_path(path: str) -> bool:
    """Return whether the file at `path` counts as credentials, by its name or by a folder above it."""
    *folders, name = path.split("/")
    return is_name(name) or in_folder(folders)


def in_folder(folders: list[str]) -> bool:
    """Return whether one of the folders above a file holds credentials."""
    return not FOLDERS.isdisjoint(folder.lower() for folder in folders)
