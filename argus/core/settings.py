"""What a run was told to do: arguments, environment and settings file, resolved to one answer.

Pure: the environment and the file's text come in as arguments. Nothing here raises on bad input; it
is said in `complaints`, and the default is taken.
"""

from __future__ import annotations

from argus.core.flat_yaml import parse_flat_yaml
from argus.core.secret import Secret
from argus.core.values import bounded_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

ONLINE = "online"
BACKUP = "backup"
DISABLED = "disabled"

# What becomes of what the process prints.
OFF = "off"
FILE = "file"
FORWARD = "forward"

DEFAULT_EXIT_TIMEOUT_S = 5.0

_FILE_KEYS = frozenset({"url", "token", "mode", "disable", "runs_dir", "state_dir"})
_FILE_KEYS |= {"ca_bundle", "exit_timeout", "console"}
_TRUE_WORDS = frozenset({"1", "true", "yes", "on"})
_WORD = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")


class Settings:
    """The answer. `url` is None where nothing is sent; `mode` says why."""

    __slots__ = (
        "batch_id",
        "ca_bundles",
        "complaints",
        "console",
        "exit_timeout_s",
        "mode",
        "runs_dir",
        "state_dir",
        "token",
        "url",
    )

    def __init__(self) -> None:
        self.mode = DISABLED
        self.url: str | None = None
        self.token: Secret | None = None
        self.batch_id: str | None = None  # of the batch to join
        self.runs_dir: str | None = None
        self.state_dir: str | None = None
        self.ca_bundles: tuple[str, ...] = ()
        self.exit_timeout_s = DEFAULT_EXIT_TIMEOUT_S
        self.console = OFF
        self.complaints: list[str] = []

    @property
    def keeps_runs(self) -> bool:
        """Whether the directories of runs stay once they are delivered."""
        return bool(self.runs_dir) or self.mode == BACKUP


def resolve(
    monitor_url: Any,
    token: Any,
    environ: Mapping[str, str],
    file_text: str | None,
    mode: Any = None,
    console: Any = None,
) -> Settings:
    """Settings from the arguments of a Reporter, then the environment, then the file.

    `token` may be a Secret, so that no frame on the way shows it.
    """
    settings = Settings()
    filed, ignored = parse_flat_yaml(file_text or "", _FILE_KEYS)
    for line in ignored:
        settings.complaints.append(f"configs/monitor.yaml: {line}")
    written_token = filed.get("token")
    given_url = _text(monitor_url) or _text(environ.get("ARGUS_URL"))
    filed = {
        key: _filled(
            key, value, environ, settings, trusted=key == "token" and given_url is not None
        )
        for key, value in filed.items()
    }

    def pick(key: str) -> str | None:
        return _text(environ.get(f"ARGUS_{key.upper()}")) or _text(filed.get(key))

    if (pick("disable") or "").lower() in _TRUE_WORDS:
        return settings
    settings.url = _checked_url(given_url or _text(filed.get("url")), settings.complaints)
    filed_token = _text(filed.get("token"))
    given_token = token.reveal() if type(token) is Secret else token
    own_token = _text(given_token) or _text(environ.get("ARGUS_TOKEN"))
    if filed.get("token") != written_token:  # it names variables, which are the caller's
        own_token = own_token or filed_token
    settings.token = _token_for(
        settings, own=own_token, filed=filed_token, url_is_filed=given_url is None
    )
    settings.runs_dir = pick("runs_dir")
    settings.state_dir = pick("state_dir")
    settings.batch_id = _text(environ.get("ARGUS_BATCH_ID"))
    settings.ca_bundles = tuple(
        path for path in (pick("ca_bundle"), _text(environ.get("REQUESTS_CA_BUNDLE"))) if path
    )
    settings.exit_timeout_s = _seconds(
        pick("exit_timeout"), DEFAULT_EXIT_TIMEOUT_S, "ARGUS_EXIT_TIMEOUT", settings.complaints
    )
    settings.mode = _mode(_text(mode) or pick("mode"), settings)
    if settings.mode != ONLINE:
        settings.url = None
    settings.console = _console(console, pick("console"), settings)
    return settings


def filed_keys(file_text: str | None) -> frozenset[str]:
    """The settings that the file names."""
    return frozenset(parse_flat_yaml(file_text or "", _FILE_KEYS)[0])


def substitute(template: str, extra: Mapping[str, Any], environ: Mapping[str, str]) -> str:
    """Replace `${VAR}` and `$VAR`; what nobody knows stays as written."""
    first, *parts = template.split("$")
    result = [first]
    for part in parts:
        if part.startswith("{") and "}" in part:
            name, rest = part[1:].split("}", 1)
        else:
            end = next((i for i, char in enumerate(part) if char not in _WORD), len(part))
            name, rest = part[:end], part[end:]
        value = extra[name] if name in extra else _variable(environ, name)
        result.append(f"${part}" if value is None else f"{value}{rest}")
    return "".join(result)


