"""Addresses of servers: they may carry credentials, which nothing may show that we write or say.

https://user:password@host:8000/v1?api_key=secret   ->   https://host:8000/v1

Where a parameter file is kept, the address may stand in the environment and be named there: $NAME.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from urllib.parse import parse_qsl, unquote, urlsplit

from video_star.core.errors import UsageError

_HOST = re.compile(r"(?:\[[\da-f:.]+\]|[^:@\[\]\s]+)(?::\d{1,5})?", re.I)
"""A name, an IPv4 or a bracketed IPv6 address, and a port (RFC 3986, 3.2)."""
_VARIABLE = re.compile(r"\$\{?(\w+)\}?")
HIDDEN = "..."
_LONG = 6
"""Characters of a secret from which on it is looked for inside of words too; "u" is in many."""


def without_credentials(url: str) -> str:
    """Scheme, host, port and path of an address; where these are not plain, nothing but the scheme.

    A password with an unescaped "/", "?" or "#" ends the host too early, so its rest is recognised
    by the "@" behind it.
    """
    scheme, mark, rest = url.partition("://") if "://" in url else ("", "", url)
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
    host = authority.rpartition("@")[2]
    path = re.split(r"[?#]", rest[len(authority) :], maxsplit=1)[0]
    plain = (not authority or _HOST.fullmatch(host)) and "@" not in rest[len(authority) :]
    return f"{scheme}{mark}{host}{path}" if plain else f"{scheme}{mark}{HIDDEN}"


def from_environment(url: str) -> str:
    """The address, or of "$NAME" what that environment variable holds; UsageError where nothing."""
    named = _VARIABLE.fullmatch(url)
    if named is None:
        return url
    if not os.environ.get(named[1]):
        raise UsageError(f"The url {url} is not set in the environment; export {named[1]}=URL.")
    return os.environ[named[1]]


def credentials(url: str) -> tuple[tuple[str, str] | None, dict[str, str]]:
    """User and password of an address, None where it has none, and its query."""
    parts = urlsplit(url)
    user = (unquote(parts.username or ""), unquote(parts.password or ""))
    return user if any(user) else None, dict(parse_qsl(parts.query, keep_blank_values=True))


def hide(text: str, url: str, *others: str | None) -> str:
    """A text of a server or a library without what is secret about an address, nor any `others`."""
    for secret in sorted({*_secrets(url), *filter(None, others)}, key=len, reverse=True):
        whole = len(secret) < _LONG
        pattern = rf"(?<!\w){re.escape(secret)}(?!\w)" if whole else re.escape(secret)
        text = re.sub(pattern, HIDDEN, text)
    return text


def _secrets(url: str) -> Iterator[str]:
    """User, password and values of the query, as they are written and as they are meant."""
    parts = urlsplit(url)
    user, query = credentials(url)
    yield from filter(None, (parts.username, parts.password, *(user or ()), *query.values()))
    yield from (value for pair in parts.query.split("&") if (value := pair.partition("=")[2]))


def engine_shown(engine: str) -> str | None:
    """settings.engine as it may be shown and recorded; None for transformers, which is usual."""
    if engine == "transformers":
        return None
    kind, mark, rest = engine.partition(":")
    url, space, options = rest.partition(" ")
    shown = without_credentials(url) if "://" in url else url
    return f"{kind}{mark}{shown}{space}{options}"
