"""`python -m contact_sync.cli`."""

from . import main

if __name__ == "__main__":
    main(prog_name="contact-sync")
