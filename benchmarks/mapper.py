"""How many contacts a second the mapper maps, each way, on one core.

Eleven fields, among them a date and an object. Beside it, in the same run, a function written by hand for exactly these
fields, which does the same conversions and the same checks for absent and empty values: what a mapper costs above that
is the price of the table.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from time import perf_counter
from typing import Any

from benchmarks.report import Figure, Report
from mappers import Mapper, Mapping

AIM = 100_000
CONTACTS = 2_000
ROUNDS = 15

MAPPER = Mapper(
    [
        Mapping("id", "ref", id=True),
        Mapping("email", "email_address", match=True, type="email"),
        Mapping("firstname", "first_name"),
        Mapping("lastname", "last_name"),
        Mapping("phone", "phone_number", type="phone"),
        Mapping("company", "company_name"),
        Mapping("city", "town"),
        Mapping("score", "lead_score", type="number"),
        Mapping("newsletter", "opt_in", type="boolean"),
        Mapping("birthdate", "born_on", type="date"),
        Mapping("address", "postal_address", type="object"),
    ]
)


def external_contact(number: int) -> dict[str, Any]:
    """Make a contact as a CRM would give it."""
    return {
        "ref": f"C-{number:06d}",
        "email_address": f"contact{number}@example.com",
        "first_name": "Zoë",
        "last_name": "O’Brien",
        "phone_number": "+33 6 12 34 56 78",
        "company_name": "Example & Sons",
        "town": "Łódź",
        "lead_score": number % 100,
        "opt_in": number % 2 == 0,
        "born_on": f"{1950 + number % 50}-04-{1 + number % 28:02d}",
        "postal_address": {"street": "1 Main Street", "zip": f"{number % 100_000:05d}", "country": "PL"},
    }


TEXTS = [(row.botmatic, row.external) for row in MAPPER.rows[:7]]


def by_hand_to_botmatic(contact: dict[str, Any]) -> dict[str, Any]:
    """Do what the mapper does towards the platform, for these eleven fields alone."""
    result = {name: contact[key] or None for name, key in TEXTS if key in contact}
    if "lead_score" in contact:
        score = contact["lead_score"]
        result["score"] = score if isinstance(score, int) or score is None else float(score)
    if "opt_in" in contact:
        opt_in = contact["opt_in"]
        result["newsletter"] = None if opt_in is None else bool(opt_in)
    if "born_on" in contact:
        born = contact["born_on"]
        result["birthdate"] = date.fromisoformat(born).isoformat() if born else None
    if "postal_address" in contact:
        address = contact["postal_address"]
        result["address"] = json.dumps(address, ensure_ascii=False, separators=(",", ":")) if address else None
    return result


def by_hand_to_external(contact: dict[str, Any]) -> dict[str, Any]:
    """Do what the mapper does towards the CRM, for these eleven fields alone."""
    result = {key: contact[name] or None for name, key in TEXTS if name in contact}
    if "score" in contact:
        score = contact["score"]
        result["lead_score"] = score if isinstance(score, int) or score is None else float(score)
    if "newsletter" in contact:
        newsletter = contact["newsletter"]
        result["opt_in"] = None if newsletter is None else bool(newsletter)
    if "birthdate" in contact:
        born = contact["birthdate"]
        result["born_on"] = date.fromisoformat(born).isoformat() if born else None
    if "address" in contact:
        address = contact["address"]
        result["postal_address"] = json.loads(address) if address else None
    return result


def per_second(function: Callable[[dict[str, Any]], dict[str, Any]], contacts: list[dict[str, Any]]) -> float:
    """Measure a function: contacts a second, in the best of some rounds (the others were disturbed)."""
    best = float("inf")
    for _ in range(ROUNDS):
        start = perf_counter()
        for contact in contacts:
            function(contact)
        best = min(best, perf_counter() - start)
    return len(contacts) / best


def run(*, quick: bool = False) -> Report:
    """Measure both ways, beside the same by hand."""
    external = [external_contact(number) for number in range(CONTACTS // 4 if quick else CONTACTS)]
    platform = [MAPPER.to_botmatic(contact) for contact in external]
    if platform != [by_hand_to_botmatic(contact) for contact in external]:
        raise AssertionError("the two ways to the platform differ: what is measured is not the same")
    if external != [by_hand_to_external(contact) for contact in platform]:
        raise AssertionError("the two ways to the CRM differ: what is measured is not the same")
    ways = (
        ("to the platform", MAPPER.to_botmatic, by_hand_to_botmatic, external),
        ("to the CRM", MAPPER.to_external, by_hand_to_external, platform),
    )
    figures = []
    for name, mapped, by_hand, contacts in ways:
        speed = per_second(mapped, contacts)
        aim = f"at least {AIM:,}"
        figures.append(
            Figure(name, speed, "contacts/s", per_second(by_hand, contacts), "by hand", aim, met=speed >= AIM)
        )
    return Report(
        f"mapper, {len(MAPPER.rows)} fields with a date and an object, one core",
        tuple(figures),
        (f"{len(external):,} contacts, best of {ROUNDS} rounds; by hand: a function written for these fields alone",),
    )
