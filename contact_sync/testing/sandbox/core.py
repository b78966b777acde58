"""What the sandbox consists of, wired together: everything but the server and its pages."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any, Final, get_args

from contact_sync.errors import ConfigurationError

from .api import Api, ApiCall
from .changes import Changes
from .delivery import Courier, Delivery, DeliveryRules
from .faults import Fault, Faults, Operation
from .store import Ids, Placement, Store, Switches, WorkspaceData
from .workspace import Workspace, placed

MAIN: Final = "main"


class SandboxCore:
    """Workspaces, events, calls and faults. See `SandboxPlatform` for the arguments."""

    def __init__(self, ids: Ids, delivery: DeliveryRules) -> None:
        self.changes = Changes()
        self.switches = Switches()
        self._stopping = threading.Event()
        self._courier = Courier(delivery, self.changes, lambda: self.switches.held)
        self._store = Store(self.changes, ids, self._emit)
        self._faults = Faults(self.changes)
        self._api = Api(self._store, self._faults, self.switches, self.changes, self._stopping)

    def workspace(self, name: str) -> Workspace:
        """The workspace of a name, made when it is first asked for."""
        return self._face(self._store.workspace(name))

    @property
    def workspaces(self) -> tuple[Workspace, ...]:
        """All workspaces."""
        return tuple(self._face(data) for data in self._store.workspaces())

    @property
    def deliveries(self) -> list[Delivery]:
        """All events and actions sent, oldest first (the last 10,000)."""
        with self.changes.lock:
            return list(self._courier.all)

    @property
    def calls(self) -> list[ApiCall]:
        """All calls of the REST API, oldest first (the last 10,000)."""
        with self.changes.lock:
            return list(self._api.calls)

    @property
    def held(self) -> list[Delivery]:
        """The events that are kept back, oldest first."""
        with self.changes.lock:
            return list(self._courier.held)

    def deliver_next(self, contact_id: str | int, *, token: str | None = None, timeout: float = 30.0) -> Delivery:
        """Deliver the oldest event of a contact that is kept back, and wait for what comes of it.

        Args:
            contact_id: The contact.
            token: Of which installation; any, if none.
            timeout: Seconds to wait.

        Raises:
            LookupError: None is kept back.
            TimeoutError: It is still under way.
        """
        with self.changes.lock:
            for delivery in self._courier.held:
                if delivery.contact_id == str(contact_id) and token in (None, delivery.token):
                    self._courier.let_go(delivery)
                    break
            else:
                raise LookupError("no event of this contact is held")
        return delivery.wait(timeout)

    def deliver_all(self, timeout: float = 30.0) -> list[Delivery]:
        """Deliver all events that are kept back, in order for each contact, and wait. New ones are held again.

        Raises:
            TimeoutError: Some are still under way.
        """
        deliveries = self._let_all_go()
        return [delivery.wait(timeout) for delivery in deliveries]

    def redeliver(self, delivery: Delivery, *, timeout: float = 30.0) -> Delivery:
        """Deliver an event or action once more, as it was, and wait for what comes of it.

        It comes after what is under way for its contact, and before what is held.

        Raises:
            TimeoutError: It is still under way.
        """
        return self._courier.again(delivery).wait(timeout)

    def wait_idle(self, timeout: float = 10.0) -> None:
        """Wait until no event is under way. One that is held is not.

        Raises:
            TimeoutError: Some still are. The message names them.
        """
        if not self._courier.wait_idle(timeout):
            waiting = [delivery for delivery in self.deliveries if delivery.state == "waiting"]
            raise TimeoutError(f"{len(waiting)} events are still under way after {timeout} s: {waiting[:5]}")

    def wait_for(self, condition: Callable[[], object], timeout: float = 10.0) -> None:
        """Wait until a condition holds; it is looked at after each change here. It must not block.

        Raises:
            TimeoutError: It does not hold in time.
        """
        if not self.changes.wait_for(condition, timeout):
            raise TimeoutError(f"the condition does not hold after {timeout} s")

    def fail(
        self,
        times: int = 1,
        *,
        on: Operation | None = None,
        status: int | None = None,
        retry_after: float | None = None,
        html: bool = False,
        drop: bool = False,
        delay: float = 0.0,
        effect: bool = False,
    ) -> None:
        """Let the next calls of the REST API go wrong; see `Fault`.

        Raises:
            ConfigurationError: That is no fault.
        """
        self.add_fault(
            Fault(
                times=times,
                on=on,
                status=status,
                retry_after=retry_after,
                html=html,
                drop=drop,
                delay=delay,
                effect=effect,
            )
        )

    def add_fault(self, fault: Fault) -> None:
        """Let a fault wait for calls, after those that wait already."""
        self._faults.add(fault)

    def clear_faults(self) -> None:
        """Forget all faults."""
        self._faults.clear()

    @property
    def faults(self) -> tuple[Fault, ...]:
        """The faults that wait for calls."""
        return self._faults.waiting()

    def switch(self, **switches: object) -> None:
        """Change how the platform behaves: `strict`, `echo`, `placement`, `held`. Without `held`, held events go.

        Raises:
            ConfigurationError: There is no such switch, or no such position.
        """
        known = {field.name for field in fields(Switches)}
        for name, value in switches.items():
            if name not in known:
                raise ConfigurationError(f"there is no switch {name!r}; there are {', '.join(sorted(known))}")
            good = value in get_args(Placement) if name == "placement" else isinstance(value, bool)
            if not good:
                raise ConfigurationError(f"the switch {name!r} has no such position")
        with self.changes.lock:
            for name, value in switches.items():
                setattr(self.switches, name, value)
            if not self.switches.held:
                self._let_all_go()
            self.changes.note()

    def revoke_token(self, token: str) -> None:
        """Revoke a token of any workspace: from now on it is unknown."""
        self._store.revoke_token(token)

    def _let_all_go(self) -> list[Delivery]:
        with self.changes.lock:
            held = list(self._courier.held)
            for delivery in held:
                self._courier.let_go(delivery)
            return held

    def _face(self, data: WorkspaceData) -> Workspace:
        return Workspace(data, self._store, self._courier, self.switches)

    def _emit(self, data: WorkspaceData, name: str, contact: Mapping[str, Any], id: str) -> None:
        for token, url in data.tokens.items():
            if url is not None:
                self._courier.send(url, token, "event", name, placed(name, contact, self.switches.placement), id)
