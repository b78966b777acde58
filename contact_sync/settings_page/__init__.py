"""The settings page that the platform shows in a frame, and where it posts to. A thin Flask shell.

`SettingsPages` is the whole face: it takes a function that asks the platform about a token, holds the user's functions
by path, and puts their routes on a blueprint.
"""

from .origins import origin_of
from .page import script_nonce
from .pages import SettingsPage, SettingsPages, UpdateSettings, Verify

__all__ = ["SettingsPage", "SettingsPages", "UpdateSettings", "Verify", "origin_of", "script_nonce"]
