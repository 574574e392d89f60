"""Settings of a repository in `.mvc/config.toml`, and of the user in their own file; the repository's take precedence.

`config.toml` also records the format of the store (`format`, `requires`), and a checksum over its values (`sum`) by which
damage is found; comments are not covered. The other keys are in `KEYS`.
"""

from __future__ import annotations

import contextlib
import os
import re
import tomllib
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mvc import errors, lazy
from mvc.deferred import dataclass, regex
from mvc.model import canonical, remote_kinds, textfile
from mvc.model.ids import digest
from mvc.storage.chunks import encodings
from mvc.storage.disk.door import StoreDoor

if TYPE_CHECKING:
    from mvc.model.hosts import Approvals

if TYPE_CHECKING:
    from mvc.model import hosts
    from mvc.model.toml import parse as toml_parse
    from mvc.storage.disk import outside
    from mvc.storage.records import unknown_features
else:
    outside = lazy.Module("mvc.storage.disk.outside")
    hosts = lazy.Module("mvc.model.hosts")
    toml_parse = lazy.Module("mvc.model.toml.parse")
    unknown_features = lazy.Module("mvc.storage.records.unknown_features")

NAME = "config.toml"
FORMAT = 1
MAX_BYTES = 1 << 20
"""The largest `config.toml` of a repository, in bytes."""
STASHES = "stashes"
"""The feature that is required while a stash exists: an mvc that does not know stashes would collect its files."""
OPERATIONS = "operations"
"""The feature that is required while an operation names edits that only it keeps: an older gc would delete their files."""
EXPIRED = "expired"
"""The feature that a store with dropped versions requires: an older mvc would call their absent bytes damage."""
SIGNATURES = "signatures"
"""The feature that a store with signatures requires: an older mvc would lose them when it renames a model."""
ATTESTATIONS = "attestations"
"""The feature that a store with attestations requires, for the same reason."""
KNOWN_FEATURES = frozenset({*encodings.FEATURES.values(), STASHES, OPERATIONS, EXPIRED, SIGNATURES, ATTESTATIONS})
_LONG = 64 * 1024
_MANY_DOTS = 64
_RESERVED = ("format", "requires", "sum")
REMOTE = "remote"
"""The table of remotes: one table each, by name."""
HOST = "host"
"""The table of approved hosts, only in the user's settings: one table each, by host and port."""
BRANCH = "branch"
"""The table of upstreams: by model, then by branch."""
REMOTE_KEYS = {"url": "the URL", **remote_kinds.OPTIONS}
"""The settings of a remote, each with its meaning; none is a secret."""
TRUSTED_HOSTS = "MVC_TRUSTED_HOSTS"
"""The environment variable that lists approved hosts, for scripts."""
TOKEN_ENV = "token-env"  # noqa: S105 - the name of a setting
"""The setting that names the variable with the token of a host or a remote; only in the user's settings."""
HOST_KEYS = {
    "trust": f"the kinds of remotes whose credentials may go to HOST: {', '.join(remote_kinds.CREDENTIALS)}",
    "insecure": "true: credentials may be sent over plain http",
    "allow": "options by which a repository may select credentials for HOST, such as profile=team; set by `mvc remote trust`",
    TOKEN_ENV: "the environment variable with the token for HOST, instead of PICSELLIA_TOKEN",
}
"""The settings of a host, each with its meaning; only in the user's settings."""
_CREDENTIALS = regex(r"://[^/]*:[^/]*@|://.*[?#]")
_SECRET = regex(r"secret|token|passw|credential|access-?key|key-?id|sas|connection", re.IGNORECASE)

