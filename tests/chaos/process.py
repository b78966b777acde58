"""`python -m tests.chaos.process serve|worker …`: a command of `contact-sync`, in one of the processes that are killed.

It ends with the process that started it, however that ends: by then the other end of its standard input is closed.
"""

from __future__ import annotations

import os
import sys
import threading

from contact_sync.cli import main


def _end_with_parent() -> None:
    os.read(0, 1)  # not sys.stdin, whose lock would be in the way when Python ends
    os._exit(3)


if __name__ == "__main__":
    threading.Thread(target=_end_with_parent, daemon=True).start()
    main(sys.argv[1:], prog_name="contact-sync")
