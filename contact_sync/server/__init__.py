"""The default server: an app of its own with health routes, run by Granian in this process or in several."""

from .app import HEALTH, default_app
from .listener import listen
from .running import GRACE_SECONDS, THREADS, Server
from .workers import Control, Workers

__all__ = ["GRACE_SECONDS", "HEALTH", "THREADS", "Control", "Server", "Workers", "default_app", "listen"]
