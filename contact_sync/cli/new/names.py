"""From the name of a project to the names in it."""

from __future__ import annotations

import keyword
import re
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Final

from contact_sync.cli.group import Wrong

LONGEST: Final = 40

_NAME: Final = re.compile(r"[A-Za-z]([A-Za-z0-9_-]*[A-Za-z0-9])?")
_OURS: Final = frozenset({"tests", "wheels", "build", "dist"})
"""Folders that a project has for other things. Git ignores all but the tests."""


@dataclass(frozen=True, slots=True)
class Names:
    """What a project and its parts are called.

    Attributes:
        name: The folder and the distribution (`acme-crm`).
        package: The Python package (`acme_crm`).
        consumer: The class of the consumer (`AcmeCrmConsumer`).
        title: What people call the CRM (`Acme Crm`).
        image: The image and its containers, which may have small letters alone (`acme-crm`).
    """

    name: str
    package: str
    consumer: str
    title: str
    image: str


def names_of(name: str) -> Names:
    """Give all names of a project.

    Raises:
        Wrong: The project cannot be called that.
    """
    if len(name) > LONGEST or not _NAME.fullmatch(name):
        raise Wrong(
            "NAME is a name, not a path: letters (a-z), digits, '-' and '_', a letter first, no '-' or '_' last, "
            f"{LONGEST} characters at the most, such as acme-crm"
        )
    package = name.lower().replace("-", "_")
    if keyword.iskeyword(package):
        raise Wrong(f"{name}: {package!r} is a word of Python's own, and no name for a package; try {name}-crm")
    if package in _OURS:
        raise Wrong(f"{name}: a project has a folder {package!r} for something else; try {name}-crm")
    if find_spec(package) is not None:
        raise Wrong(
            f"{name}: there is a Python module {package!r} already, which it would get mixed up with; try {name}-crm"
        )
    words = [word.capitalize() for word in re.split(r"[-_]+", name)]
    return Names(name, package, f"{''.join(words)}Consumer", " ".join(words), "-".join(words).lower())
