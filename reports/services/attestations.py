"""The gates' attestations, as files inside the report."""

from governance.models import Attestation, Gate
from governance.services.attestations import attest_gate
from reports.models import Report
from reports.rendering.attachments import Attachment

CARRY = (Report.Kind.LIFECYCLE, Report.Kind.CERTIFICATE, Report.Kind.MODEL_CARD, Report.Kind.AUDIT_TRAIL)
UNDECIDED = (Gate.State.OPEN, Gate.State.WITHDRAWN)


def attestations_of(report: Report) -> list[Attachment]:
    """The DSSE envelopes of the gates that were decided by then. What nobody asked for yet is made now."""
    if report.project is None or report.kind not in CARRY:
        return []
    gates = Gate.objects.filter(iteration__project=report.project, decided_at__lte=report.as_of)
    gates = gates.exclude(state__in=UNDECIDED)
    if wanted := report.options.get("gate"):
        gates = gates.filter(pk=wanted)
    for gate in gates.filter(attestations=None, evaluations__isnull=False).distinct().order_by("pk"):
        attest_gate(gate=gate)
    found = Attestation.objects.filter(gate__in=gates).select_related("gate").order_by("gate", "pk")
    return [_file(each) for each in found]


def _file(attestation: Attestation) -> Attachment:
    gate = attestation.gate
    return Attachment(
        name=f"gate-{gate.pk}-{attestation.kind}.dsse.json",
        content=attestation.envelope.encode(),
        description=f"{attestation.get_kind_display()}: {gate.key}, {gate.name}"[:200],
        relationship="Supplement",
    )
