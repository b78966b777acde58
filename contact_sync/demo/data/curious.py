"""Contacts as they really come: what people, forms, imports and colleagues leave in a CRM. All of them made up.

Each row is given name, family name, e-mail, phone, postcode, city, country and notes; the rest is drawn.
"""

from __future__ import annotations

from typing import Final

CURIOUS: Final = (
    # Accents, composed and decomposed: the two Josés look the same and are different text.
    ("José", "Núñez Peña", "jose.nunez@example.com", "+1 202-555-0101", "08001", "Barcelona", "ES", ""),
    ("Jose\u0301", "Ibáñez", "jose.ibanez@example.org", "", "46001", "València", "ES", "Name came in decomposed"),
    ("Zoë", "Müller-Lüdenscheidt", "zoe@example.net", "030 23125 017", "01067", "Dresden", "DE", ""),
    ("Łukasz", "Wójcik", "lukasz.wojcik@example.com", "", "00-001", "Warszawa", "PL", ""),
    ("Þórunn", "Ægisdóttir", "thorunn@example.org", "", "101", "Reykjavík", "IS", "Patronym, not a family name"),
    ("İlkay", "Işık", "ilkay.isik@example.net", "", "06420", "Ankara", "TR", "Dotted and dotless i"),
    ("Thị Ngọc Ánh", "Nguyễn", "anh.nguyen@example.com", "", "700000", "Thành phố Hồ Chí Minh", "VN", ""),
    ("François-Xavier", "de l’Étang", "fx@example.org", "01 99 00 12 34", "01000", "Bourg-en-Bresse", "FR", "’ not '"),
    # Other scripts; two of them run from right to left.
    ("ليلى", "حداد", "layla.haddad@example.com", "", "", "بيروت", "LB", "تفضل الاتصال مساءً"),
    ("נועה", "אדלר", "noa.adler@example.net", "", "6100000", "תל אביב", "IL", "מעדיפה הודעות טקסט"),
    ("美咲", "小野寺", "misaki@example.org", "", "060-0001", "札幌市", "JP", "午前中に連絡"),
    ("민서", "독고", "minseo@example.com", "", "03045", "서울", "KR", ""),
    ("Аглая", "Ветрова", "aglaya@example.net", "", "101000", "Москва", "RU", ""),
    ("Καλλιόπη", "Δρόσου", "kalliopi@example.org", "", "105 57", "Αθήνα", "GR", ""),
    ("अनन्या", "त्रिवेदी", "ananya@example.com", "", "110001", "नई दिल्ली", "IN", ""),
    ("Left \u202dto\u202c right", "مختلط Mixed", "mixed@example.net", "", "", "", "", "Direction marks"),
    # Emoji: one sign on the screen, up to eleven code points.
    ("Ivy 🌿", "Fernsby", "ivy@example.com", "+1 202-555-0102", "97201", "Portland", "US", "Loves 🪴🪴🪴"),
    ("👩‍👩‍👧‍👦", "Family", "family@example.org", "", "", "", "US", "🏳️‍🌈 👍🏽 – joined signs and skin tones"),
    # Quotes, commas, line breaks, and what looks like code.
    ('Wilhelmina "Billie"', "Oakhurst, Jr.", "billie@example.com", "202 555-0103", "00501", "Holtsville", "US", 'a,"'),
    ("Séamus", "O'Dubhlainn", "seamus.o'dubhlainn@example.org", "", "D02 X285", "Dublin", "IE", "'"),
    ("Robin", "'); DROP TABLE contacts;--", "robin.drop@example.net", "", "", "", "", "It is only a name"),
    ("<b>Bold</b>", "<script>alert(1)</script>", "markup@example.com", "", "", "", "", "<img src=x onerror=alert(2)>"),
    ("{{7*7}}", "${HOME}", "template@example.org", "", "", "", "", "%s %n {0} \\u0041 \\"),
    ("=1+1", "@SUM(A1)", "formula@example.net", "-1", "", "", "", '=HYPERLINK("https://example.com")'),
    ("Tab\tbed", "Back\\slash", "tab@example.com", "", "", "", "", "First line\nSecond line\n\tThird line, indented"),
    # Text that looks like something else, and has to stay text.
    ("Nora", "Null", "null@example.com", "", "00000", "", "", "null"),
    ("True", "Love", "true@example.org", "", "01e05", "", "", "true"),
    ("1e5", "007", "number@example.net", "0", "00123", "", "", "12345678901234567890"),
    ("N/A", "-", "na@example.com", "n/a", "N/A", "?", "", "0"),
    ("Infinity", "NaN", "nan@example.org", "", "", "", "", "1.10"),
    # Blanks: too many, too few, invisible.
    (" Padma ", "Trimble ", "padma@example.com", " +1 202-555-0104 ", " 04101 ", "Portland", "US", " as it is "),
    ("Zero\u200bWidth", "Non\u00a0Breaking", "invisible@example.net", "", "", "", "", "Unseen space"),
    ("Teller", "", "teller@example.org", "", "", "", "", "One name only"),
    ("", "Blank", "", "", "", "", "", "No given name, no e-mail, no phone"),
    ("", "", "nobody@example.com", "", "", "", "", ""),
    # Very long.
    (
        "Aurelia Philippa Rosalind Wilhelmina Seraphina Theodora",
        "Featherstonehaugh-Cholmondeley-Marjoribanks-Wolfeschlegelsteinhausenbergerdorff" * 2,
        "a.very.long.local.part.that.still.fits.into.sixty.four.letters.1@a-long-name-of-a-department.example.com",
        "+44 20 7946 0123 ext. 4567 (ask for the second desk from the window)",
        "CF48 1AA",
        "Llanfairpwllgwyngyllgogerychwyrndrobwllllantysiliogogogoch",
        "GB",
        "Called, called again, called once more. " * 40,
    ),
    # The same e-mail address twice, once in capitals; and a couple that shares one.
    ("Maren", "Solvik", "maren.solvik@example.com", "08-465 004 12", "111 22", "Stockholm", "SE", ""),
    ("MAREN", "SOLVIK", "Maren.Solvik@Example.COM", "+46 8 465 004 12", "11122", "STOCKHOLM", "SE", "Twice"),
    ("Ada", "Quill", "quills@example.org", "020 7946 0155", "SW1A 0XX", "London", "GB", "Shares an address with Ben"),
    ("Ben", "Quill", "quills@example.org", "020 7946 0155", "SW1A 0XX", "London", "GB", "Shares an address with Ada"),
    ("Plus", "Sign", "plus+newsletter@example.com", "", "", "", "", "A + in the e-mail"),
    ("Ünal", "Çelik", "ünal@example.org", "", "34000", "İstanbul", "TR", "Umlaut in the e-mail"),
)
