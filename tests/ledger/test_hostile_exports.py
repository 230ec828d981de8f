"""An export by somebody who lies: entries dropped, doubled, moved or cut off, and checkpoints made to fit them."""

from __future__ import annotations

import hashlib
import itertools
import json
from dataclasses import replace

import pytest

from cloakroom.crypto import SigningKey
from cloakroom.errors import LimitError, TamperedError, UncheckableError
from cloakroom.ledger.export_files import VerificationLimits
from cloakroom.ledger.record_sets import encode_set_bundle
from cloakroom.ledger.verification import EarlierCheckpoint, Inspection, verify_export
from cloakroom.tlog import (
    Checkpoint,
    Ed25519Signer,
    Limits,
    TreeState,
    decode_bundle,
    encode_bundle,
    integrate,
    sign_checkpoint,
)
from exported_ledgers import LOG, Export, Inspector, build, examine, numbered, with_sets

SIGNED = build(numbered(300)).files["checkpoint"]
THIEF = Ed25519Signer(LOG.name, SigningKey(b"t" * 32))


def claimed(entries: list[bytes], checkpoint: bytes = SIGNED) -> Export:
    """The files of other entries under the checkpoint that was really signed."""
    return build(entries).changed("checkpoint", checkpoint)


def found(export: Export, **options: object) -> list[tuple[str, bool]]:
    return [(finding.path, finding.is_tampered) for finding in examine(export, **options).findings]


HISTORY = numbered(6)


def test_no_other_order_choice_or_doubling_of_six_entries_passes_for_them() -> None:
    """Every order of four, every one dropped, every one put in again in every place."""
    checkpoint = build(HISTORY).files["checkpoint"]
    others = [[*order, *HISTORY[4:]] for order in itertools.permutations(HISTORY[:4])][1:]
    others += [HISTORY[:place] + HISTORY[place + 1 :] for place in range(6)]
    others += [[*HISTORY[:place], entry, *HISTORY[place:]] for place in range(7) for entry in HISTORY]
    assert len(others) == 23 + 6 + 42
    for entries in others:
        verification = examine(claimed(entries, checkpoint))
        assert verification.findings, entries
        with pytest.raises((TamperedError, UncheckableError)):
            verification.check()
    assert examine(claimed(HISTORY, checkpoint)).findings == ()


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        # The files of another size do not have the names of the signed one, and what is there does not belong.
        (
            numbered(299),
            {
                ("tile/0/001.p/44", False), ("tile/entries/001.p/44", False), ("tile/0/001.p/43", True),
                ("tile/entries/001.p/43", True),
            },
        ),
        (
            numbered(301),
            {
                ("tile/0/001.p/44", False), ("tile/entries/001.p/44", False), ("tile/0/001.p/45", True),
                ("tile/entries/001.p/45", True),
            },
        ),
        # One dropped and another put in at the end: all names are right, and only the signed root tells.
        (numbered(301)[1:], {("checkpoint", True)}),
        ([*numbered(299), b"more"], {("checkpoint", True)}),
    ],
)  # fmt: skip
def test_a_rewritten_end_is_found_by_the_files_or_by_the_root(
    entries: list[bytes], expected: set[tuple[str, bool]]
) -> None:
    assert expected & set(found(claimed(entries)))


def resigned(size: int, root: bytes, signer: Ed25519Signer = LOG) -> bytes:
    return sign_checkpoint(Checkpoint(signer.name, size, root), signer)


@pytest.mark.parametrize("size", [0, 1, 256, 299, 301, 512, 70_000, 10**15, 2**62])
def test_a_checkpoint_of_another_size_over_the_same_root_does_not_pass(size: int) -> None:
    """Even by the log's own key: the files that the size asks for are not there, or too many are."""
    root = integrate(TreeState(), numbered(300)).root
    assert found(build(numbered(300)).changed("checkpoint", resigned(size, root)))


