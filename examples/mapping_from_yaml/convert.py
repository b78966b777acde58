"""Maps a CRM's record to the platform and back, by the table in mapping.yaml."""

import json
from pathlib import Path

from mappers import Transform, load_mapper

HERE = Path(__file__).parent


def international(number: str) -> str:
    """Make +33612345678 of 06 12 34 56 78."""
    digits = number.replace(" ", "")
    return f"+33{digits[1:]}" if digits.startswith("0") else digits


def national(number: str) -> str:
    """Make 06 12 34 56 78 of +33612345678."""
    digits = f"0{number.removeprefix('+33')}" if number.startswith("+33") else number
    return " ".join(digits[start : start + 2] for start in range(0, len(digits), 2)) if len(digits) == 10 else digits


# A file holds no functions. It names them, and the program says what the names mean.
mapper = load_mapper(
    HERE / "mapping.yaml",
    transforms={"french_phone": Transform(to_botmatic=international, to_external=national)},
)


def main() -> None:
    record = json.loads((HERE / "record.json").read_text("utf-8"))
    contact = mapper.to_botmatic(record)
    print("In the CRM:", json.dumps(record, indent=2, ensure_ascii=False))
    print("On the platform:", json.dumps(contact, indent=2, ensure_ascii=False))
    print("Back in the CRM:", json.dumps(mapper.to_external(contact), indent=2, ensure_ascii=False))


if __name__ == "__main__":
    main()
