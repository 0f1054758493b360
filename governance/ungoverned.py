"""What of this app the ledger does not vouch for, and why."""

UNGOVERNED = {
    "governance.gateask": "too many for an entry each; the database refuses to change them",
    "governance.attestation": "signed by itself, and made again from the gate",
    "governance.checkstanding": "computed from records, and computed again",
    "governance.checkrecord": "computed from records, and computed again",
    "governance.controlstanding": "computed from records, and computed again",
    "governance.compliancelook": "when a look was taken last",
}
