"""Releases until they run: asked for, and approved by others.

The order of effects, and why a crash anywhere is harmless:

1. Whatever is asked is checked first, and checking changes nothing.
2. A request and its entry are one durable transaction. Crash before: nobody asked. Crash after: the request stands
   under an id that its asker was not told, and finds in the list; nothing leaves because of it.
3. An approval is one durable transaction that holds the release, so that approvals come one after the other: it is
   checked against what stands then, noted, the last one with the new end of the release's time, and entered. Crash
   before: nobody approved. Crash after: it counts, and is refused when given again, since each approves once.
4. A denial rolls back whatever was begun, and is entered by itself after that. Crash between: nothing was granted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager

from cloakroom.clock import Clock, to_microseconds
from cloakroom.crypto import random_bytes
from cloakroom.errors import DeniedError
from cloakroom.flows.admission.authorisation import Authoriser, Caller
from cloakroom.flows.ledger.entry_writing import EntryWriter
from cloakroom.flows.releases.ports import ReleaseStore, StoredRelease
from cloakroom.gate.policy import Form, Policy
from cloakroom.gate.releases import Approval, ReleaseContent, check_approval, check_content, check_run, kind_of
from cloakroom.ledger.entry import check_identifier
from cloakroom.vocabulary import Operation


class ReleaseRequests:
    """Takes requests for releases and approvals of them, and judges who may have what of one."""

    def __init__(
        self,
        *,
        store: ReleaseStore,
        entries: EntryWriter,
        authoriser: Authoriser,
        policy: Policy,
        clock: Clock,
        credentials_of: Callable[[str], frozenset[str]],
        random_bytes: Callable[[int], bytes] = random_bytes,
    ) -> None:
        """Assemble.

        Args:
            store: Where releases are kept.
            entries: Writes this node's entries.
            authoriser: Judges by the policy, and enters refusals.
            policy: The policy in force.
            clock: Tells the time.
            credentials_of: Gives the ids of all credentials of a principal, revoked ones too.
            random_bytes: Where the ids of releases come from.
        """
        self._store = store
        self._entries = entries
        self._authoriser = authoriser
        self._policy = policy
        self._clock = clock
        self._credentials_of = credentials_of
        self._random_bytes = random_bytes

    def request_release(self, who: Caller, content: ReleaseContent) -> StoredRelease:
        """Ask for a release.

        Raises:
            DeniedError: The policy does not let this principal ask for it.
            UsageError: The content makes no sense.
        """
        name = f"release-{self._random_bytes(6).hex()}"
        with self.entering_refusals(who, "request"):
            kind = check_content(self._policy, content)
            check_identifier("recipient", content.recipient)
            self.forms(who, content)
            self._authoriser.check_not_frozen(who.lineage)
        at = self._now()
        with self._store.transaction():
            self._store.add(name, content, who.lineage, at, at + kind.expires)
            self._entries.append(
                lineage=who.lineage,
                operation=Operation.RELEASE,
                purpose=kind.purpose,
                brand=content.brand,
                reference=content.reference,
                detail={
                    "phase": "request",
                    "release": name,
                    "digest": content.digest,
                    "credential": who.credential,
                },
            )
        return self._store.get(name)

    def approve_release(self, who: Caller, name: str, digest: str) -> StoredRelease:
        """Approve a release as it was shown.

        Args:
            who: The approver.
            name: Id of the release.
            digest: Of the content that was shown, in hex.

        Raises:
            DeniedError: The approval does not count; see `gate.releases.check_approval`.
        """
        with self.entering_refusals(who, "approve", name), self._store.transaction():
            standing = self._store.get(name, lock=True).standing
            self._authoriser.check_not_frozen(who.lineage)
            at = self._now()
            is_last = check_approval(
                self._policy,
                standing,
                who.principal,
                credential=who.credential,
                requester_credentials=self._credentials_of(standing.requested_by),
                digest=digest,
                now=at,
                address=who.address,
            )
            self._store.approve(name, Approval(who.lineage, who.credential, digest), at)
            if is_last:
                self._store.approved(name, at + kind_of(self._policy, standing.content.kind).expires)
            self._entries.append(
                lineage=who.lineage,
                operation=Operation.RELEASE,
                detail={"phase": "approve", "release": name, "digest": digest, "credential": who.credential},
            )
        return self._store.get(name)

    def check_receiver(self, who: Caller, name: str) -> StoredRelease:
        """Return a release to whoever asked for it and still may; to others it does not exist.

        Raises:
            DeniedError: There is no such release for this caller, or he may not have it any more.
        """
        found = self._store.get(name)
        if found.standing.requested_by != who.lineage:
            raise DeniedError("not-found", "no such release")
        with self.entering_refusals(who, "receive", name):
            self._authoriser.check_not_frozen(who.lineage)
            self.forms(who, found.standing.content)
        return found

    def check_may_run(self, who: Caller, name: str) -> StoredRelease:
        """Return a release that its requester may run now.

        Raises:
            DeniedError: It is not approved, has expired, was run, or is none of this caller's.
        """
        found = self.check_receiver(who, name)
        with self.entering_refusals(who, "run", name):
            check_run(self._policy, found.standing, who.principal, self._now())
        return found

    def hold(self, who: Caller, name: str) -> tuple[StoredRelease, Mapping[str, Form]]:
        """Within a transaction: hold a release that may run now; return it with the forms of its fields.

        Raises:
            DeniedError: As `check_may_run`; whoever calls this enters the refusal by `entering_refusals`.
        """
        found = self._store.get(name, lock=True)
        self._authoriser.check_not_frozen(who.lineage)
        check_run(self._policy, found.standing, who.principal, self._now())
        return found, self.forms(who, found.standing.content)

    def forms(self, who: Caller, content: ReleaseContent) -> Mapping[str, Form]:
        """Return the form in which each field of a release leaves, as the policy has it.

        Raises:
            DeniedError: The policy does not let this principal have it.
        """
        return self._authoriser.check(
            who,
            Operation.RELEASE,
            self.purpose(content),
            brands=frozenset({content.brand}),
            fields=frozenset(content.fields),
            reference=content.reference or None,
            records=content.maximum,
        ).forms

    def purpose(self, content: ReleaseContent) -> str:
        """Return the purpose that a release of this kind has.

        Raises:
            DeniedError: The policy knows no such kind.
        """
        return kind_of(self._policy, content.kind).purpose

    def entering_refusals(self, who: Caller, phase: str, name: str | None = None) -> AbstractContextManager[None]:
        """Return what enters a denied step of a release, and lets the denial pass on; lies around any transaction.

        Args:
            who: Who asks.
            phase: The step.
            name: Id of the release, where it has one.
        """
        detail = {"phase": phase} | ({} if name is None else {"release": name})
        return self._authoriser.entering_refusals(who, Operation.RELEASE, detail=detail)

    def _now(self) -> int:
        return to_microseconds(self._clock.now())
