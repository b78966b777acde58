"""What a WebDAV server is asked: the bodies of requests. None of them has a limit: some servers take no such requests,
and others leave out what is beyond it without a word.
"""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import Literal

Match = Literal["equals", "contains"]


def ask_for(*props: str) -> bytes:
    """A PROPFIND for properties, each with its prefix (`d:getetag`, `c:addressbook-home-set`)."""
    return _document("d:propfind", f"<d:prop>{''.join(f'<{prop}/>' for prop in props)}</d:prop>")


def ask_for_changes(token: str) -> bytes:
    """A REPORT of what has changed since a sync token; since ever, if it is empty."""
    return _document(
        "d:sync-collection",
        f"<d:sync-token>{escape(token)}</d:sync-token><d:sync-level>1</d:sync-level><d:prop><d:getetag/></d:prop>",
    )


def ask_for_cards(hrefs: Iterable[str]) -> bytes:
    """A REPORT of cards by their paths."""
    wanted = "".join(f"<d:href>{escape(href)}</d:href>" for href in hrefs)
    return _document("c:addressbook-multiget", _CARD + wanted)


def ask_for_matches(property: str, text: str, match: Match) -> bytes:
    """A REPORT of the cards with a property that is, or contains, a text, in any case."""
    return _document(
        "c:addressbook-query",
        f'{_CARD}<c:filter test="anyof"><c:prop-filter name="{escape(property)}">'
        f'<c:text-match collation="i;unicode-casemap" match-type="{match}">{escape(text)}</c:text-match>'
        "</c:prop-filter></c:filter>",
    )


_CARD = "<d:prop><d:getetag/><c:address-data/></d:prop>"


def _document(root: str, content: str) -> bytes:
    names = 'xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:carddav"'
    return f'<?xml version="1.0" encoding="utf-8"?>\n<{root} {names}>{content}</{root}>'.encode()
