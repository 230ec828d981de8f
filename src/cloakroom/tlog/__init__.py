"""The mathematics of a transparency log: RFC 6962 trees, C2SP tiles, notes, checkpoints, cosignatures and proofs.

Bytes in, bytes out: nothing here reads, writes, waits or asks for the time. The only ways out are two protocols with
one method each, `TileReader` and `HashReader`. What the bytes are is written in `docs/spec/ledger.md`.
"""

from cloakroom.tlog.checkpoint import Checkpoint, SignedCheckpoint, open_checkpoint, sign_checkpoint
from cloakroom.tlog.cosignature import Cosignature, CosignatureVerifier, cosign
from cloakroom.tlog.hashing import EMPTY_ROOT, HASH_SIZE, CompactRange, leaf_hash, node_hash, root_of
from cloakroom.tlog.limits import DEFAULT_LIMITS, Limits
from cloakroom.tlog.note import (
    Ed25519Signer,
    Ed25519Verifier,
    Note,
    NoteSignature,
    NoteVerifier,
    open_note,
    parse_note,
)
from cloakroom.tlog.proof_file import ProofFile
from cloakroom.tlog.proofs import (
    HashReader,
    Node,
    TileHashReader,
    prove_consistency,
    prove_inclusion,
    verify_consistency,
    verify_inclusion,
)
from cloakroom.tlog.tiles import (
    ENTRIES,
    TILE_WIDTH,
    Integration,
    Tile,
    TileReader,
    TreeState,
    decode_bundle,
    edge_tiles,
    encode_bundle,
    integrate,
    restore,
)
from cloakroom.tlog.witness import AddCheckpoint, Cosigned, SizeConflict, add_cosignatures, parse_answer

__all__ = [
    "DEFAULT_LIMITS",
    "EMPTY_ROOT",
    "ENTRIES",
    "HASH_SIZE",
    "TILE_WIDTH",
    "AddCheckpoint",
    "Checkpoint",
    "CompactRange",
    "Cosignature",
    "CosignatureVerifier",
    "Cosigned",
    "Ed25519Signer",
    "Ed25519Verifier",
    "HashReader",
    "Integration",
    "Limits",
    "Node",
    "Note",
    "NoteSignature",
    "NoteVerifier",
    "ProofFile",
    "SignedCheckpoint",
    "SizeConflict",
    "Tile",
    "TileHashReader",
    "TileReader",
    "TreeState",
    "add_cosignatures",
    "cosign",
    "decode_bundle",
    "edge_tiles",
    "encode_bundle",
    "integrate",
    "leaf_hash",
    "node_hash",
    "open_checkpoint",
    "open_note",
    "parse_answer",
    "parse_note",
    "prove_consistency",
    "prove_inclusion",
    "restore",
    "root_of",
    "sign_checkpoint",
    "verify_consistency",
    "verify_inclusion",
]
