"""Webhooks of CRMs: who may send them, for whom they are, and what they tell of."""

from contact_sync.bodies import Unreadable

from .credentials import BasicCredentials, BearerTokens
from .hmac_header import HmacHeader
from .hubspot import HubSpotV3, read_hubspot
from .request import Challenge, ExternalEvent, ExternalKind, ExternalRequest, Reader
from .scheme import Refusal, Scheme, Verified
from .slack import SlackV0, read_slack
from .standard import StandardWebhooks, read_standard
from .webhooks import ExternalWebhooks, Identify

__all__ = [
    "BasicCredentials",
    "BearerTokens",
    "Challenge",
    "ExternalEvent",
    "ExternalKind",
    "ExternalRequest",
    "ExternalWebhooks",
    "HmacHeader",
    "HubSpotV3",
    "Identify",
    "Reader",
    "Refusal",
    "Scheme",
    "SlackV0",
    "StandardWebhooks",
    "Unreadable",
    "Verified",
    "read_hubspot",
    "read_slack",
    "read_standard",
]
