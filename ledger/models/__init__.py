from ledger.models.checkpoints import Anchoring, Checkpoint, Cosignature, Log, SigningKey, Tile, Witness
from ledger.models.entries import DigestField, Entry, Payload, TreeHead, subject_type

__all__ = [
    "Anchoring",
    "Checkpoint",
    "Cosignature",
    "DigestField",
    "Entry",
    "Log",
    "Payload",
    "SigningKey",
    "Tile",
    "TreeHead",
    "Witness",
    "subject_type",
]
