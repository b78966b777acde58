"""Several processes that count as one.

`prometheus_client` keeps the counts of each process in files of one folder if `PROMETHEUS_MULTIPROC_DIR` names it when
the library is first imported; whichever process is scraped adds them up. So the variable is set before processes are
started, which inherit it.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from contact_sync.errors import ConfigurationError

FOLDER_VARIABLE: Final = "PROMETHEUS_MULTIPROC_DIR"


@contextmanager
def counting_together() -> Iterator[None]:
    """Let the processes that are started meanwhile count as one, in a temporary folder that is gone in the end.

    Where the variable is set already, it is the user's, and their folder is used and kept. Does nothing without
    `prometheus_client`.

    Raises:
        ConfigurationError: The variable is set and names no folder.
    """
    check_folder()
    if FOLDER_VARIABLE in os.environ or find_spec("prometheus_client") is None:
        yield
        return
    with tempfile.TemporaryDirectory(prefix="contact-sync-metrics-", ignore_cleanup_errors=True) as folder:
        os.environ[FOLDER_VARIABLE] = folder
        try:
            yield
        finally:
            os.environ.pop(FOLDER_VARIABLE, None)


def check_folder() -> None:
    """Check the folder that the user has named, if they have.

    Raises:
        ConfigurationError: There is no such folder, or it cannot be written to.
    """
    folder = os.environ.get(FOLDER_VARIABLE)
    if folder is None:
        return
    if not folder or not Path(folder).is_dir() or not os.access(folder, os.W_OK | os.X_OK):
        raise ConfigurationError(
            f"{FOLDER_VARIABLE}: expected a folder that is there and can be written to; make it, empty, before the "
            "service starts, or unset the variable"
        )
