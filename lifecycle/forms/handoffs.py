"""What people fill in on the page of a handoff."""

from collections.abc import Sequence
from typing import Any, ClassVar

from django import forms
from django.utils.translation import gettext_lazy as _

from lifecycle.forms.fields import DayField, PeopleForm, RecordField
from lifecycle.models import Deliverable, Snapshot


class OfferForm(forms.Form):
    """Each deliverable is tied to a snapshot, or to a reference where there is none."""

    def __init__(
        self,
        *args: Any,
        deliverables: Sequence[Deliverable] = (),
        snapshots: Sequence[Snapshot] = (),
        **options: Any,
    ) -> None:
        super().__init__(*args, **options)
        self._orders = [each.order for each in deliverables]
        for each in deliverables:
            self.fields[f"snapshot-{each.order}"] = RecordField(
                snapshots, label=each.name, required=False, empty=_("no snapshot"), label_of=_named,
                initial=each.snapshot_id, help_text=_("the frozen version that is handed over"),
            )  # fmt: skip
            self.fields[f"reference-{each.order}"] = forms.CharField(
                label=_("or where to find it"), required=False, max_length=600, initial=each.reference
            )

    @property
    def tied(self) -> dict[str, dict[int, Any]]:
        """`snapshots` and `references` by the order of the deliverable, as the service takes them."""
        parts: dict[str, dict[int, Any]] = {"snapshots": {}, "references": {}}
        for order in self._orders:
            if self.cleaned_data.get(f"snapshot-{order}"):
                parts["snapshots"][order] = self.cleaned_data[f"snapshot-{order}"]
            if self.cleaned_data.get(f"reference-{order}"):
                parts["references"][order] = self.cleaned_data[f"reference-{order}"]
        return parts


def _named(snapshot: Snapshot) -> str:
    return f"{snapshot.kind} {snapshot.title} ({snapshot.digest[:12]})"


class PartiesForm(PeopleForm):
    """Who gives and who takes."""

    people_fields: ClassVar = {"giver": (_("Gives"), _("nobody")), "taker": (_("Takes"), _("nobody"))}
    due_on = DayField(label=_("Due"), required=False)
