"""What a settings form posts, read from JSON, a form or a form with files: a token and fields."""

from __future__ import annotations

import hmac
import json
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import unquote

from flask import Request
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from contact_sync.bodies import parse_object

LISTS_HEADER: Final = "X-Settings-Lists"
"""With a form that has files, the page's script names here the fields that are lists, however many values they have."""

_PARSER_NEEDS: Final = 500_000
"""Bytes. Werkzeug's parser of forms with files holds its buffer to the limit for text fields as well."""

_FORM: Final = "application/x-www-form-urlencoded"
_FORM_WITH_FILES: Final = "multipart/form-data"


class Unreadable(Exception):
    """A request that cannot be acted upon. `status` and `error` are the answer; neither holds anything of the body."""

    def __init__(self, status: int, error: str) -> None:
        super().__init__(error)
        self.status = status
        self.error = error


@dataclass(frozen=True, slots=True)
class Submission:
    """A token, not yet verified, and the fields without it. Files are werkzeug's `FileStorage`."""

    token: str = field(repr=False)
    fields: dict[str, Any] = field(repr=False)


def read_submission(request: Request, *, body_limit: int, upload_limit: int) -> Submission:
    """Read the body of a request.

    Args:
        request: Its content type says how: a form, a form with files; anything else is read as JSON.
        body_limit: How many bytes JSON and plain forms may have.
        upload_limit: How many bytes a form with files may have.

    Raises:
        Unreadable: 413 for a body over its limit, 400 for one that is not readable or whose token is not the one in
            the query, 401 for one without a token.
    """
    has_files = request.mimetype == _FORM_WITH_FILES
    # One byte more than allowed where it is read at once: a body without a Content-Length is cut at the maximum,
    # and that has to be seen.
    request.max_content_length = upload_limit if has_files else body_limit + 1
    request.max_form_memory_size = max(body_limit, _PARSER_NEEDS)
    try:
        if not has_files and len(request.get_data()) > body_limit:
            raise RequestEntityTooLarge
        token, fields = _read_form(request) if has_files or request.mimetype == _FORM else _read_json(request)
    except RequestEntityTooLarge:
        raise Unreadable(413, "the form is too large") from None
    except HTTPException:
        raise Unreadable(400, "the body could not be read") from None
    if not isinstance(token, str) or not token:
        raise Unreadable(401, "the body has no token")
    for other in request.args.getlist("token"):
        # Acting on a token that is not the verified one would let one workspace write another's settings.
        if not hmac.compare_digest(other.encode("utf-8", "replace"), token.encode()):
            raise Unreadable(400, "the token in the query is not the one in the body")
    return Submission(token, fields)


def _read_json(request: Request) -> tuple[object, dict[str, Any]]:
    encoding = request.headers.get("Content-Encoding", "")
    try:
        fields = parse_object(request.content_type or "", encoding, request.get_data())
    except ValueError as error:
        raise Unreadable(400, str(error)) from None
    try:
        json.dumps(fields, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        # JSON's escapes can spell half a character, which breaks whoever stores or sends it on.
        raise Unreadable(400, "the body holds text that is not Unicode") from None
    return fields.pop("token", None), fields


def _read_form(request: Request) -> tuple[object, dict[str, Any]]:
    values: dict[str, list[Any]] = {name: list(texts) for name, texts in request.form.lists()}
    for name, files in request.files.lists():
        # A file input that was left empty is sent as a file without a name.
        chosen = [file for file in files if file.filename]
        if chosen:
            values.setdefault(name, []).extend(chosen)
    tokens = values.pop("token", [None])
    if len(tokens) > 1:
        raise Unreadable(400, "the body has more than one token")
    return tokens[0], _shaped(values, _declared_lists(request))


def _declared_lists(request: Request) -> Collection[str] | None:
    header = request.headers.get(LISTS_HEADER)
    return None if header is None else {unquote(name) for name in header.split(",") if name} - {"token"}


def _shaped(values: dict[str, list[Any]], lists: Collection[str] | None) -> dict[str, Any]:
    if lists is None:
        return {name: found[0] if len(found) == 1 else found for name, found in values.items()}
    fields: dict[str, Any] = {name: [] for name in lists}
    fields.update({name: found if name in lists else found[-1] for name, found in values.items()})
    return fields
