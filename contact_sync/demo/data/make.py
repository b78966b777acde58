"""Makes `contacts.csv`, always the same: `python -m contact_sync.demo.data.make`.

Nobody in it exists. E-mail addresses are of domains that are reserved for examples, telephone numbers of ranges that
regulators keep for films and books.
"""

from __future__ import annotations

import csv
import io
import json
import random
import unicodedata
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from . import CONTACTS_FILE
from .curious import CURIOUS

SEED: Final = 20_190_301
HOW_MANY: Final = 200


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


COLUMNS: Final = _words("""
    given_name family_name email phone street postcode city country born_on customer_since last_seen_at opted_in
    order_count balance_cents tags preferences notes
""")

GIVEN: Final = _words("""
    Amélie Anouk Björn Chloé Cosima Darragh Eleni Émile Esra Fatoumata Fiadh Giulia Håkon Idris Inês Jörg Kofi Lïa Luís
    Mateusz Maïwenn Nadia Niamh Noor Ólafur Pepijn Qiana Raúl Renée Saoirse Siân Sören Tomáš Ulrike Václav Wren Ximena
    Yusuf Zdeněk Zuzana
""")
FAMILY: Final = _words("""
    Abernathy Brânză Černohorský Dąbrowska Eichhörnchen Falkenrath Gjerstad Håkonsen Iñarra Jägermeyer Köppel Lévêque
    Månsgård Nørrevang Öztemiz Përmeti Quintrell Řeháčková Sønderup Şahinoğlu Trzaskalik Überwasser Vågslid Whittlesea
    Xhelilaj Ylönen Žižkovský d'Aubrac van-der-Wolk Mac-Giolla
""")
# Country, phone formats with a place for the last digits, postcode, city.
PLACES: Final = (
    ("US", ("(202) 555-01{:02}", "202-555-01{:02}", "+1202555 01{:02}", "1.202.555.01{:02}"), "0####", "Boston"),
    ("GB", ("+44 7700 9000{:02}", "07700 9001{:02}", "0044 7700 9002{:02}", "(020) 7946 00{:02}"), "EC#A #BB", "Leeds"),
    ("FR", ("06 39 98 00 {:02}", "+33 6 39 98 01 {:02}", "0033639980 2{:02}", "06.39.98.03.{:02}"), "0####", "Nice"),
    ("DE", ("030 23125 0{:02}", "+49 30 23125-1{:02}", "0049 (30) 231252{:02}", "030/231253{:02}"), "0####", "Ulm"),
    ("SE", ("08-465 004 {:02}", "+46 8 465 004 {:02}", "0846500 4{:02}", "08 465 004{:02}"), "### ##", "Umeå"),
)
NOTES: Final = (
    "Prefers to be called after 17:00",
    "Réclamation en cours – ne pas relancer",
    "Rückruf vereinbart; siehe Vertrag Nr. 000417",
    'Said: "send me the catalogue, please"',
    "Met at the fair, hall 4, row 7",
    "100 % satisfied",
    "C:\\scans\\letter 3.pdf",
)
TAGS: Final = ("vip", "newsletter", "trade fair", "été 2024", "wholesale", "to call", "no ads")
LANGUAGES: Final = ("en", "fr", "de", "sv", "pt-BR")
DAYS: Final = ("%Y-%m-%d", "%d/%m/%Y", "%d.%m.%Y", "%d %b %Y", "%Y/%m/%d")
NOW: Final = datetime(2025, 3, 1, tzinfo=UTC)


def make() -> str:
    """Make the whole file, as text."""
    draw = random.Random(SEED)  # noqa: S311 - no secret, but always the same
    rows = [_curious(draw, row) for row in CURIOUS]
    rows += [_ordinary(draw, rows) for _ in range(HOW_MANY - len(rows))]
    draw.shuffle(rows)
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _curious(draw: random.Random, row: tuple[str, ...]) -> dict[str, Any]:
    names = ("given_name", "family_name", "email", "phone", "postcode", "city", "country", "notes")
    return _details(draw) | dict(zip(names, row, strict=True))


def _ordinary(draw: random.Random, before: list[dict[str, Any]]) -> dict[str, Any]:
    given, family = draw.choice(GIVEN), draw.choice(FAMILY)
    country, phones, postcode, city = draw.choice(PLACES)
    email = f"{_ascii(given)}.{_ascii(family)}{draw.randrange(100)}@example.{draw.choice(('com', 'org', 'net'))}"
    if draw.random() < 0.1:
        email = ""
    elif draw.random() < 0.05:
        email = next(row["email"] for row in draw.sample(before, len(before)) if row["email"])
    elif draw.random() < 0.1:
        email = email.upper()
    return _details(draw) | {
        "given_name": given if draw.random() < 0.9 else given.upper(),
        "family_name": family if draw.random() < 0.9 else family.lower(),
        "email": email,
        "phone": draw.choice(phones).format(draw.randrange(100)) if draw.random() < 0.8 else "",
        "postcode": "".join(str(draw.randrange(10)) if sign == "#" else sign for sign in postcode),
        "city": city,
        "country": country,
        "notes": draw.choice(NOTES) if draw.random() < 0.4 else "",
    }


def _details(draw: random.Random) -> dict[str, Any]:
    """What is drawn for everybody. Each of it is missing now and then."""
    born = date(1930, 1, 1) + timedelta(days=draw.randrange(28_000))
    since = date(2009, 1, 1) + timedelta(days=draw.randrange(5_900))
    seen = NOW - timedelta(seconds=draw.randrange(40_000_000))
    tags = draw.sample(TAGS, draw.choice((0, 0, 1, 2, 3)))
    wishes = {
        "language": draw.choice(LANGUAGES),
        "channels": draw.sample(("e-mail", "sms", "post"), draw.randrange(4)),
        "quiet": {"from": draw.randrange(18, 23), "to": 8} if draw.random() < 0.3 else None,
    }
    return {
        "street": f"{draw.randrange(1, 240)}{draw.choice(('', '', 'a', ' bis'))}, {draw.choice(FAMILY)} Row",
        "born_on": born.strftime("%d/%m/%Y") if draw.random() < 0.7 else "",
        "customer_since": since.strftime(draw.choice(DAYS)) if draw.random() < 0.8 else "",
        "last_seen_at": int(seen.timestamp()) if draw.random() < 0.8 else "",
        "opted_in": draw.choice(("yes", "no", "")),
        "order_count": draw.choice((0, 0, 1, 2, draw.randrange(500))),
        "balance_cents": draw.choice((0, "", draw.randrange(-99_999, 1_000_000))),
        "tags": ";".join(tags),
        "preferences": json.dumps(wishes, ensure_ascii=False) if draw.random() < 0.5 else "",
    }


def _ascii(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return plain.replace("'", "").replace(" ", "")


if __name__ == "__main__":
    CONTACTS_FILE.write_text(make(), encoding="utf-8", newline="")
