"""The people and the history of the second group: who they are, what each system held of them, and when.

Nothing of the program is used here but the tables of names: this is the truth that the program is measured against.
Addresses and numbers are made from their normal forms, which are therefore known and not computed.
"""

from __future__ import annotations

import random
from bisect import bisect_right
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta

from cloakroom.testing.atlas import flatten_letters, load_atlas

BRANDS = ("kaede", "ryabina", "larkspur", "brzask")
BEGIN = datetime(2024, 1, 1, tzinfo=UTC)
MONTHS = 6
END = datetime(2024, 7, 1, tzinfo=UTC)
_HOME = {"kaede": ["JP"], "ryabina": ["RU", "KZ", "BY"], "larkspur": ["US", "CA", "GB"], "brzask": ["PL", "CZ", "DE"]}
_STORES = {
    "kaede": {"東京本店": "JP", "WEB": None},
    "ryabina": {"М-01": "RU", "А-02": "KZ"},
    "larkspur": {"0007": "US", "0021": "CA"},
    "brzask": {"WAW": "PL", "BER": "DE"},
}
_PHONES = {  # calling code, trunk prefix, beginnings of mobile numbers, further digits
    "JP": ("81", "0", ["90", "80", "70"], 8), "RU": ("7", "8", ["916", "921", "903"], 7),
    "KZ": ("7", "8", ["701", "777"], 7), "BY": ("375", "80", ["29", "44"], 7), "US": ("1", "", ["303", "718"], 7),
    "CA": ("1", "", ["416", "604"], 7), "GB": ("44", "0", ["7700", "7911"], 6), "PL": ("48", "", ["501", "602"], 6),
    "CZ": ("420", "", ["601", "777"], 6), "DE": ("49", "0", ["151", "171"], 8),
}  # fmt: skip
_RUSSIAN = (
    ["Анна", "Ольга", "Мария", "Елена", "Дарья", "Пётр", "Иван", "Сергей", "Алексей", "Юрий", "Артём", "Жанна"],
    ["Воронцов", "Соколов", "Щербаков", "Ёлкин", "Кузнецов", "Морозов", "Зайцев", "Чернышёв", "Юдин", "Фёдоров",
     "Гончаров", "Лебедев", "Тихонов", "Панин", "Яковлев"],
    ["Иванович", "Петровна", "Сергеевич", "Алексеевна", "Юрьевич", ""],
)  # fmt: skip
_CZECH = (
    ["Jiří", "Zdeněk", "Božena", "Růžena", "Ondřej", "Žaneta"],
    ["Dvořák", "Němcová", "Říha", "Šťastný", "Křížová"],
)
_PLACES = {
    "JP": [("東京都", "千代田区", "100-0001"),
           ("大阪府", "大阪市北区", "530-0001"), ("京都府", "京都市中京区", "604-8001")],
    "RU": [("Московская область", "Химки", "141400"),
           ("Ленинградская область", "Выборг", "188800"), ("", "Москва", "101000")],
    "KZ": [("", "Алматы", "050000")], "BY": [("Минская область", "Борисов", "222120")],
    "US": [("Colorado", "Boulder", "80301"), ("New York", "Brooklyn", "11201"), ("Texas", "Austin", "73301")],
    "CA": [("Ontario", "Toronto", "M5H 2N2"), ("British Columbia", "Vancouver", "V5K 0A1")],
    "GB": [("", "Leeds", "LS1 1UR")],
    "PL": [("", "Łódź", "90-001"), ("", "Kraków", "30-001"), ("", "Warszawa", "00-001")],
    "CZ": [("", "Brno", "602 00"), ("", "Plzeň", "301 00")], "DE": [("", "München", "80331"), ("", "Köln", "50667")],
}  # fmt: skip
_STREETS = {
    "JP": ["丸の内", "梅田", "河原町通り"], "RU": ["ул. Ленина, д.", 'пер. "Тихий",'],
    "KZ": ["пр. Абая,"], "BY": ["ул. Мира,"], "US": ['"Old" Mill Rd, Apt', "Pearl St"],
    "CA": ["King St W"], "GB": ["Park Row"], "PL": ["ul. Żółwia", "pl. Wolności"], "CZ": ["Česká"],
    "DE": ["Große Straße", "Äußere Gasse"],
}  # fmt: skip
_LANGUAGE = {
    "JP": "ja",
    "RU": "ru",
    "KZ": "kk",
    "BY": "ru",
    "US": "en",
    "CA": "fr",
    "GB": "en",
    "PL": "pl",
    "CZ": "cs",
    "DE": "de",
}
_CULTURES = {"JP": 13, "US": 5, "CA": 6, "GB": 4, "PL": 9, "DE": 2}


