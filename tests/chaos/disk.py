"""A small disk that can be filled: a tmpfs, where the system lets us mount one.

The command runs in a mount namespace of its own if it can (`own_namespace`), so that nothing of it is left however it
ends.
"""

from __future__ import annotations

import contextlib
import errno
import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

_OWN: Final = "CHAOS_HAS_OWN_MOUNTS"
_FILLING: Final = 65_536


def own_namespace(module: str, arguments: Sequence[str]) -> None:
    """Begin this program again in a mount namespace of its own, if that is possible; else return."""
    unshare = shutil.which("unshare")
    if os.geteuid() != 0 or unshare is None or _OWN in os.environ:
        return
    command = [unshare, "--mount", "--propagation", "private"]
    if subprocess.run([*command, "true"], capture_output=True, check=False).returncode:
        return
    os.environ[_OWN] = "yes"
    os.execv(unshare, [*command, sys.executable, "-m", module, *arguments])


class Disk:
    """A tmpfs of its own at a folder. Only within a mount namespace of its own, and as root.

    Args:
        folder: Where it is mounted; made if it is not there.
        size: How many MiB it has.
        owner: The user whose it is.
    """

    def __init__(self, folder: Path, size: int, owner: str | None = None) -> None:
        self.folder = folder
        self._size = size
        self._owner = owner

    @staticmethod
    def possible() -> bool:
        """Whether there can be one."""
        return _OWN in os.environ

    @contextlib.contextmanager
    def mounted(self) -> Iterator[None]:
        """Have it while the block runs."""
        self.folder.mkdir(exist_ok=True)
        options = f"size={self._size}m,mode=0700"
        subprocess.run(["mount", "-t", "tmpfs", "-o", options, "chaos", str(self.folder)], check=True)
        try:
            if self._owner is not None:
                shutil.chown(self.folder, self._owner)
            yield
        finally:
            subprocess.run(["umount", "--lazy", str(self.folder)], check=False)

    @contextlib.contextmanager
    def full(self) -> Iterator[None]:
        """Have no byte free on it while the block runs."""
        filling = self.folder / "filling"
        try:
            with filling.open("wb", buffering=0) as file:
                size = _FILLING
                while size:
                    try:
                        file.write(b"\0" * size)
                    except OSError as error:
                        if error.errno != errno.ENOSPC:
                            raise
                        size //= 2
            yield
        finally:
            filling.unlink(missing_ok=True)


def limit_files(pids: Iterable[int], *, writable: bool) -> None:
    """Let every write of some processes to a file fail, or none."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            _, most = resource.prlimit(pid, resource.RLIMIT_FSIZE)
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (most if writable else 0, most))
