"""How calls of a CRM are authorized: seven ways, declared (`open_auth`) or made in Python.

Each is a `requests` authorization, for `Api`, for a session of your own, or for a single call. None shows its secret in
a `repr`, a message or a log.
"""

from .asking import TokenRefused
from .declared import open_auth
from .fixed import BasicAuth, BearerAuth, HeaderAuth, QueryAuth
from .login import LoginAuth
from .oauth import OAuth2ClientCredentials, OAuth2RefreshToken
from .renewing import RenewingAuth
from .shared import SharedTokens

__all__ = [
    "BasicAuth",
    "BearerAuth",
    "HeaderAuth",
    "LoginAuth",
    "OAuth2ClientCredentials",
    "OAuth2RefreshToken",
    "QueryAuth",
    "RenewingAuth",
    "SharedTokens",
    "TokenRefused",
    "open_auth",
]