def _filled(
    key: str, value: str, environ: Mapping[str, str], settings: Settings, trusted: bool
) -> str:
    """A value of the settings file with its variables filled in.

    The file may have come with a directory that somebody else made, and say where everything is
    sent. So it gets no variable that looks like a secret, but for ARGUS_* ones in `token`; there,
    any where the URL is the caller's own.
    """
    if "$" not in value or trusted:
        return substitute(value, {}, environ)
    from argus.core.redact import looks_secret  # patterns to compile, for the few who need them

    shown = {
        name: content
        for name, content in environ.items()
        if name in value
        and ((key == "token" and name.startswith("ARGUS_")) or not looks_secret(name, content))
    }
    filled = substitute(value, {}, shown)
    if filled != substitute(value, {}, environ):
        settings.complaints.append(
            f"configs/monitor.yaml: `{key}` names a variable that looks like a secret; it is not "
            "filled in. Only `token` may have one, by a name that begins with ARGUS_"
        )
    return filled


def _variable(environ: Mapping[str, str], name: str) -> str | None:
    try:
        return environ.get(name)
    except UnicodeError:  # a name that the system could not even be asked for
        return None


def is_loopback(host: str) -> bool:
    """Whether `host`, a name or an address, is this machine itself."""
    parts = host.split(".")
    return (
        host in ("localhost", "::1")
        or (
            len(parts) == 4
            and parts[0] == "127"
            # Not what `isdigit` also calls a digit: a resolver may read another host in that.
            and all(part.isascii() and part.isdigit() and int(part[:4]) < 256 for part in parts)
        )
    )


def url_host(url: str) -> str:
    """The host of an http(s) URL, lower case, without port, user or brackets."""
    host = _authority(url).rpartition("@")[2].lower()
    return host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]


def _authority(url: str) -> str:
    """What stands between the scheme and the path: user, password, host and port."""
    rest = url.partition("://")[2]
    return rest[: next((i for i, char in enumerate(rest) if char in "/?#"), len(rest))]


def _checked_url(url: str | None, complaints: list[str]) -> str | None:
    if url is None:
        return None
    scheme, separator, _ = url.partition("://")
    if separator and scheme.lower() in ("http", "https") and url_host(url) and _port_is_good(url):
        user, at, host = _authority(url).rpartition("@")
        if at:
            complaints.append("user and password in ARGUS_URL are not used; set ARGUS_TOKEN")
        return url.replace(f"{user}{at}{host}", host, 1).rstrip("/")
    complaints.append(
        "ARGUS_URL is not an http:// or https:// address: nothing is sent. "
        "It should look like http://localhost:8000"
    )
    return None


def _port_is_good(url: str) -> bool:
    bracketed, _, rest = _authority(url).rpartition("@")[2].rpartition("]")
    before, _, port = rest.partition(":")
    if bracketed and before:  # [::1]node-1 is no host
        return False
    return not port or (port.isascii() and port.isdigit() and 0 < int(port[:6]) < 65_536)


def _token_for(
    settings: Settings, own: str | None, filed: str | None, url_is_filed: bool
) -> Secret | None:
    """The token that goes to `settings.url`.

    A settings file may have come with a directory that somebody else made. A URL out of it gets
    the caller's own token only where nobody can listen: over https, or on this machine.
    """
    url = settings.url
    token = own or filed
    if url is None or token is None:
        return None
    safe = url.lower().startswith("https://") or is_loopback(url_host(url))
    if url_is_filed and own is not None and not safe:
        settings.complaints.append(
            "configs/monitor.yaml names a plain http:// URL on another machine: it does not get "
            "the token. Set ARGUS_URL, or use https"
        )
        return None
    if not all("!" <= char <= "~" for char in token):
        settings.complaints.append(
            "the token holds characters that no HTTP header can carry; it is not sent"
        )
        return None
    return Secret(token)


def _mode(asked: str | None, settings: Settings) -> str:
    if asked is not None and asked.lower() in (ONLINE, BACKUP, DISABLED):
        if asked.lower() != ONLINE:
            return asked.lower()
    elif asked is not None:
        settings.complaints.append(
            "ARGUS_MODE or mode= must be online, backup or disabled; it is ignored"
        )
    if settings.url is not None:
        return ONLINE
    return BACKUP if settings.runs_dir else DISABLED


def _console(given: Any, otherwise: str | None, settings: Settings) -> str:
    if settings.mode == DISABLED:
        return OFF
    asked = (_text(given) or otherwise or OFF).lower()
    if asked in (OFF, FILE, FORWARD) and (given is None or _text(given) is not None):
        return asked
    settings.complaints.append(
        "ARGUS_CONSOLE or console= must be off, file or forward; it is ignored"
    )
    return OFF


def _seconds(text: str | None, default: float, name: str, complaints: list[str]) -> float:
    if text is None:
        return default
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= 86_400:
        complaints.append(f"{name} must be a number of seconds; {default:g} is used")
        return default
    return seconds


def _text(value: Any) -> str | None:
    """A setting as stripped text; None where it says nothing."""
    kind = type(value)  # which may be of a class that compares itself in its own way
    if value is None or kind is bool or kind is float or kind is int:
        return None
    return bounded_text(value).strip() or None
