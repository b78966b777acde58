"""Tables from plain data, YAML and JSON."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from mappers import Mapper, Mapping, MappingDefinitionError, Transform, load_mapper, mapper_from_dict

YAML = """
on_empty: ignore
rows:
  - {id: true, botmatic: id, external: ref}
  - botmatic: email
    external: properties.email
    match: true
    transform: lowercase
  - botmatic: {name: born, type: date, codec: iso}
    ext: {name: born_on, codec: "%d/%m/%Y"}
    type: date
  - botmatic: {name: vip, transform: yes_no}
    ext: {name: is_vip, transform: yes_no}
    on_empty: clear
  - {botmatic: dotted, external: a\\.b, direction: to_botmatic}
"""
DATA = {
    "on_empty": "ignore",
    "rows": [
        {"id": True, "botmatic": "id", "external": "ref"},
        {"botmatic": "email", "external": "properties.email", "match": True, "transform": "lowercase"},
        {
            "botmatic": {"name": "born", "type": "date", "codec": "iso"},
            "ext": {"name": "born_on", "codec": "%d/%m/%Y"},
            "type": "date",
        },
        {
            "botmatic": {"name": "vip", "transform": "yes_no"},
            "ext": {"name": "is_vip", "transform": "yes_no"},
            "on_empty": "clear",
        },
        {"botmatic": "dotted", "external": "a\\.b", "direction": "to_botmatic"},
    ],
}
EXTERNAL = {"ref": 7, "properties": {"email": "ADA@example.com"}, "born_on": "09/02/2018", "is_vip": "", "a.b": None}
PLATFORM = {"id": 7, "email": "ada@example.com", "born": "2018-02-09", "vip": None}


def written(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def check(mapper: Mapper) -> None:
    assert mapper.to_botmatic(EXTERNAL) == PLATFORM
    assert mapper.to_external({"born": "2018-02-09", "vip": True, "dotted": 1}) == {
        "born_on": "09/02/2018",
        "is_vip": "yes",
    }
    assert [row.botmatic for row in mapper.match_fields] == ["email"]


@pytest.mark.parametrize("name", ["mapping.yaml", "mapping.yml", "MAPPING.YAML"])
def test_a_table_is_read_from_yaml(tmp_path: Path, name: str) -> None:
    check(load_mapper(written(tmp_path, name, YAML)))


def test_a_table_is_read_from_json(tmp_path: Path) -> None:
    check(Mapper.load(str(written(tmp_path, "mapping.json", json.dumps(DATA)))))


def test_a_table_is_read_from_plain_data() -> None:
    check(mapper_from_dict(DATA))


def test_a_file_may_hold_the_list_of_rows_alone(tmp_path: Path) -> None:
    mapper = load_mapper(written(tmp_path, "m.json", json.dumps(DATA["rows"])))
    assert mapper.to_botmatic({"is_vip": None, "properties": {"email": ""}}) == {"email": None, "vip": None}


def test_a_byte_order_mark_is_no_trouble(tmp_path: Path) -> None:
    rows = json.dumps(DATA["rows"]).encode()
    assert load_mapper(written(tmp_path, "m.json", b"\xef\xbb\xbf" + rows)).external_id_key == "ref"


def test_rows_of_a_file_are_the_rows_that_one_would_write_in_python() -> None:
    mapper = mapper_from_dict(
        [{"id": True, "botmatic": "id", "ext": "ref"}, {"botmatic": "a", "external": "b.c", "on_empty": None}]
    )
    assert mapper.rows == (Mapping("id", "ref", id=True), Mapping("a", "b.c"))


ADDRESSES = """
default_region: FR
rows:
  - {id: true, botmatic: id, external: ref}
  - {botmatic: email, external: mail, type: email, match: true, conflict: external}
  - {botmatic: home, external: home, type: phone, match: true}
  - {botmatic: {name: work}, ext: {name: work}, type: phone, region: "NO"}
