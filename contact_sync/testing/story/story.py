"""A story of people who edit contacts on both sides, made up from a seed, and what has to come of it."""

from __future__ import annotations

import copy
import random
import secrets
from collections.abc import Mapping

from contact_sync.consumer import CANNOT_CLEAR, ExternalAPIConsumer, offers
from contact_sync.rules import LATE_SECONDS
from contact_sync.testing.contract_probe import ConsumerDeclaration
from contact_sync.testing.paths import contact_of, leaves, put, steps
from contact_sync.testing.people import People
from mappers import Mapper
from mappers import Mapping as Row

from .both_sides import BothSides, QuietPlatform
from .outcome import differences
from .persons import OTHER, Person, Side
from .troubles import Troubles


class Story:
    """People edit contacts on both sides.

    Args:
        declared: The suite.
        consumer: The CRM's consumer.
        people: Who edits in the CRM.
        platform: The platform.
        troubles: What goes wrong.
        seed: Of the chance: the same seed gives the same story.

    Attributes:
        log: What was done, in order.
    """

    def __init__(
        self,
        declared: ConsumerDeclaration,
        consumer: ExternalAPIConsumer,
        people: People,
        platform: QuietPlatform,
        troubles: Troubles,
        *,
        seed: str,
    ) -> None:
        self.log: list[str] = []
        self._declared = declared
        self._consumer = consumer
        self._people = people
        self._seed = seed
        self._chance = random.Random(seed)  # noqa: S311 - no secret
        self._run = secrets.token_hex(4)
        self._count = 0
        self._persons: list[Person] = []
        self._bystander: Person | None = None
        self._names = _names(declared)
        self.sides = BothSides(
            platform,
            consumer,
            Mapper([Row("id", declared.id_field, id=True), *_rows(self._names, declared.email_field)]),
            troubles,
            id_field=declared.id_field,
            email_field=declared.email_field,
            settle_seconds=declared.settle_seconds,
        )
        self.sides.between_pages = self._come_and_go
        anything = declared.has_people  # they can do all, and otherwise what the consumer can
        clears = consumer.clear_value is not CANNOT_CLEAR
        self._can: dict[tuple[Side, str], bool] = {
            ("platform", "create"): declared.can_create,
            ("platform", "text"): declared.can_update,
            ("platform", "clear"): declared.can_update and clears,
            ("platform", "email"): declared.can_update,
            ("platform", "delete"): declared.can_delete,
            ("CRM", "create"): anything or declared.can_create,
            ("CRM", "text"): anything or declared.can_update,
            ("CRM", "clear"): anything or (declared.can_update and clears),
            ("CRM", "email"): anything or declared.can_update,
            ("CRM", "delete"): anything or declared.can_delete,
        }
        properties = [{"name": name, "type": "text"} for name in self._names.values()]
        declared_there = self.sides.sync.create_properties(properties, self.sides.workspace.token)
        assert declared_there.success, declared_there.error

    # What people do

    @property
    def possible(self) -> list[tuple[Side, str]]:
        """What can be done on which side."""
        return [what for what, can in self._can.items() if can]

    def edit(self, side: Side, what: str) -> bool:
        """Have somebody edit something. Whether there was anything that could be edited so."""
        if what == "create":
            self._create(side)
            return True
        person = self._somebody(side, has_text=what == "clear")
        if person is None:
            return False
        self._count += 1
        if what == "delete":
            self._delete(side, person)
        elif what == "email":
            self._change(side, person, self._declared.email_field, self._address())
        else:
            self._change(side, person, self._declared.text_field, None if what == "clear" else f"Text {self._count}")
        return True

    def meet(self) -> None:
        """Have somebody's contact created on the platform whose record is in the CRM already, of which nobody told."""
        there = self._create("CRM")
        self.sides.notices.pop()
        person = self._create("platform", there.emails[-1])
        person.contested = True  # their texts differ
        self._persons.remove(there)

    def happen(self, edits: int) -> None:
        """Let so many edits happen, of every kind if they are many, some of which are told of before the next.

        Then everything that goes wrong ends, and everything is told. One person is there all the while, whom nobody
        edits.
        """
        creates: list[tuple[Side, str]] = [what for what in self.possible if what[1] == "create"]
        self._bystander = self._create(creates[-1][0])  # a CRM that lists nobody at all is taken for one that is broken
        waiting = creates
        for number in range(1, edits + 1):
            waiting = waiting or self._chance.sample(self.possible, len(self.possible))
            done = next((what for what in waiting if self.edit(*what)), None)
            if done is None:  # nobody is there with whom anything of it could be done
                waiting = creates
                continue
            waiting = [what for what in waiting if what != done]
            self._tell_some()
            if number == edits // 2:
                self._ask(full=True)
        self._ask(full=not offers(self.sides.faulty, "list_changed"))
        self.sides.come_to_rest()

    def _tell_some(self) -> None:
        for work in self._chance.sample((self.sides.deliver_events, self.sides.deliver_notices), 2):
            if self._chance.random() < 0.5:
                work()
        self._settle()

    def _ask(self, *, full: bool) -> None:
        self.log.append("we ask the CRM what has changed")
        self.sides.pull(full=full)
        self._settle()

    def _settle(self) -> None:
        """Take note of whose edits have been told of."""
        waiting: dict[Side, set[str]] = {
            "platform": self.sides.untold_contacts(),
            "CRM": self.sides.untold_records(),
        }
        for person in self._persons:
            told = {side for side in person.untold if person.ids.get(side) not in waiting[side]}
            person.untold -= told
            if person.gone == "CRM" and "CRM" in told:
                self.sides.faulty.free(person.ids["CRM"])

    def _create(self, side: Side, email: str | None = None) -> Person:
        self._count += 1
        contact = copy.deepcopy(self._declared.new_contact(self._count))
        person = Person(self._count, [email or self._address()], f"Text {self._count}")
        put(contact, self._declared.email_field, person.emails[-1])
        put(contact, self._declared.text_field, person.text)
        if side == "platform":
            there = self.sides.mapper.to_botmatic(contact)
            person.ids[side] = self.sides.workspace.create_contact({k: v for k, v in there.items() if k != "id"})
        else:
            person.ids[side] = id = self.sides.faulty.seen_as(self._people.create(contact))
            self.sides.made(id)
        self._persons.append(person)
        self._did(side, person, "is created")
        return person

    def _change(self, side: Side, person: Person, path: str, value: str | None) -> None:
        if side == "platform":
            self.sides.workspace.update_contact(person.ids[side], {self._names[steps(path)]: value})
        else:
            self._people.update(self.sides.faulty.known_as(person.ids[side]), contact_of({path: value}))
            self.sides.tell(person.ids[side])
        if path == self._declared.email_field:
            person.emails.append(str(value))
        else:
            person.text = value
        self._did(side, person, "gets another address" if value == person.emails[-1] else f"gets the {path} {value!r}")

    def _delete(self, side: Side, person: Person) -> None:
        id = person.ids[side]
        if side == "platform":
            self.sides.workspace.delete_contact(id)
        else:
            self._people.delete(self.sides.faulty.known_as(id))
            self.sides.faulty.deleted(id)
            self.sides.tell(id)
        person.gone = person.gone or side
        self._did(side, person, "is deleted")

    def _come_and_go(self) -> None:
        """Between two pages of a walk, somebody comes and somebody goes."""
        if self._can["CRM", "create"]:
            self._create("CRM")
        somebody = self._somebody("CRM") if self._can["CRM", "delete"] else None
        if somebody is not None and len(self._persons) > 4:
            self._delete("CRM", somebody)

    def _did(self, side: Side, person: Person, what: str) -> None:
        person.edited(side)
        person.contested |= self.sides.troubles.skew > LATE_SECONDS / 2  # what is late is not known then
        self.log.append(f"{side}: person {person.number} ({person.ids[side]}) {what}")

    def _address(self) -> str:
        self._count += 1
        return f"person-{self._run}-{self._count}@{self._declared.email_domain}".casefold()

    def _somebody(self, side: Side, *, has_text: bool = False) -> Person | None:
        """Somebody whose contact is there on a side.

        On the other side it may have been deleted already, unless somebody else may have its id by now.
        """
        never = ("platform", "CRM") if self.sides.troubles.reuses_ids else (side,)
        known = [person for person in self._persons if person is not self._bystander]
        alive = [person for person in known if person.gone not in never and (person.text or not has_text)]
        self._chance.shuffle(alive)
        return next((person for person in alive if self._is_on(side, person)), None)

    def _is_on(self, side: Side, person: Person) -> bool:
        store, own = self.sides.store, self.sides.installation
        if side not in person.ids:
            if person.gone:
                return False
            other = person.ids[OTHER[side]]
            found = store.get_botmatic_id(own, other) if side == "platform" else store.get_external_id(own, other)
            if found is None:
                return False
            person.ids[side] = found
        id = person.ids[side]
        return id in self.sides.workspace.contacts if side == "platform" else self.sides.read(id).success

    # What comes of it

    def problems(self) -> list[str]:
        """What is not as it has to be, now that everything has been told: nothing, it is to be hoped."""
        fields = (self._declared.email_field, self._declared.text_field)
        return [*self.sides.problems, *differences(self.sides, self._persons, *fields, mark=f"-{self._run}-")]

    def told(self) -> str:
        """The story so far, and what went wrong, for a message: enough to have it again."""
        return "\n".join(
            (
                f"This story again: seed {self._seed!r}",
                *(f"  {number}. {line}" for number, line in enumerate(self.log, 1)),
                *(f"  went wrong: {line}" for line in self.sides.troubles.done),
            )
        )

    def clean_up(self) -> None:
        """Take out of the CRM what is left there, and end."""
        for id in self.sides.live_records():
            if self._can["CRM", "delete"]:
                self._people.delete(self.sides.faulty.known_as(id))
        self.sides.close()


def _names(declared: ConsumerDeclaration) -> dict[tuple[str, ...], str]:
    """What each field of a contact is called on the platform."""
    known = {steps(declared.email_field): "email", steps(declared.text_field): "text"}
    more = [path for path, _ in leaves(declared.new_contact(1)) if path not in known]
    return known | {path: f"field_{number}" for number, path in enumerate(more, 1)}


def _rows(names: Mapping[tuple[str, ...], str], email_field: str) -> list[Row]:
    escaped = {path: ".".join(step.replace("\\", "\\\\").replace(".", "\\.") for step in path) for path in names}
    return [Row(name, escaped[path], match=path == steps(email_field)) for path, name in names.items()]