@dataclass(frozen=True)
class Typed:
    """A value as typed, and its normal form; no normal form where it is none."""

    text: str
    normal: str | None


@dataclass(frozen=True)
class Values:
    """What one system holds of somebody, in no system's spelling; empty texts where nothing is held."""

    given: str
    family: str
    middle: str = ""
    emails: tuple[Typed, ...] = ()
    phones: tuple[Typed, ...] = ()
    street: str = ""
    city: str = ""
    region: str = ""
    postcode: str = ""
    country: str = ""
    born: date | None = None
    gender: str = ""
    language: str = ""
    kind: str = "customer"
    store: str = ""
    spend: int = 0


@dataclass
class Record:
    """One record of one brand: its states over time; None from when it was deleted."""

    brand: str
    id: str
    person: int | None
    created: datetime
    times: list[datetime] = field(default_factory=list)
    states: list[Values | None] = field(default_factory=list)

    def at(self, moment: datetime) -> Values | None:
        """Return what was held at a moment."""
        place = bisect_right(self.times, moment) - 1
        return self.states[place] if place >= 0 else None

    def modified(self, moment: datetime) -> datetime:
        """Return when the state of a moment began."""
        return self.times[bisect_right(self.times, moment) - 1]


@dataclass(frozen=True)
class _Person:
    country: str
    given: str
    family: str
    middle: str
    latin: tuple[str, str]
    emails: tuple[str, str]
    phones: tuple[str, str, str]  # E.164
    born: date
    gender: str
    house: str