def test_the_files_that_are_read_follow_from_those_that_are_there_and_not_from_the_size_that_is_claimed() -> None:
    """The holder of the key may sign any number; whoever verifies must come to an end."""
    asked = []

    class Counting(Export):
        def read(self, path: str, limit_bytes: int) -> bytes | None:
            asked.append(path)
            return super().read(path, limit_bytes)

    honest = build(numbered(70_000)).files
    for files in (build(numbered(300)).files, honest):
        asked.clear()
        verification = examine(Counting({**files, "checkpoint": resigned(2**62, bytes(32))}))
        assert len(asked) < 20_000
        assert not any(finding.is_tampered for finding in verification.findings[:1])
    # Where the bundles are there, their entries are looked at, even if no tile of hashes is left.
    only_bundles = {
        path: data for path, data in honest.items() if not path.startswith(("tile/0", "tile/1", "tile/2"))
    }
    verification = examine(Export(only_bundles))
    assert verification.entries == 70_000
    assert {finding.reason for finding in verification.findings} == {"is missing"}


def test_a_checkpoint_of_another_root_over_the_same_files_is_itself_the_finding() -> None:
    root = integrate(TreeState(), numbered(300)).root
    for at in range(32):
        other = bytes(byte ^ (place == at) for place, byte in enumerate(root))
        assert found(build(numbered(300)).changed("checkpoint", resigned(300, other))) == [("checkpoint", True)]


def test_a_forged_checkpoint_stops_everything_and_nothing_that_it_covers_is_reported_as_checked() -> None:
    forged = build(numbered(300), THIEF)
    other = Ed25519Signer("other.example/log", LOG.key)
    for export in (forged, build(numbered(300), other), forged.changed("checkpoint", SIGNED[:-9])):
        verification = examine(export, inspector=(inspector := Inspector()), earlier=[EarlierCheckpoint("k", SIGNED)])
        assert [finding.path for finding in verification.findings] == ["checkpoint"]
        assert verification.checkpoint is None
        assert inspector.seen == []
        counts = (verification.entries, verification.files, verification.sets, verification.earlier)
        assert counts == (0, 1, 0, 0)


def test_signatures_of_the_thief_beside_the_logs_own_are_named_as_unknown_and_vouch_for_nothing() -> None:
    text, _, lines = SIGNED.partition(b"\n\n")
    thief = sign_checkpoint(Checkpoint(THIEF.name, 300, integrate(TreeState(), numbered(300)).root), THIEF)
    both = text + b"\n\n" + lines + thief.partition(b"\n\n")[2]
    verification = examine(build(numbered(300)).changed("checkpoint", both))
    assert (verification.findings, verification.unknown_signatures) == ((), (THIEF.name,))
    assert found(build(numbered(300), THIEF).changed("checkpoint", text + b"\n\n" + thief.partition(b"\n\n")[2])) == [
        ("checkpoint", False)
    ]


def test_a_wrong_signature_in_the_logs_name_is_tampering_and_a_missing_one_is_unchecked() -> None:
    text = SIGNED.partition(b"\n\n")[0]
    broken = SIGNED.replace(b"\n300\n", b"\n301\n")
    assert found(build(numbered(300)).changed("checkpoint", broken)) == [("checkpoint", True)]
    assert found(build(numbered(300)).changed("checkpoint", text + b"\n\n")) == [("checkpoint", False)]
    assert found(build(numbered(300)).changed("checkpoint", None)) == [("checkpoint", False)]


def test_the_worse_kind_of_finding_decides_what_is_raised_wherever_it_stands() -> None:
    export = build(numbered(300))
    missing, changed = export.changed("tile/entries/001.p/44", None), export.flipped("tile/entries/000", 2, 1)
    both_ways = (missing.flipped("tile/entries/000", 2, 1), export.changed("tile/0/000", None).changed("x", b""))
    with pytest.raises(UncheckableError):
        examine(missing).check()
    with pytest.raises(TamperedError):
        examine(changed).check()
    for both in both_ways:
        kinds = [finding.is_tampered for finding in examine(both).findings]
        assert sorted(kinds) == [False, True]
        with pytest.raises(TamperedError) as caught:
            examine(both).check()
        assert len(str(caught.value).splitlines()) == 2
    examine(export).check()