STALE_METRICS = "metrics.stale"
WARN = "warn"
SCAN_ALLOW, SCAN_LEVEL, SCAN_COMMAND = "scan.allow", "scan.level", "scan.command"
HOOKS = ("pre-commit", "pre-move", "pre-push", "post-move")
"""The hooks, each a setting `hooks.NAME` with a program and its arguments."""
HOOK_TIMEOUT = "hooks.timeout"
UNREADABLE, OFF = "unreadable", "off"
WORDS = {
    STALE_METRICS: (WARN, "refuse", "ignore"),
    SCAN_LEVEL: (UNREADABLE, "hostile", "code", OFF),
    "ui.progress": ("auto", "bar", "plain", "none"),
}
"""The settings that have a few words for values."""
KEYS: dict[str, tuple[type, str]] = {
    "user.name": (str, "your name, the author of new versions"),
    "user.email": (str, "your e-mail address"),
    "core.lock-timeout": (float, "seconds to wait for another mvc command that writes (default 10)"),
    "core.filemode": (
        bool,
        "false: ignore the executable bits of files (default true; init and clone probe the file system)",
    ),
    "gc.reflog-expire": (float, "days for which the reflog keeps versions reachable (default 90)"),
    "gc.cache-expire": (
        float,
        "days for which `mvc gc` keeps unused files of the cache of `mvc export --link` (default 14)",
    ),
    "prune.keep-last": (float, "`mvc prune` keeps so many of the newest versions of each branch"),
    "prune.keep-within": (str, "`mvc prune` keeps versions younger than this, such as 90d"),
    "prune.keep-tagged": (bool, "true: a rule for `mvc prune`, which keeps tags anyway"),
    "prune.keep-aliased": (bool, "true: a rule for `mvc prune`, which keeps aliases anyway"),
    "prune.keep-best": (str, "`mvc prune` keeps the best versions: KEY=N, separated by commas, as metrics.mAP50=3"),
    "prune.keep-role": (str, "roles, separated by commas, whose files `mvc prune` never drops"),
    "prune.roles": (str, "patterns of roles, separated by commas: `mvc prune` drops the files of these only"),
    "undo.keep-bytes": (
        float,
        "the most bytes of uncommitted edits that a command keeps for `mvc undo`; it refuses to discard more without --discard (default 2147483648)",
    ),
    "links.outside": (
        str,
        "the repositories whose links may point outside of them; set by `mvc add --follow-links`",
    ),
    STALE_METRICS: (
        str,
        "warn, refuse or ignore: what `mvc commit` does if the weights changed and metrics set by hand did not (default warn)",
    ),
    SCAN_ALLOW: (
        str,
        "classes that files may need, separated by commas: `mvc scan` reports them no longer; a whole name, or torch.nn.modules.*",
    ),
    SCAN_LEVEL: (
        str,
        "unreadable, hostile, code or off: the least verdict of `mvc scan` at which commit and record refuse a new file (default unreadable); a policy.toml may be stricter",
    ),
    SCAN_COMMAND: (
        list,
        "a program that is asked about each scanned file, too, such as `picklescan --strict -p {}`; {} is the path",
    ),
    "sign.key": (
        str,
        "the SSH key of `mvc sign`: the file of a private key, or a .pub file whose key is in ssh-agent",
    ),
    "sign.always": (bool, "true: commit, tag, alias set and push sign (default false)"),
    "trust.allowed-signers": (
        str,
        "the file of trusted keys (default ~/.config/mvc/allowed_signers, else Git's gpg.ssh.allowedSignersFile)",
    ),
    "trust.revoked": (str, "the file of revoked keys: an OpenSSH KRL, or a list of public keys"),
    "hooks.pre-commit": (list, "the program that may refuse a new version, with its arguments"),
    "hooks.pre-move": (list, "the program that may refuse a move of a branch, a tag or an alias"),
    "hooks.pre-push": (list, "the program that may refuse a push"),
    "hooks.post-move": (list, "the program that is run after refs moved"),
    HOOK_TIMEOUT: (float, "seconds that a hook may run (default 60); 0 for no limit"),
    "ui.pager": (str, "the pager for long output"),
    "ui.progress": (str, "auto, bar, plain or none"),
}
"""Every key with its type and meaning."""
_BOOLEANS = {"true": True, "false": False}
USER_ONLY = (
    "ui.pager",
    "links.outside",
    SCAN_ALLOW,
    SCAN_LEVEL,
    SCAN_COMMAND,
    "sign.key",
    "sign.always",
    "trust.allowed-signers",
    "trust.revoked",
    *(f"hooks.{name}" for name in HOOKS),
    HOOK_TIMEOUT,
)
"""Keys that a repository, which may be somebody else's, cannot set."""


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting in effect, and the file it comes from (`repository` or `user`)."""

    key: str
    value: Any
    origin: str


def user_file(environ: Mapping[str, str]) -> Path | None:
    """Return the absolute path of the user's settings; it may be a link, beside which other files of the user are.

    A relative XDG_CONFIG_HOME does not count, as its specification says: what the current folder has is not the user's.
    """
    if own := environ.get("MVC_CONFIG"):
        return Path(own).absolute()
    base = Path(environ.get("XDG_CONFIG_HOME") or "")
    home = None if base.is_absolute() else home_folder(environ)
    folder = base if base.is_absolute() else home / ".config" if home is not None else None
    return folder / "mvc" / "config.toml" if folder is not None else None


def home_folder(environ: Mapping[str, str]) -> Path | None:
    """Return the user's home folder: that of HOME, else of the password database, as Git does; None for none.

    Cron and services start programs without HOME, and the policy of the user has to count there, too.
    """
    home = Path(environ.get("HOME") or "")
    if home.is_absolute():
        return home
    try:
        home = Path(lazy.load("pwd").getpwuid(os.getuid()).pw_dir)
    except KeyError:
        return None
    return home if home.is_absolute() else None


class Config:
    """The settings in effect. `user_file` may be absent, and so may the repository (`door` is None)."""

    def __init__(self, door: StoreDoor | None, user_file: Path | None) -> None:
        """Read both files; raises NewerFormat, UnknownFeature, BadConfig, IncompleteInit."""
        self._door = door
        self._user_file = Path(os.path.realpath(user_file)) if user_file is not None else None  # a write keeps a link
        self._repository = _read_repository(door) if door else {}
        self._user = _read_user(self._user_file)

    def get(self, key: str, *, user: bool = False) -> Any:
        """Return the value of `key`, None if it is not set; with `user`, that of the user's settings.

        Raises UnknownSetting, and BadSetting for a value of another type.
        """
        check_key(key)
        settings = self.own() if user else self.all()
        value = next((setting.value for setting in settings if setting.key == key), None)
        if value is not None and (reason := _fault(key, value)):
            raise errors.BadSetting(key=key, value=value, reason=reason)
        return value

    def own(self) -> list[Setting]:
        """Return the user's settings, sorted by key, also those that a repository overrides."""
        return [Setting(key, value, "user") for key, value in sorted(flatten(self._user).items())]

    def all(self) -> list[Setting]:
        """Return all settings in effect, sorted by key."""
        found: dict[str, Setting] = {}
        for origin, values in (("user", self._user), ("repository", self._repository)):
            for key, value in flatten(values).items():
                if origin == "user" or not is_personal(key):
                    found[key] = Setting(key, value, origin)
        return [found[key] for key in sorted(found)]

    def remotes(self) -> dict[str, dict[str, str]]:
        """Return the settings of each remote by name; the repository's take precedence over the user's."""
        found: dict[str, dict[str, str]] = {}
        for values, path in ((self._user, self._user_file), (self._repository, NAME)):
            for name, settings in _tables(values.get(REMOTE, {}), path):
                kept = {key: value for key, value in settings.items() if key != TOKEN_ENV}
                found.setdefault(name, {}).update(kept)
        return found

    def own_remote(self, name: str) -> dict[str, str]:
        """Return the user's own settings of a remote of that name, `token-env` included."""
        return dict(dict(_tables(self._user.get(REMOTE, {}), self._user_file)).get(name, {}))

    def hosts(self) -> Mapping[str, Any]:
        """Return the user's table of hosts; a repository's is ignored. Raises BadConfig."""
        table = self._user.get(HOST, {})
        if not isinstance(table, dict):
            raise errors.BadConfig(path=self._user_file, reason=f"[{HOST}.NAME] is a table of settings")
        return table

    def approvals(self, trusted: str = "") -> Approvals:
        """Return the user's approvals, and those of MVC_TRUSTED_HOSTS. Raises BadConfig, BadSetting."""
        try:
            known = {host: hosts.of_settings(host, values) for host, values in self.hosts().items()}
        except ValueError as error:
            raise errors.BadConfig(path=self._user_file, reason=f"[{HOST}]: {error}") from None
        try:
            made: Approvals = hosts.Approvals(known, hosts.of_text(trusted))
        except ValueError as error:
            raise errors.BadSetting(key=TRUSTED_HOSTS, value=trusted, reason=str(error)) from None
        return made

    @property
    def keeps_own(self) -> bool:
        """Return whether the user's settings have a file."""
        return self._user_file is not None

    def set_host(self, host: str, settings: Mapping[str, Any] | None) -> None:
        """Write the user's settings of one host; None removes them. The rest of the file is kept, with comments if possible."""
        self._user = _read_user(self._user_file)
        values = _with(self._user, (HOST, host), settings)
        if settings is not None and host not in self.hosts() and self._user_file is not None:
            old = self._user_file.read_bytes() if self._user_file.exists() else b""
            joint = b"\n" if old else b""
            appended = old + joint + _dump({HOST: {host: dict(settings)}})
            with contextlib.suppress(errors.BadConfig):
                if parse(appended, NAME) == values:
                    outside.replace_outside(self._user_file, appended)
                    self._user = values
                    return
        self._save(values, user=True)

    def set_remote(self, name: str, settings: Mapping[str, str] | None) -> None:
        """Replace the repository's settings of a remote; None removes them, and its upstreams. Raises BadSetting."""
        for key, value in (settings or {}).items():
            _check_remote_key(f"{REMOTE}.{name}.{key}", key, value)
        self._set_table((REMOTE, name), settings)
        if settings is None:
            for model, branch in self._followers(name):
                self._set_table((BRANCH, model, branch), None)

    def rename_remote(self, old: str, new: str, settings: Mapping[str, str]) -> None:
        """Rename the remote `old`, with these settings, to `new`, also in the upstreams of branches."""
        followers = {pair: self.upstream(*pair) for pair in self._followers(old)}
        self.set_remote(new, settings)
        for (model, branch), followed in followers.items():
            self.set_upstream(model, branch, new, followed[1] if followed else branch)
        self.set_remote(old, None)

    def upstreams(self) -> list[tuple[str, str, str, str]]:
        """Return each upstream that was set: model, branch, remote and the name there. Raises BadConfig."""
        table = self._repository.get(BRANCH, {})
        pairs = [(model, branch) for model, branches in table.items() for branch in branches]
        return [(*pair, *found) for pair in pairs if (found := self.upstream(*pair)) is not None]

    def _followers(self, remote: str) -> list[tuple[str, str]]:
        """Return the branches whose upstream is on a remote, each after its model."""
        return [(model, branch) for model, branch, followed, _ in self.upstreams() if followed == remote]

    def upstream(self, model: str, branch: str) -> tuple[str, str] | None:
        """Return the upstream of a branch, as remote and branch; None for none."""
        try:
            found = self._repository.get(BRANCH, {}).get(model, {}).get(branch, {})
            return (str(found["remote"]), str(found["merge"])) if found else None
        except (AttributeError, KeyError, TypeError):
            raise errors.BadConfig(path=NAME, reason=f"[{BRANCH}] has a remote and a name for each branch") from None

    def set_upstream(self, model: str, branch: str, remote: str, name: str) -> None:
        """Set the upstream of a branch to `name` on `remote`."""
        self._set_table((BRANCH, model, branch), {"remote": remote, "merge": name})

    def _set_table(self, keys: tuple[str, ...], table: Mapping[str, str] | None) -> None:
        self._save(_with(self._repository, keys, table), user=False)

    def set(self, key: str, text: str, *, user: bool) -> None:
        """Set `key` to the value that `text` denotes. Raises UnknownSetting, BadSetting, ReadOnlyStore."""
        table, name, option = _parts(key)
        if is_personal(key) and not user:
            raise errors.PersonalSetting(key=key)
        if table == REMOTE:
            _check_remote_key(key, option, text)
            self._write_option(table, name, option, text, user=user)
        elif table == HOST:
            _check_host_key(key, name, option, text)
            self._write_option(table, name, option, text, user=True)
        else:
            self._write(key, _typed(key, text), user=user)

    def unset(self, key: str, *, user: bool) -> bool:
        """Remove `key`; return False if that file did not set it."""
        check_key(key)
        if key not in flatten(self._user if user else self._repository):
            return False
        if key.startswith((f"{REMOTE}.", f"{HOST}.")):
            self._write_option(*_parts(key), None, user=user)
        else:
            self._write(key, None, user=user)
        return True

    def _write_option(self, table: str, name: str, option: str, value: str | None, *, user: bool) -> None:
        values = self._user if user else self._repository
        others = {key: old for key, old in values.get(table, {}).get(name, {}).items() if key != option}
        values = _with(values, (table, name), others if value is None else {**others, option: value})
        self._save(values, user=user)

    def _write(self, key: str, value: Any, *, user: bool) -> None:
        values = self._user if user else self._repository
        table, _, name = key.partition(".")
        section = {k: v for k, v in values.get(table, {}).items() if k != name}
        if value is not None:
            section[name] = value
        self._save({k: v for k, v in values.items() if k != table} | ({table: section} if section else {}), user=user)

    def _save(self, values: dict[str, Any], *, user: bool) -> None:
        if user:
            self._user = values
            self._write_user(values)
        else:
            door = self._door_for_writing()
            stored = _read_repository(door)  # this process, too, may have added a feature since the settings were read
            kept = {key: stored[key] for key in _RESERVED if key in stored}
            self._repository = {**values, **kept}
            write_repository(door, self._repository)

    def _door_for_writing(self) -> StoreDoor:
        if self._door is None:
            raise errors.NoRepository(where="this folder")
        return self._door

    def _write_user(self, values: Mapping[str, Any]) -> None:
        if self._user_file is None:
            raise errors.BadSetting(
                key="user config", value="", reason="there is no home folder for the user's settings"
            )
        outside.replace_outside(self._user_file, _dump(values))