class History:
    """All records of the four brands, made from a seed."""

    def __init__(self, seed: int = 7, persons: int = 900, changes: float = 2.0) -> None:
        self._random = random.Random(seed)
        self._used: set[datetime] = set()
        self._changes = changes
        self.records: list[Record] = []
        self._people = [self._person(number) for number in range(persons)]
        for number, person in enumerate(self._people):
            for brand in self._brands_of(person):
                self._records_of(number, person, brand)
        for brand in BRANDS:
            self._tests(brand)

    def of(self, brand: str) -> list[Record]:
        """Return the records of a brand that its deliveries show at all."""
        return [record for record in self.records if record.brand == brand and self._is_shown(record)]

    @staticmethod
    def _is_shown(record: Record) -> bool:
        return record.times[-1] >= BEGIN or record.states[-1] is not None

    def live(self, brand: str, moment: datetime) -> list[Record]:
        """Return the records of a brand that existed at a moment."""
        return [record for record in self.of(brand) if record.at(moment) is not None]

    def shown_states(self, record: Record) -> list[Values]:
        """Return every state that some delivery shows."""
        first = max(bisect_right(record.times, BEGIN) - 1, 0)
        return [state for state in record.states[first:] if state is not None]

    def known_emails(self) -> set[str]:
        """Return the normal forms of all addresses that any delivery shows."""
        return {
            typed.normal
            for record in self.records
            if self._is_shown(record)
            for state in self.shown_states(record)
            for typed in state.emails
            if typed.normal
        }

    def persons(self, records: list[Record]) -> int:
        """Return how many real persons stand behind records."""
        return len({record.person for record in records if record.person is not None})

    def _person(self, number: int) -> _Person:
        pick = self._random
        brand = pick.choices(BRANDS, [3, 3, 3, 3])[0]
        country = pick.choices(_HOME[brand], [6, 2, 1][: len(_HOME[brand])])[0]
        given, family, middle, latin = self._name(country)
        local = f"{latin[0]}.{latin[1]}{number}".lower().replace(" ", "")
        local = "".join(sign for sign in local if sign.isascii() and (sign.isalnum() or sign == ".")).strip(".")
        domains = ["example.com", "example.org", "posta.example", "xn--bcherpost-q9a.example", "mail.example"]
        emails = (f"{local}@{pick.choice(domains)}", f"{local[:5]}_{number}+shop@{pick.choice(domains)}")
        born = date(1950, 1, 1) + timedelta(days=pick.randrange(22_000))
        phones = (self._number(country), self._number(country), self._number(country))
        gender, house = pick.choice(["male", "female", "unknown"]), str(pick.randrange(1, 9000))
        return _Person(country, given, family, middle, latin, emails, phones, born, gender, house)

    def _name(self, country: str) -> tuple[str, str, str, tuple[str, str]]:
        pick = self._random
        if country in ("RU", "KZ", "BY"):
            given, family = pick.choice(_RUSSIAN[0]), pick.choice(_RUSSIAN[1])
            if pick.random() < 0.5:
                family += "а"
            return given, family, pick.choice(_RUSSIAN[2]), (_latin(given), _latin(family))
        if country == "CZ":
            given, family = pick.choice(_CZECH[0]), pick.choice(_CZECH[1])
            return given, family, "", (flatten_letters(given), flatten_letters(family))
        atlas, culture = load_atlas(), _CULTURES[country]
        rows = [
            int(pool.first[culture]) + pick.randrange(int(pool.count[culture]))
            for pool in (atlas.given, atlas.family)
        ]
        latin = str(atlas.given.plain[rows[0]]), str(atlas.family.plain[rows[1]])
        return str(atlas.given.native[rows[0]]), str(atlas.family.native[rows[1]]), "", latin

    def _number(self, country: str) -> str:
        calling, _, beginnings, digits = _PHONES[country]
        first = str(self._random.randrange(2, 10))
        rest = "".join(str(self._random.randrange(10)) for _ in range(digits - 1))
        return f"+{calling}{self._random.choice(beginnings)}{first}{rest}"

    def _brands_of(self, person: _Person) -> list[str]:
        own = next(brand for brand in BRANDS if person.country in _HOME[brand])
        others = [brand for brand in BRANDS if brand != own and self._random.random() < 0.12]
        return [own, *others]

    def _records_of(self, number: int, person: _Person, brand: str) -> None:
        for _ in range(self._random.choices([1, 2, 3], [80, 15, 5])[0]):
            created = BEGIN - timedelta(days=self._random.randrange(2000), seconds=self._random.randrange(86_400))
            if self._random.random() < 0.15:
                created = self._moment()
            self._add(brand, number, created, self._first(person, brand))

    def _add(self, brand: str, person: int | None, created: datetime, values: Values) -> None:
        pick = self._random
        record = Record(brand, self._id(brand), person, created, [created], [values])
        start = max(created, BEGIN)
        count = pick.choices([0, 1, 2, 3, 5], [2, 3, 3, 2, 1])[0] * self._changes / 2
        moments = sorted({self._moment(start) for _ in range(round(count))})
        for moment in moments:
            values = self._changed(values, person, brand)
            record.times.append(moment)
            record.states.append(values)
        if pick.random() < 0.05:
            gone = self._moment(record.times[-1])
            record.times.append(gone)
            record.states.append(None)
            if pick.random() < 0.4:
                record.times.append(self._moment(gone))
                record.states.append(replace(values, spend=values.spend + 100))
        self.records.append(record)

    def _tests(self, brand: str) -> None:
        name = {"kaede": ("テスト", "テスト"), "ryabina": ("Тест", "Тест")}.get(brand, ("TEST", "TEST"))
        for _ in range(3):
            email = Typed(f"test@{brand}.example", f"test@{brand}.example")
            self._add(
                brand,
                None,
                BEGIN - timedelta(days=30),
                Values(*name, emails=(email,), store=next(iter(_STORES[brand]))),
            )

    def _moment(self, after: datetime = BEGIN) -> datetime:
        """Return a moment after another, used by no other change, outside the hour that New York lives twice."""
        span = int((END - after).total_seconds()) - 1
        while True:
            moment = after + timedelta(seconds=self._random.randrange(1, max(span, 2)))
            if moment not in self._used and moment.date() != date(2024, 11, 3):
                self._used.add(moment)
                return moment

    def _id(self, brand: str) -> str:
        number = len(self.records) * 7 + self._random.randrange(7) + 1000
        if brand == "kaede":
            return f"{number:08d}"
        if brand == "ryabina":
            return f"{self._random.getrandbits(64):016x}"
        return long_id(self._random) if brand == "larkspur" else str(100_000 + number)

    def _first(self, person: _Person, brand: str) -> Values:
        pick = self._random
        is_home = person.country in _HOME[brand]
        given, family = (person.given, person.family) if is_home else person.latin
        region, city, postcode = pick.choice(_PLACES[person.country if is_home else _HOME[brand][0]])
        country = person.country if is_home else _HOME[brand][0]
        store = pick.choice(list(_STORES[brand]))
        kind = "recipient" if pick.random() < 0.06 and brand != "ryabina" else "customer"
        values = Values(
            given=given, family=family, middle=person.middle if is_home else "",
            street=f"{pick.choice(_STREETS[country])} {person.house}",
            city=city, region=region, postcode=postcode, country=country,
            born=person.born if pick.random() < 0.7 else None,
            gender=person.gender, language=_LANGUAGE[country], kind=kind, store=store, spend=self._amount(),
        )  # fmt: skip
        emails = [] if pick.random() < 0.12 else [self._email(person.emails[0], brand)]
        if brand == "brzask" and emails and pick.random() < 0.3:
            emails.append(self._email(person.emails[1], brand))
        if not emails and pick.random() < 0.3:
            emails = [Typed("None@none.example", "none@none.example")]
        numbers = person.phones[: pick.choices([0, 1, 2, 3], [1, 4, 3, 2])[0]]
        phones = tuple(self._phone(number, brand, values) for number in numbers)
        return replace(values, emails=tuple(emails), phones=phones)

    def _amount(self) -> int:
        return int(2.718281828 ** self._random.gauss(10.5, 1.5))

    def _changed(self, values: Values, person: int | None, brand: str) -> Values:
        pick = self._random
        what = pick.choices(["spend", "email", "phone", "place", "name"], [5, 2, 2, 2, 1])[0]
        if person is None or what == "spend":
            return replace(values, spend=values.spend + pick.randrange(1, 50_000))
        who = self._people[person]
        if what == "email":
            other = who.emails[1] if values.emails[:1] and values.emails[0].normal == who.emails[0] else who.emails[0]
            return replace(values, emails=(self._email(other, brand),))
        if what == "phone":
            return replace(values, phones=(self._phone(self._number(who.country), brand, values), *values.phones[1:]))
        if what == "place":
            region, city, postcode = pick.choice(_PLACES[values.country])
            street = f"{pick.choice(_STREETS[values.country])} {pick.randrange(1, 9000)}"
            return replace(values, region=region, city=city, postcode=postcode, street=street)
        return replace(values, family=values.given, given=values.family)

    def _email(self, normal: str, brand: str) -> Typed:
        pick = self._random
        text = normal
        is_narrow = brand in ("kaede", "ryabina")  # Their code pages have no ü.
        if not is_narrow and normal.endswith("@xn--bcherpost-q9a.example") and pick.random() < 0.5:
            text = normal.replace("xn--bcherpost-q9a", "bücherpost")
        way = pick.random()
        if way < 0.1:
            return Typed(text.upper(), normal)
        return Typed(f" {text} ", normal) if way < 0.15 else Typed(text, normal)

    def _phone(self, normal: str, brand: str, values: Values) -> Typed:
        """Write a number in national form where the brand's system knows its country, else with a plus."""
        pick = self._random
        here = next(code for code, plan in _PHONES.items() if normal.startswith(f"+{plan[0]}") and any(
            normal[1 + len(plan[0]) :].startswith(start) for start in plan[2]))  # fmt: skip
        calling, trunk, _, _ = _PHONES[here]
        rest = normal[1 + len(calling) :]
        known = (_STORES[brand][values.store] or "JP") if brand == "kaede" else values.country
        if here != known or pick.random() < 0.3:
            return Typed(pick.choice([normal, f"+{calling} {rest[:3]} {rest[3:]}", f"+{calling}-{rest}"]), normal)
        spelled = pick.choice(
            [f"{trunk}{rest}", f"{trunk}{rest[:3]}-{rest[3:6]}-{rest[6:]}", f"{trunk}{rest[:3]} {rest[3:]}"]
        )
        if brand == "kaede" and pick.random() < 0.1:
            spelled = "".join(chr(ord(sign) + 0xFEE0) if sign != " " else "\u3000" for sign in spelled)
        if brand == "larkspur" and pick.random() < 0.4:
            spelled = f"({rest[:3]}) {rest[3:6]}-{rest[6:]}"
        return Typed(spelled, normal)


def long_id(pick: random.Random) -> str:
    """Return a Salesforce id of 18 characters; the last three say which of the others are capitals."""
    signs = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    short = "003" + "".join(pick.choice(signs) for _ in range(12))
    blocks = (short[:5], short[5:10], short[10:])
    values = [
        sum(1 << place for place, sign in enumerate(block) if sign.isascii() and sign.isupper()) for block in blocks
    ]
    return short + "".join("ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"[value] for value in values)


def _latin(text: str) -> str:
    letters = dict(zip("абвгдеёжзийклмнопрстуфхцчшщъыьэюя", [
        "a", "b", "v", "g", "d", "e", "e", "zh", "z", "i", "i", "k", "l", "m", "n", "o", "p", "r", "s", "t", "u", "f",
        "kh", "ts", "ch", "sh", "shch", "", "y", "", "e", "yu", "ya"], strict=True))  # fmt: skip
    return "".join(letters.get(sign, sign) for sign in text.lower()).title()
