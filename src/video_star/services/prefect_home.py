"""The folder of the local Prefect server, and the password without which nobody drives it.

A Prefect server runs shell commands for whoever reaches its API, and out of the box it answers any
web page that the user has open. Prefect's own settings shut it: a password, which its client,
worker and page send, CSRF tokens, and no origin but its own. It has no list of host names: a
request that came by a foreign one fails for want of the password.
"""

from __future__ import annotations

import secrets
import tomllib
from pathlib import Path

from video_star.core.paths import Workspace
from video_star.core.private import private_store
from video_star.services.addresses import Addresses

HOME = ".work/prefect"
"""Where Prefect keeps its files, in the workspace; the user's own Prefect stays as it is."""
PASSWORD_VARIABLE = "PREFECT_API_AUTH_STRING"


def profile_file(workspace: Workspace) -> Path:
    """Prefect's own file of settings: `prefect` reads it where PREFECT_HOME names its folder."""
    return workspace.root / HOME / "profiles.toml"


def password(workspace: Workspace) -> str | None:
    """The server's password, "user:secret"; None before `write_profile`."""
    try:
        profiles = tomllib.loads(profile_file(workspace).read_text(encoding="utf-8"))
        return str(profiles["profiles"]["video-star"][PASSWORD_VARIABLE])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write_profile(workspace: Workspace, where: Addresses) -> None:
    """Write address and password for the user's own `prefect` commands; a password is kept."""
    known = password(workspace) or f"video-star:{secrets.token_urlsafe(32)}"
    private_store(profile_file(workspace)).write_text(
        f'active = "video-star"\n\n[profiles.video-star]\nPREFECT_API_URL = "{where.prefect_api}"\n'
        f'{PASSWORD_VARIABLE} = "{known}"\n',
        encoding="utf-8",
    )


def prefect_settings(workspace: Workspace, where: Addresses) -> dict[str, str]:
    """The settings of the server, of its worker and of its clients, as environment variables."""
    known = password(workspace) or ""
    return {
        "PREFECT_HOME": str(workspace.root / HOME),
        "PREFECT_API_URL": where.prefect_api,
        PASSWORD_VARIABLE: known,
        "PREFECT_SERVER_API_AUTH_STRING": known,
        "PREFECT_SERVER_API_CSRF_PROTECTION_ENABLED": "true",
        "PREFECT_SERVER_API_CORS_ALLOWED_ORIGINS": ",".join(where.prefect_origins),
        "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE": "false",
        # Without these two, a user's own `prefect deployment run --watch` shows no log.
        "PREFECT_SERVER_LOGS_STREAM_OUT_ENABLED": "true",
        "PREFECT_SERVER_LOGS_STREAM_PUBLISHING_ENABLED": "true",
        "PREFECT_LOGGING_TO_API_BATCH_INTERVAL": "0.5",
        "PREFECT_WORKER_QUERY_SECONDS": "2",
    }
