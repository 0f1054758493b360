"""What people fill in about projects, their people and their requirements."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from lifecycle.forms.fields import RecordField
from lifecycle.models import Membership, ProcessVersion, Project, Requirement, User


class ProjectForm(forms.Form):
    """A new project."""

    name = forms.CharField(label=_("Name"), max_length=300)
    slug = forms.CharField(
        label=_("Short name"), max_length=60, help_text=_("Small letters, digits and hyphens; for addresses.")
    )
    purpose = forms.CharField(
        label=_("Purpose"), required=False, max_length=10_000, widget=forms.Textarea(attrs={"rows": 4}),
        help_text=_("What the system is for, and whom it concerns."),
    )  # fmt: skip
    risk_class = forms.ChoiceField(
        label=_("Risk class"), choices=Project.RiskClass.choices, initial=Project.RiskClass.LIMITED
    )
    risk_appetite = forms.IntegerField(
        label=_("Risk appetite"), initial=6, min_value=1, max_value=25,
        help_text=_("Highest severity times occurrence (1 to 25) that needs no named acceptance."),
    )  # fmt: skip

    def __init__(self, *args: Any, versions: Sequence[ProcessVersion] = (), **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["process_version"] = RecordField(versions, label=_("Process"))
        self.order_fields(["name", "slug", "purpose", "process_version"])


class _RolesForm(forms.Form):
    role = forms.ChoiceField(
        label=_("Role in the project"), choices=Membership.Role.choices, initial=Membership.Role.CONTRIBUTOR
    )

    def __init__(self, *args: Any, roles: Sequence[tuple[str, str]] = (), **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["crisp_roles"] = forms.MultipleChoiceField(
            label=_("Roles of the process"),
            choices=roles,
            required=False,
            widget=forms.CheckboxSelectMultiple,
        )


class MemberForm(_RolesForm):
    """Somebody who shall belong to the project."""

    def __init__(self, *args: Any, people: Sequence[User] = (), **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["user"] = RecordField(people, label=_("Person"), label_of=_named)
        self.order_fields(["user"])


class RolesForm(_RolesForm):
    """Other roles for somebody who belongs to it."""


def _named(user: User) -> str:
    return f"{user} ({user.username})"


class LimitForm(forms.Form):
    """A changed limit: a new version of a requirement."""

    statement = forms.CharField(label=_("What must hold"), max_length=600)
    operator = forms.ChoiceField(label=_("Side"), choices=Requirement.Operator.choices)
    limit = forms.FloatField(label=_("Limit"), widget=forms.NumberInput(attrs={"step": "any"}))
    reason = forms.CharField(
        label=_("Why it changes"), max_length=10_000, widget=forms.Textarea(attrs={"rows": 3})
    )


class RequirementForm(forms.Form):
    """What must hold."""

    key = forms.CharField(label=_("Key"), max_length=40, help_text=_("Such as ranking-quality."))
    statement = forms.CharField(label=_("What must hold"), max_length=600)
    metric = forms.CharField(label=_("Metric"), max_length=120)
    operator = forms.ChoiceField(label=_("Side"), choices=Requirement.Operator.choices)
    limit = forms.FloatField(label=_("Limit"), widget=forms.NumberInput(attrs={"step": "any"}))
    unit = forms.CharField(label=_("Unit"), max_length=20, required=False)
    slice = forms.CharField(
        label=_("Slice"), max_length=120, required=False, help_text=_("Such as country=IT; empty: overall.")
    )
    gate = forms.ChoiceField(label=_("Checked at"))
    blocking = forms.BooleanField(label=_("Blocks the gate"), required=False, initial=True)

    def __init__(self, *args: Any, gates: Sequence[tuple[str, str]] = (), **options: Any) -> None:
        super().__init__(*args, **options)
        field = self.fields["gate"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [(key, f"{key} {name}") for key, name in gates]
