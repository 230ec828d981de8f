"""Who asks, as handlers are told."""

from __future__ import annotations

from dataclasses import dataclass

from cloakroom.adapters.postgres.service_store import Presented
from cloakroom.gate.decision import Principal
from cloakroom.use_cases.people import principals


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, as the store knows it at this moment.

    Attributes:
        presented: The credential and its principal.
        address: Network address; None on the machine itself.
    """

    presented: Presented
    address: str | None

    @property
    def principal(self) -> Principal:
        """The principal."""
        return self.presented.stored.principal

    @property
    def authenticated(self) -> principals.Authenticated:
        """The principal and its credential, as the flows take them."""
        return principals.Authenticated(self.presented.stored, self.credential)

    @property
    def credential(self) -> str:
        """Id of the credential."""
        return self.presented.credential.id
