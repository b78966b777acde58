"""The default server: an app of its own with health routes, run by Granian in this process or in several.

Beside it, or in processes of their own, run the workers that apply what a durable delivery has stored.
"""

from .app import EXTERNAL, HEALTH, METRICS, default_app, health_app
from .delivering import GRACE_SECONDS, WORKER_THREADS, Delivering, beside
from .listener import listen, url_of
from .running import THREADS, Server
from .workers import Control, Workers

__all__ = [
    "EXTERNAL",
    "GRACE_SECONDS",
    "HEALTH",
    "METRICS",
    "THREADS",
    "WORKER_THREADS",
    "Control",
    "Delivering",
    "Server",
    "Workers",
    "beside",
    "default_app",
    "health_app",
    "listen",
    "url_of",
]