def _with(values: Mapping[str, Any], keys: tuple[str, ...], table: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return `values` with `table` at nested `keys`; None removes it, and the tables that become empty."""
    first, *rest = keys
    inner = _with(values.get(first, {}), tuple(rest), table) if rest else dict(table or {})
    others = {key: value for key, value in values.items() if key != first}
    return {**others, first: inner} if inner else others


def check_key(key: str) -> None:
    """Raise UnknownSetting, with the nearest known key, unless `key` is one of `KEYS`, or of a remote."""
    table, _, option = _parts(key)
    if table in (REMOTE, HOST):
        known = (*REMOTE_KEYS, TOKEN_ENV) if table == REMOTE else tuple(HOST_KEYS)
        if option not in known:
            near = lazy.load("difflib").get_close_matches(option, known, 1)
            raise errors.UnknownSetting(key=key, known=_meant(near) or f"A {table} has {', '.join(known)}.")
    elif key not in KEYS:
        near = lazy.load("difflib").get_close_matches(key, KEYS, 1)
        raise errors.UnknownSetting(key=key, known=_meant(near) or f"Known: {', '.join(KEYS)}.")


def _meant(near: list[str]) -> str:
    return f"Did you mean {near[0]}?" if near else ""


def is_personal(key: str) -> bool:
    """Return whether only the user's settings may set `key`: it decides what runs, what is accepted, or who is trusted."""
    table, _, option = _parts(key)
    return key in USER_ONLY or table == HOST or (table == REMOTE and option == TOKEN_ENV)


def write_repository(door: StoreDoor, values: Mapping[str, Any]) -> None:
    """Write `config.toml` with its checksum."""
    door.replace(NAME, _encoded(values))


def _encoded(values: Mapping[str, Any]) -> bytes:
    body = {"format": FORMAT, "requires": [], **{k: v for k, v in values.items() if k != "sum"}}
    body["sum"] = checksum(body)
    return b"# The settings of this mvc repository; change them with `mvc config`.\n" + _dump(body)


def require(door: StoreDoor, features: Collection[str]) -> None:
    """Add `features` to those that readers must support; the caller holds the lock.

    Staged files, which may need them, get their names later.
    """
    values = _read_repository(door)
    required = set(values.get("requires", ()))
    if not required.issuperset(features):
        data = _encoded({**values, "requires": sorted(required.union(features))})
        door.publish(NAME, lambda temporary: temporary.write(data), exclusive=False)


def requires(door: StoreDoor, name: str) -> bool:
    """Return whether the store requires a feature."""
    return name in _read_repository(door).get("requires", ())


def set_feature(door: StoreDoor, name: str, *, needed: bool) -> None:
    """Require the feature `name` of readers, or no longer; the caller holds the lock."""
    values = _read_repository(door)
    required = set(values.get("requires", ()))
    if (name in required) != needed:
        write_repository(door, {**values, "requires": sorted(required ^ {name})})


def checksum(values: Mapping[str, Any]) -> str:
    """Return the checksum over the values of `config.toml`, `sum` itself left out."""
    return digest(canonical.encode({key: value for key, value in values.items() if key != "sum"}))


def parse(data: bytes, path: str) -> dict[str, Any]:
    """Return the values in a TOML file; raise BadConfig with line and column."""
    if (
        data.count(b".") > _MANY_DOTS or len(data) > _LONG
    ):  # input for which tomllib would take too long, or too much memory
        try:
            values: dict[str, Any] = toml_parse.load(data, where=path)
        except (errors.BadToml, errors.TooBig) as error:
            raise errors.BadConfig(path=path, reason=error.message.rstrip(".")) from error
        return values
    try:
        return tomllib.loads(textfile.decode(data))
    except (textfile.TextError, tomllib.TOMLDecodeError, RecursionError, ValueError) as error:
        raise errors.BadConfig(path=path, reason=str(error)) from error


def flatten(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of a config file by dotted key, without those of the format."""
    found: dict[str, Any] = {}
    for table, section in values.items():
        for name, value in section.items() if isinstance(section, dict) else ():
            if table == BRANCH:
                continue
            if isinstance(value, dict):
                found |= {f"{table}.{name}.{option}": each for option, each in value.items()}
            else:
                found[f"{table}.{name}"] = value
    return found


def _parts(key: str) -> tuple[str, str, str]:
    """Split a key such as `remote.origin.url` into `remote`, the remote's name, and the option; the name may have dots."""
    table, _, rest = key.partition(".")
    name, _, option = rest.rpartition(".")
    return table, name, option


def remote_of(key: str) -> str | None:
    """Return the name of the remote that `key` is a setting of; None for another setting."""
    table, name, option = _parts(key)
    return name if table == REMOTE and name and option in (*REMOTE_KEYS, TOKEN_ENV) else None


def _check_remote_key(key: str, option: str, value: str) -> None:
    """Raise BadSetting or UnknownSetting unless `value` is valid for that setting of a remote."""
    if option == TOKEN_ENV:
        _check_variable(key, value)
        return
    if _SECRET.search(option):
        reason = "secrets are never stored; set them in the environment, or with the provider's own tools"
        raise errors.BadSetting(key=key, value="...", reason=reason)
    check_key(key)
    if option == "url" and _CREDENTIALS.search(value):
        raise errors.BadSetting(key=key, value="...", reason="it must not contain a password or a signature")
    if not value or any(ord(letter) < ord(" ") for letter in value):
        raise errors.BadSetting(key=key, value=value, reason="it is empty, or has control characters")


def _check_host_key(key: str, name: str, option: str, value: str) -> None:
    """Raise BadSetting or UnknownSetting unless `value` is valid for that setting of a host."""
    check_key(key)
    if option == "allow":
        raise errors.BadSetting(key=key, value=value, reason="use `mvc remote trust NAME` to change it")
    if option == TOKEN_ENV:
        _check_variable(key, value)
    if option == "trust" and not {*re.split(r"[\s,]+", value)}.issubset(remote_kinds.CREDENTIALS):
        raise errors.BadSetting(key=key, value=value, reason=f"the kinds are {', '.join(remote_kinds.CREDENTIALS)}")
    try:
        hosts.of_settings(name, {option: value})
    except ValueError as error:
        raise errors.BadSetting(key=key, value=value, reason=str(error)) from None


def _check_variable(key: str, value: str) -> None:
    if not hosts.VARIABLE.match(value):
        reason = "the value must be the name of an environment variable, not the token itself"
        raise errors.BadSetting(key=key, value="...", reason=reason)


def _tables(table: Any, path: object) -> list[tuple[str, dict[str, str]]]:
    """Return the sub-tables of a table, each of texts by name; raise BadConfig."""
    if not isinstance(table, dict) or not all(isinstance(each, dict) for each in table.values()):
        raise errors.BadConfig(path=path, reason=f"[{REMOTE}.NAME] is a table of settings")
    if not all(isinstance(value, str) for settings in table.values() for value in settings.values()):
        raise errors.BadConfig(path=path, reason=f"the settings in [{REMOTE}.NAME] are texts")
    return list(table.items())


def _dump(values: Mapping[str, Any]) -> bytes:
    dumps = lazy.load("tomli_w").dumps
    return str(dumps(values)).encode()


def _read_repository(door: StoreDoor) -> dict[str, Any]:
    try:
        values = parse(door.read(NAME, MAX_BYTES), f".mvc/{NAME}")
    except FileNotFoundError:
        raise errors.IncompleteInit(where=door.root) from None
    version, requires = values.get("format"), values.get("requires", [])
    if type(version) is not int or version > FORMAT:
        raise errors.NewerFormat(found=version, known=FORMAT)
    if not isinstance(requires, list) or set(map(str, requires)) - KNOWN_FEATURES:
        raise unknown_features.error(requires, KNOWN_FEATURES, where=door.root)
    return values


def _read_user(path: Path | None) -> dict[str, Any]:
    if path is None:
        return {}
    try:
        return parse(path.read_bytes(), str(path))
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        raise errors.BadConfig(path=path, reason=error.strerror or str(error)) from error


def _typed(key: str, text: str) -> Any:
    check_key(key)
    if any(ord(letter) < ord(" ") for letter in text):
        raise errors.BadSetting(key=key, value=text, reason="it has control characters")
    kind = KEYS[key][0]
    value: Any = text
    if kind is list:
        return _words(key, text)
    if kind is bool:
        value = _BOOLEANS.get(text, text)
    elif kind is float:
        with contextlib.suppress(ValueError):
            value = float(text)
    if reason := _fault(key, value):
        raise errors.BadSetting(key=key, value=text, reason=reason)
    return value


def _fault(key: str, value: Any) -> str:
    """Return why a value is not one for `key`, `""` if it is. A list of words is checked by `command_of`."""
    kind = KEYS[key][0] if key in KEYS else list
    if kind is bool and not isinstance(value, bool):
        return "the value must be true or false"
    if kind is float and not (type(value) in (int, float) and 0 <= value < float("inf")):
        return "the value must be a number, 0 or more"
    if kind is str and not isinstance(value, str):
        return "the value must be a text"
    return f"the value must be one of {', '.join(WORDS[key])}" if value not in WORDS.get(key, (value,)) else ""


def _words(key: str, text: str) -> list[str]:
    """Return the words of a command, a list of TOML, or parted as a shell does it; nothing is expanded. Raises BadSetting."""
    try:
        words: Any = tomllib.loads(f"words = {text}")["words"] if text[:1] == "[" else lazy.load("shlex").split(text)
    except RecursionError:
        raise errors.BadSetting(key=key, value=text[:80], reason="it is nested too deeply") from None
    except ValueError as error:
        raise errors.BadSetting(key=key, value=text, reason=f"{str(error)[:1].lower()}{str(error)[1:]}") from None
    return list(command_of(key, words))


def command_of(key: str, value: Any) -> tuple[str, ...]:
    """Return the words of a command, that of a scan with a place for a path. Raises BadSetting."""
    reason = ""
    if not isinstance(value, list) or not value or not all(isinstance(word, str) and word for word in value):
        example = '["picklescan", "-p", "{}"]' if key == SCAN_COMMAND else '["/home/ana/bin/check", "--strict"]'
        reason = f"the value must be a list of words, such as {example}"
    elif key == SCAN_COMMAND and not any("{}" in word for word in value[1:]):
        reason = "one of the arguments must be {}, the path of the file"
    elif "/" in value[0] and not os.path.isabs(value[0]):
        reason = "name the program by its absolute path, or by a name in PATH"
    if reason:
        raise errors.BadSetting(key=key, value=value, reason=reason)
    return tuple(value)