@pytest.mark.parametrize("bound", [0, 1, 4, 5, 6])
def test_findings_are_kept_up_to_the_bound_and_counted_beyond_it(bound: int) -> None:
    junk = Export({**build(numbered(3)).files, **{f"junk/{number}": b"" for number in range(5)}})
    verification = examine(junk, limits=VerificationLimits(findings=bound))
    assert (len(verification.findings), verification.findings_omitted) == (min(bound, 5), max(5 - bound, 0))
    if bound:
        with pytest.raises(TamperedError) as caught:
            verification.check()
        assert ("and 1 more" in str(caught.value)) == (bound == 4)


def test_an_export_counts_each_file_that_was_read_once() -> None:
    contents = {0: b"one", 299: b"last"}
    export = with_sets(contents)
    assert examine(export, inspector=Inspector()).files == len(export.files) == 8
    # Without anybody who knows entries, sets are not looked at.
    assert examine(export).files == 6
    earlier = Export({**integrate(TreeState(), [b"{}"] * 0).files, **with_sets(contents, 300).files})
    assert examine(earlier, inspector=Inspector()).sets == 2


def test_bounds_on_the_logs_files_hold_for_the_checkpoint_too() -> None:
    export = build(numbered(3))
    size = len(export.files["checkpoint"])
    for bound, expected in ((size, []), (size - 1, [("checkpoint", True)])):
        limits = VerificationLimits(log=replace(Limits(), note_bytes=bound))
        assert found(export, limits=limits) == expected


def test_an_earlier_checkpoint_is_bounded_and_signed_like_the_newest() -> None:
    export = build(numbered(300))
    kept = build(numbered(5)).files["checkpoint"]
    broken = kept.replace(b"\n5\n", b"\n6\n")
    for note, tampered in ((broken, True), (b"", False), (kept + b"x" * 10**6, False)):
        assert found(export, earlier=[EarlierCheckpoint("mine", note)]) == [("mine", tampered)]
    everything = [EarlierCheckpoint(f"kept {n}", build(numbered(n)).files["checkpoint"]) for n in (0, 5, 256, 300)]
    assert examine(export, earlier=everything).earlier == 4
    # The same size twice, one of them of another history: one is a head of this one.
    twice = [EarlierCheckpoint("true", kept), EarlierCheckpoint("false", build([b"X"] * 5).files["checkpoint"])]
    verification = examine(export, earlier=twice)
    assert verification.earlier == 1
    assert [str(finding) for finding in verification.findings] == [
        "false: is the head of another history of 5 entries"
    ]
    other_head = EarlierCheckpoint("rewritten", build([b"X", *numbered(300)[1:]]).files["checkpoint"])
    assert found(export, earlier=[other_head]) == [("rewritten", True)]


def test_an_earlier_checkpoint_before_a_damaged_bundle_is_still_checked() -> None:
    kept = [EarlierCheckpoint(f"{n}", build(numbered(n)).files["checkpoint"]) for n in (200, 256, 257)]
    verification = examine(build(numbered(300)).flipped("tile/entries/001.p/44", 2, 1), earlier=kept)
    assert verification.earlier == 2
    assert [(finding.path, finding.is_tampered) for finding in verification.findings[1:]] == [("257", False)]


WITH_SETS = with_sets({0: b"one", 2: b"three"}, 4)
SETS = "sets/000.p/4"
OTHER = "not the set that the entry names"
GONE = "the set that the entry names is not there"
STRAY = "a set that the entry does not name"


@pytest.mark.parametrize(
    ("sets", "expected"),
    [
        ([b"three", None, b"one", None], [(0, OTHER), (2, OTHER)]),
        ([None, b"one", b"three", None], [(0, GONE), (1, STRAY)]),
        ([b"one", None, None, None], [(2, GONE)]),
        ([b"one", b"one", b"three", None], [(1, STRAY)]),
        ([b"one", None, b"three"], [(0, "holds the sets of 3 entries where it must hold those of 4")]),
        ([b"one", None, b"three", None, None], [(0, "holds the sets of 5 entries where it must hold those of 4")]),
    ],
)  # fmt: skip
def test_sets_exchanged_moved_dropped_or_doubled_are_told_at_their_entry(
    sets: list[bytes | None], expected: list[tuple[int, str]]
) -> None:
    verification = examine(WITH_SETS.changed(SETS, encode_set_bundle(sets)), inspector=Inspector())
    told = [
        (finding.path, finding.entries and finding.entries[0], finding.reason) for finding in verification.findings
    ]
    assert told == [(SETS, number, reason) for number, reason in expected]
    assert all(finding.is_tampered for finding in verification.findings)


