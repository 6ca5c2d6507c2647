"""Where an avatar may be pushed to: the servers that the operator named, and no other. Whoever may call could otherwise make this
server send requests into its own network."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from yarl import URL

from realtime.errors import ConfigError
from server.errors import Refusal

VARIABLE = "FACEWIRE_PUSH_TO"
MOST_URL, MOST_TOKEN = 2000, 4000  # characters
TOKEN = re.compile(r"[A-Za-z0-9._~+/=-]*")  # RFC 6750, section 2.1


@dataclass(frozen=True, kw_only=True)
class PushTarget:
    """A WHIP endpoint, and what it is to be shown ("": nothing). The token is in no log."""

    endpoint: URL
    token: str = field(default="", repr=False)


def allowed_origins(environment: Mapping[str, str]) -> tuple[str, ...]:
    """Those of FACEWIRE_PUSH_TO, apart by spaces: `https://live.example.org`, `http://127.0.0.1:8889`.

    Raises ConfigError.
    """
    origins = environment.get(VARIABLE, "").split()
    for origin in origins:
        url = _url(origin)
        if url is None or url.path not in ("", "/") or url.query_string:
            raise ConfigError(f"{VARIABLE} has {origin!r}: an address such as https://live.example.org was expected")
    return tuple(str(URL(origin).origin()) for origin in origins)


def target_of(values: Any, origins: tuple[str, ...]) -> PushTarget:
    """What a client asks for, checked.

    Raises Refusal 400, 403.
    """
    if not origins:
        raise Refusal(403, "push_disabled", f"This server pushes nowhere: its operator has not set {VARIABLE}.")
    asked = values if isinstance(values, dict) else {}
    endpoint, token = asked.get("endpoint"), asked.get("token", "")
    url = _url(endpoint) if isinstance(endpoint, str) else None
    if url is None:
        raise Refusal(400, "bad_endpoint", 'A JSON object with "endpoint", an http or https URL, was expected.')
    if not isinstance(token, str) or len(token) > MOST_TOKEN or not TOKEN.fullmatch(token):
        raise Refusal(400, "bad_token", "The token for the other server is none that a Bearer header can carry.")
    if not is_allowed(url, origins):
        raise Refusal(403, "endpoint_not_allowed", "The operator of this server has not allowed pushing to that address.")
    return PushTarget(endpoint=url, token=token)


def is_allowed(url: URL, origins: tuple[str, ...]) -> bool:
    """Scheme, host and port are those of one that the operator named."""
    return url.is_absolute() and url.scheme in ("http", "https") and str(url.origin()) in origins


def _url(text: str) -> URL | None:
    try:
        url = URL(text)
        good = len(text) <= MOST_URL and url.scheme in ("http", "https") and bool(url.host) and url.user is None
        url.origin()
    except ValueError:
        return None
    return url if good else None
