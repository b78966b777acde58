"""Maps contacts between a chatbot platform and an external service, field by field, both ways.

    >>> from mappers import Mapper, Mapping
    >>> mapper = Mapper([Mapping("id", "ref", id=True), Mapping("firstname", "first_name")])
    >>> mapper.to_external({"id": "7", "firstname": "Ada"})
    {'ref': '7', 'first_name': 'Ada'}

It does no I/O but reading a mapping file, and knows nothing of the web, of stores or of syncing.
"""

from .errors import MappingDefinitionError, MappingError, MappingValueError
from .mapper import Mapper, load_mapper, mapper_from_dict
from .mapping import ConflictFunction, Mapping
from .transforms import TRANSFORMS, Transform, TransformFunction
from .words import Conflict, Direction, FieldType, OnEmpty, PropertyType, Side

__all__ = [
    "TRANSFORMS",
    "Conflict",
    "ConflictFunction",
    "Direction",
    "FieldType",
    "Mapper",
    "Mapping",
    "MappingDefinitionError",
    "MappingError",
    "MappingValueError",
    "OnEmpty",
    "PropertyType",
    "Side",
    "Transform",
    "TransformFunction",
    "load_mapper",
    "mapper_from_dict",
]