"""


@pytest.mark.parametrize("name", ["m.yaml", "m.json"])
def test_regions_and_winners_of_conflicts_are_read_from_files(tmp_path: Path, name: str) -> None:
    text = ADDRESSES if name == "m.yaml" else json.dumps(yaml.safe_load(ADDRESSES))
    assert load_mapper(written(tmp_path, name, text)).rows == (
        Mapping("id", "ref", id=True),
        Mapping("email", "mail", type="email", match=True, conflict="external"),
        Mapping("home", "home", type="phone", match=True, region="FR"),
        Mapping("work", "work", type="phone", region="NO"),
    )


def test_a_region_that_yaml_reads_as_a_boolean_is_asked_for_in_quotes(tmp_path: Path) -> None:
    path = written(tmp_path, "m.yaml", ADDRESSES.replace('"NO"', "NO"))
    assert refusal(path) == (
        'row 4 ("work"): region: expected text, got a boolean. '
        'Use the two capital letters of a country, such as "FR" or "GB", between quotes'
    )


def test_a_file_may_name_transforms_of_ones_own(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        "m.yaml",
        """
        - {id: true, botmatic: id, ext: ref}
        - {botmatic: plus, ext: x, transform: plus}
        - {botmatic: half, ext: {name: y, transform: plus}}
        """,
    )
    plus = Transform(to_botmatic=lambda value: value.removeprefix("+"), to_external=lambda value: f"+{value}")
    mapper = load_mapper(path, transforms={"plus": plus})
    assert mapper.to_botmatic({"x": "+1", "y": "+1"}) == {"plus": "1", "half": "+1"}
    assert mapper.to_external({"plus": "1", "half": "1"}) == {"x": "+1", "y": "+1"}


def refusal(path: Path, **options: Any) -> str:
    with pytest.raises(MappingDefinitionError) as caught:
        load_mapper(path, **options)
    return str(caught.value).removeprefix(f"{path}: ")


def test_a_wrong_row_of_a_file_is_named_with_the_file(tmp_path: Path) -> None:
    path = written(tmp_path, "m.yaml", "- {id: true, botmatic: id, ext: ref}\n- {botmatic: a, ext: no}\n")
    with pytest.raises(MappingDefinitionError) as caught:
        load_mapper(path)
    assert str(caught.value) == (
        f'{path}: row 2 ("a"): ext: expected a name, got a boolean. Write it as text; in a file, between quotes'
    )
    assert caught.value.where == f'{path}: row 2 ("a")'


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("m.yaml", "- {id: true\n- b", "line 2 is not YAML: expected ',' or '}', but got '<stream end>'"),
        ("m.yaml", "rows:\n  - a: b\n c: d", "line 3 is not YAML: "),
        ("m.yaml", "a: &x 1\nb: *y", "line 2 is not YAML: found undefined alias 'y'"),
        (
            "m.yaml",
            "!!python/object/apply:os.system ['true']",
            (
                "line 1 is not YAML: could not determine a constructor for the tag "
                "'tag:yaml.org,2002:python/object/apply:os.system'"
            ),
        ),
        ("m.yaml", "a: 2018-13-45", "it is not YAML (ValueError)"),
        ("m.yaml", "a: \x00", "it is not YAML (ReaderError)"),
        ("m.yaml", "[" * 5000, "it is not YAML (RecursionError)"),
        ("m.yaml", "", "rows: expected a list of rows, got nothing. Put the rows into a list"),
        ("m.yaml", "a: 1", 'a: unknown key. Use "on_empty", "default_region" or "rows"'),
        ("m.json", "[\n{]", "line 2 is not JSON: Expecting property name enclosed in double quotes"),
        ("m.json", "", "line 1 is not JSON: Expecting value"),
        ("m.json", "[" * 100_000, "it holds an unreasonable number or nests too deeply"),
        ("m.json", "1" * 5000, "it holds an unreasonable number or nests too deeply"),
        ("m.json", b'[\n"\xe9"]', "line 2 is not UTF-8. Save the file as UTF-8"),
        ("m.json", "x" * 1_000_001, "it is larger than 1 MB, which no mapping is. Is it the right file?"),
        ("m.toml", "", "a mapping file ends in .yaml, .yml or .json. Rename it"),
        ("mapping", "", "a mapping file ends in .yaml, .yml or .json. Rename it"),
    ],
    ids=range(17),
)
def test_a_file_that_cannot_be_read_is_refused_with_where_and_why(
    tmp_path: Path, name: str, content: str | bytes, message: str
) -> None:
    assert refusal(written(tmp_path, name, content)).startswith(message)


def test_a_file_that_is_not_there_is_named_with_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert refusal(Path("nowhere.yaml")) == (
        f"there is no such file. The path is taken from the current folder, {tmp_path}"
    )


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "m.json").mkdir()
    assert refusal(tmp_path / "m.json") == "it cannot be read: Is a directory"


def test_yaml_without_its_library_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "yaml", None)
    assert refusal(written(tmp_path, "m.yaml", YAML)) == (
        'reading YAML needs PyYAML. Install it with: pip install "contact-sync[yaml]"'
    )
    assert load_mapper(written(tmp_path, "m.json", json.dumps(DATA))).external_id_key == "ref"


def test_a_yaml_file_of_many_aliases_ends_in_one_short_message(tmp_path: Path) -> None:
    levels = "\n".join(f"  - &l{n} [{', '.join([f'*l{n - 1}'] * 9)}]" for n in range(1, 30))
    message = refusal(written(tmp_path, "m.yaml", f"rows:\n  - &l0 [x, x]\n{levels}"))
    assert message == "row 1: expected an object with botmatic and ext, got a list"
