"""The whole thing at work: a platform, a CRM and the service, and a story that is played between them.

`contact-sync demo` runs it. `integration` is what a reader would write for a CRM of their own, `crm` that CRM, `data`
its contacts, `story` what is played and checked, and `page` shows both sides next to each other.
"""

from .run import run_demo

__all__ = ["run_demo"]
