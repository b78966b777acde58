"""The contacts of HubSpot.

>>> from contact_sync.consumers.hubspot import HubSpotConsumer, fields_of
"""

from .consumer import HubSpotConsumer
from .fields import READ_ONLY_PROPERTIES, fields_of

__all__ = ["READ_ONLY_PROPERTIES", "HubSpotConsumer", "fields_of"]
