"""Fixed texts of the annexes: the glossary, and the lines that check the ledger entries of
`evidence.json`.
"""

from django.utils.translation import gettext as _

# RFC 9162, 2.1.3.2, for each entry. Printed in the report and run by the tests.
VERIFY = """import hashlib, json
def node(x): return hashlib.sha256(b"\\1" + x).digest()
ledger = json.load(open("evidence.json"))["ledger"]
for e in ledger["entries"]:
    fn, sn, r = e["leaf_index"], ledger["size"] - 1, bytes.fromhex(e["leaf_hash"])
    for p in map(bytes.fromhex, e["proof"]):
        if fn & 1 or fn == sn:
            r = node(p + r)
            while fn and not fn & 1: fn, sn = fn >> 1, sn >> 1
        else:
            r = node(r + p)
        fn, sn = fn >> 1, sn >> 1
    assert sn == 0 and r.hex() == ledger["root"], e["number"]
print(len(ledger["entries"]), "entries lie under root", ledger["root"])"""


def words() -> list[tuple[str, str]]:
    """The glossary."""
    return [
        (
            _("Authorization"),
            _("Permission for one model digest in one environment, for a time; what a deployment asks for."),
        ),
        (_("Criterion"), _("A rule over evidence with a limit; a missing value is not met.")),
        (_("Digest"), _("SHA-256 of a record or file; any change to the content changes it.")),
        (_("Entry"), _("One line of the ledger: who did what to which record, when.")),
        (
            _("Evidence"),
            _("The frozen content of a run, data set or document, tied to a task or a criterion."),
        ),
        (_("Finding"), _("Something that must be put right, with an owner and a date.")),
        (_("Gate"), _("The check at the end of a phase and before deployment.")),
        (
            _("Handoff"),
            _("Named deliverables from one person to another, which the receiver accepts or returns."),
        ),
        (_("Iteration"), _("One trip round the phases of the process.")),
        (_("Ledger"), _("Append-only Merkle tree (RFC 9162) of everything that was done.")),
        (_("PSI"), _("Population stability index: how far a distribution has moved from its reference.")),
        (
            _("Signature"),
            _("One person’s electronic sign-off with its meaning, bound to the digest of what was seen."),
        ),
        (_("Slice"), _("A part of the data that is judged on its own.")),
        (_("Trigger"), _("When something happens, what is done; a firing records both.")),
        (_("Waiver"), _("A justified exception to one criterion, for a time.")),
    ]
