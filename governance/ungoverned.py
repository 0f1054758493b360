"""What of this app the ledger does not vouch for, and why."""

UNGOVERNED = {
    "governance.gateask": "too many for an entry each; the database refuses to change them",
    "governance.attestation": "signed by itself, and made again from the gate",
    "governance.checkstanding": "computed from records, and computed again",
    "governance.checkrecord": "computed from records, and computed again",
    "governance.controlstanding": "computed from records, and computed again",
    "governance.compliancelook": "when a look was taken last",
    "governance.hashedartifact": "computed from files, and computed again",
    "governance.runningplace.next_look_at": "follows from the clock",
    "governance.runningplace.looked_at": "written by each look",
    "governance.runningplace.problem": "written by each look",
    "governance.sighting.last_seen_at": "written by each look",
    "governance.sighting.reason": "what the gate check says now; the verdict is recorded",
}
