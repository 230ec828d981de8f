"""Root, brand and index keys rotate while another node reveals and finds without an error."""

from __future__ import annotations

import threading
import time
from dataclasses import replace

import pytest

from cloakroom.adapters.root_key import create_root_key
from cloakroom.errors import CloakroomError, UncheckableError
from cloakroom.flows.store import rotate
from cloakroom.use_cases.store import rotation as rotating
from cloakroom.vault.envelope import EnvelopeClass
from cloakroom.vault.key_ring import KeyPurpose
from cloakroom.vault.opening import BrandOpener
from cloakroom.wiring import open_application
from spine_world import live_ordinals, open_records, opened_world, search, staff, tokens_of


class Serving(threading.Thread):
    """A node that reveals and finds one customer over and over, and reads its keys anew once a second."""

    def __init__(self, store):
        super().__init__()
        self.node = store.open(node="serving")
        self.who = staff(self.node)
        brand = "tarsenne"
        number = self.node.catalogue.fields["email"]
        for row in self.node.vault.sealed_rows(live_ordinals(self.node, brand)):
            values = BrandOpener(self.node.ring, row.brand).open(
                row.record, row.keys, {EnvelopeClass.CONTACT: [number]}
            )
            if number in values:  # one customer in ten gave no address
                break
        self.email = values[number].decode()
        self.tokens = tokens_of(self.node, self.who, [row.record.ordinal])
        fields = frozenset({"email", "given_name", "family_name"})
        self.brand, self.fields = brand, fields
        self.expected = None
        self.stopping = threading.Event()
        self.failures = []
        self.served = 0

    def run(self):
        refreshed = time.monotonic()
        try:
            while not self.stopping.is_set():
                if time.monotonic() - refreshed > 1:
                    self.node.refresh_keys()
                    refreshed = time.monotonic()
                self.serve()
        except (AssertionError, CloakroomError) as error:
            self.failures.append(error)

    def serve(self):
        answer = open_records(self.node, self.who, self.tokens, fields=self.fields)
        assert answer.broken is None
        assert answer.admission.permitted, answer.admission
        if self.served % 10 == 0 and self.served < 300:  # searches count each time, the same record counts once
            found = search(self.node, self.who, [self.brand], self.email)
            if found.admission.permitted:
                assert self.tokens[0] in found.tokens[self.brand]
        values = dict(answer.revealed[0].values)
        self.expected = self.expected or values
        assert values == self.expected
        self.served += 1


@pytest.fixture
def serving(store):
    thread = Serving(store)
    thread.start()
    yield thread
    thread.stopping.set()
    thread.join()
    thread.node.close()


def finish(serving):
    already = serving.served
    until = time.monotonic() + 10
    while serving.served < already + 3 and not serving.failures and time.monotonic() < until:
        time.sleep(0.01)
    serving.stopping.set()
    serving.join()
    assert serving.failures == []
    assert serving.served > 5


def test_brand_and_index_keys_rotate_while_another_node_serves(store, serving):
    application = store.open(node="rotator")
    before = opened_world(application)
    brand = application.catalogue.brand("tarsenne")
    wraps = application.connection.execute("select count(*) from person_key where brand = %s", (brand,)).fetchone()[0]
    rows = application.connection.execute("select count(*) from blind_index where brand = %s", (brand,)).fetchone()[0]
    assert rotating.rotate_brand(application, "tarsenne") == wraps
    assert rotating.rotate_index(application, "tarsenne") == rows
    finish(serving)
    assert opened_world(application) == before
    assert application.ring.generations(KeyPurpose.WRAP, brand, "CONTACT") == [2]
    assert application.ring.generations(KeyPurpose.INDEX, brand) == [2]
    left = application.connection.execute(
        "select count(*) from person_key where brand = %s and generation = 1", (brand,)
    ).fetchone()
    assert left == (0,)
    application.close()


def test_the_root_key_rotates_while_another_node_serves(store, tmp_path):
    application = store.open(node="rotator")
    serving = Serving(store)
    create_root_key(tmp_path / "new.key")
    # Enrolled by the serving node after this one opened: its keys must be wrapped anew, too.
    rotating.rotate_root(application, f"file:{tmp_path / 'new.key'}")
    for _ in range(5):
        serving.serve()
    moved = open_application(replace(store.settings, root_key=f"file:{tmp_path / 'new.key'}"))
    assert opened_world(moved)
    with pytest.raises(UncheckableError, match="wrong root key"):
        open_application(store.settings)
    # The node under the old root must not add keys that nobody could open any more.
    with pytest.raises(UncheckableError, match="wrong root key"):
        staff(serving.node, "late")
    assert moved.records.find_principal("late") is None
    moved.refresh_keys()
    assert staff(moved, "after")
    for node in (application, serving.node, moved):
        node.close()


class StoppedError(Exception):
    """Stands for the death of the process."""


@pytest.mark.parametrize("what", ["brand", "index"])
def test_a_rotation_that_stops_in_the_middle_goes_on_where_it_stopped(store, monkeypatch, what):
    monkeypatch.setattr(rotate, "BATCH", 40)
    monkeypatch.setattr(rotate, "REFRESH_SECONDS", 0)
    rotate_it = {"brand": rotating.rotate_brand, "index": rotating.rotate_index}[what]
    application = store.open()
    before = opened_world(application)

    def stop(done):
        if done > 60:
            raise StoppedError

    with pytest.raises(StoppedError):
        rotate_it(application, "tarsenne", stop)
    application.close()
    again = store.open()
    assert opened_world(again) == before
    assert rotate_it(again, "tarsenne") > 0
    assert opened_world(again) == before
    purpose, detail = (KeyPurpose.WRAP, "CONTACT") if what == "brand" else (KeyPurpose.INDEX, "")
    assert again.ring.generations(purpose, again.catalogue.brand("tarsenne"), detail) == [2]
    who = staff(again)
    email = next(
        values["email"] for (brand, _), values in before.items() if brand == "tarsenne" and "email" in values
    )
    assert search(again, who, ["tarsenne"], email).tokens["tarsenne"]
    again.close()
