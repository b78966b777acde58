"""The Node library's mapper, on 240 random contacts."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from mappers import Mapper

VECTORS: list[dict[str, Any]] = json.loads(Path(__file__).with_name("vectors.json").read_text("utf-8"))


def test_there_are_240_cases() -> None:
    assert len(VECTORS) == 240


@pytest.mark.parametrize("case", VECTORS, ids=range(len(VECTORS)))
def test_what_the_node_library_maps_is_mapped_the_same_when_empties_are_ignored(case: dict[str, Any]) -> None:
    mapper = Mapper(case["mappings"], on_empty="ignore")
    contact = copy.deepcopy(case["contact"])

    result = mapper.map_to(contact, case["from"], case["to"])

    # As text, so that 1, 1.0 and True are told apart.
    assert json.dumps(result) == json.dumps(case["expected"])
    assert mapper.external_id_key == case["external_id_key"]
    assert contact == case["contact"]
