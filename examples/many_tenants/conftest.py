"""A sandbox platform for the tests. The app finds it as it finds the real one: by its address in the environment."""

import os

from contact_sync.testing import SandboxPlatform

sandbox = SandboxPlatform().start()
os.environ["BOTMATIC_BASE_URL"] = sandbox.url


def pytest_unconfigure() -> None:
    sandbox.close()