@pytest.mark.parametrize("digest", ["", "ab" * 31, "AB" * 32, "ab" * 32 + "\n", "ab" * 33, "xy" * 32])
def test_what_is_no_hash_in_the_one_spelling_names_no_set(digest: str) -> None:
    export = build([json.dumps({"set_sha256": digest}).encode()])
    (finding,) = examine(export, inspector=Inspector()).findings
    assert str(finding) == "tile/entries/000.p/1: entry 0: names a record set by no hash"
    assert finding.is_tampered


def test_missing_sets_are_unchecked_from_the_first_to_the_last_entry_that_names_one() -> None:
    (finding,) = examine(WITH_SETS.changed(SETS, None), inspector=Inspector()).findings
    assert (finding.path, finding.is_tampered, finding.entries) == (SETS, False, (0, 2))
    (only,) = examine(with_sets({3: b"x"}, 4).changed(SETS, None), inspector=Inspector()).findings
    assert only.entries == (3, 3)


def test_a_set_bundle_is_bounded_and_one_that_cannot_be_read_is_unchecked() -> None:
    size = len(WITH_SETS.files[SETS])
    for bound, expected in ((size, []), (size - 1, [(SETS, True)])):
        assert found(WITH_SETS, inspector=Inspector(), limits=VerificationLimits(set_bundle_bytes=bound)) == expected

    class Unreadable(Export):
        def read(self, path: str, limit_bytes: int) -> bytes | None:
            if path == SETS:
                raise UncheckableError("is a link")
            return super().read(path, limit_bytes)

    (finding,) = examine(Unreadable(WITH_SETS.files), inspector=Inspector()).findings
    assert (finding.path, finding.is_tampered, finding.reason, finding.entries) == (SETS, False, "is a link", (0, 3))


def test_a_set_that_two_entries_name_lies_beside_both() -> None:
    contents = {1: b"same", 3: b"same"}
    assert examine(with_sets(contents, 4), inspector=Inspector()).sets == 2
    once = with_sets(contents, 4).changed(SETS, encode_set_bundle([None, b"same", None, None]))
    (finding,) = examine(once, inspector=Inspector()).findings
    assert finding.entries == (3, 3)


def test_the_last_of_two_names_that_one_entry_gives_is_held_against_the_set() -> None:
    """An inspector tells each entry's set once; one that tells two makes no second set appear."""

    class Twice(Inspector):
        def inspect_entries(self, first: int, entries: list[bytes]) -> Inspection:  # type: ignore[override]
            names = [hashlib.sha256(content).hexdigest() for content in (b"one", b"two")]
            return Inspection((), [(first, name) for name in names])

    export = Export({**build([b"{}"]).files, "sets/000.p/1": encode_set_bundle([b"one"])})
    (finding,) = examine(export, inspector=Twice()).findings
    assert finding.reason == "not the set that the entry names"


def test_a_bundle_with_an_entry_moved_across_its_border_is_found() -> None:
    export = build(numbered(300))
    first = decode_bundle(export.files["tile/entries/000"])
    second = decode_bundle(export.files["tile/entries/001.p/44"])
    moved = export.changed("tile/entries/000", encode_bundle(first[:-1]))
    moved = moved.changed("tile/entries/001.p/44", encode_bundle([first[-1], *second]))
    reasons = {finding.path: finding.reason for finding in examine(moved).findings}
    assert reasons == {
        "tile/entries/000": "holds 255 entries where it must hold 256",
        "tile/entries/001.p/44": "holds 45 entries where it must hold 44",
    }


def test_verifying_returns_what_was_checked_and_raises_nothing_over_an_honest_export() -> None:
    verification = verify_export(WITH_SETS, LOG.key.verifying_key, LOG.name, inspector=Inspector())
    assert (verification.origin, verification.entries, verification.sets) == (LOG.name, 4, 2)
    assert verification.checkpoint is not None
    assert verification.checkpoint.size == 4
    with pytest.raises(LimitError):
        WITH_SETS.read(SETS, 1)
