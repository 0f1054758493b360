"""What is filled in about people: accounts, profiles, tokens, absences, and who takes a leaver's work."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from lifecycle.forms.fields import DayField, RecordField
from lifecycle.models import ApiToken, Project, User
from lifecycle.services.tokens import MOST_DAYS
from lifecycle.zones import known_zones


def named(user: User) -> str:
    """A person in a list of many: two may have one name, so that the user name stands behind."""
    return f"{user} ({user.username})"


class PersonForm(forms.Form):
    """A new account."""

    name = forms.CharField(label=_("Printed name"), max_length=300)
    username = forms.CharField(
        label=_("User name"), max_length=150, help_text=_("For logging in and for @mentions.")
    )
    email = forms.EmailField(label=_("E-mail"), max_length=254)
    org_role = forms.ChoiceField(
        label=_("Role in the organization"), choices=User.OrgRole.choices, initial=User.OrgRole.MEMBER
    )
    password = forms.CharField(
        label=_("First password"), max_length=200, strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=_("At least 12 characters; the person changes it after the first log-in."),
    )  # fmt: skip


class ChangePersonForm(forms.Form):
    """What an administrator changes of a person."""

    name = forms.CharField(label=_("Printed name"), max_length=300)
    email = forms.EmailField(label=_("E-mail"), max_length=254)
    org_role = forms.ChoiceField(label=_("Role in the organization"), choices=User.OrgRole.choices)
    identity_subject = forms.CharField(
        label=_("Name at the identity provider"), max_length=300, required=False,
        help_text=_("Issuer and subject. Accounts that share it are one person."),
    )  # fmt: skip


class SecurityForm(forms.Form):
    """Why an administrator touches what protects an account. Told to all who rely on it."""

    reason = forms.CharField(label=_("Reason"), max_length=2000, widget=forms.Textarea(attrs={"rows": 2}))


class CompromiseForm(SecurityForm):
    """Since when somebody else may have used an account."""

    since = forms.DateTimeField(
        label=_("Since"),
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
    )
    field_order = ["since", "reason"]


class ProfileForm(forms.Form):
    """What people change of themselves."""

    name = forms.CharField(
        label=_("Printed name"), max_length=300, help_text=_("What was signed before keeps its name.")
    )
    time_zone = forms.ChoiceField(
        label=_("Time zone"), help_text=_("Pages show times in it, and UTC when the pointer rests on one.")
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        field = self.fields["time_zone"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [(name, name.replace("_", " ")) for name in known_zones()]


class TokenForm(forms.Form):
    """A new key to the API."""

    name = forms.CharField(label=_("What it is for"), max_length=120)
    scope = forms.ChoiceField(
        label=_("It may"),
        choices=[
            (ApiToken.Scope.READ, _("read")),
            (ApiToken.Scope.WRITE, _("read and change what you may")),
            (ApiToken.Scope.GATE_CHECK, _("ask for permission to deploy, and nothing else")),
            (ApiToken.Scope.INTAKE, _("send runs, and nothing else")),
        ],
    )
    days = forms.IntegerField(label=_("Good for days"), initial=90, min_value=1, max_value=MOST_DAYS)

    def __init__(self, *args: Any, projects: Sequence[Project] = (), **options: Any) -> None:
        super().__init__(*args, **options)
        if projects:
            self.fields["project"] = RecordField(
                projects, label=_("Only to the project"), required=False, empty=_("any of mine"),
                help_text=_("For a token that sends runs: those that name no project go there."),
            )  # fmt: skip
        self.order_fields(["name", "scope", "project", "days"])


class AbsenceForm(forms.Form):
    """Days away."""

    starts_on = DayField(label=_("First day away"))
    ends_on = DayField(label=_("Last day away"))
    reason = forms.CharField(
        label=_("Reason"), required=False, max_length=300,
        help_text=_("Seen by you, your deputy and administrators; not written into the ledger."),
    )  # fmt: skip

    def __init__(
        self, *args: Any, deputies: Sequence[User] = (), people: Sequence[User] = (), **options: Any
    ) -> None:
        super().__init__(*args, **options)
        if people:
            self.fields["person"] = RecordField(people, label=_("Who is away"), label_of=named)
        self.fields["deputy"] = RecordField(deputies, label=_("Deputy"), label_of=named)
        self.order_fields(["person", "starts_on", "ends_on", "deputy"])


class LeaveForm(forms.Form):
    """Who takes the open work of a person: one for everything, and others for roles."""

    catch_all = "taker"
    reason = forms.CharField(label=_("Reason"), max_length=10_000, widget=forms.Textarea(attrs={"rows": 2}))

    def __init__(
        self, *args: Any, people: Sequence[User] = (), roles: Sequence[str] = (), needed: bool = True,
        **options: Any,
    ) -> None:  # fmt: skip
        super().__init__(*args, **options)
        self._roles = list(roles)
        if not needed:
            return
        self.fields["taker"] = RecordField(
            people, label=_("Who takes it"), label_of=named, required=False, empty=_("nobody named"),
            help_text=_("Also becomes manager where the leaver is the last one."),
        )  # fmt: skip
        for code in self._roles:
            label = _("For the role %s") % code
            self.fields[f"role_{code}"] = RecordField(
                people, label=label, label_of=named, required=False, empty=_("the same")
            )
        self.order_fields(["taker", *(f"role_{code}" for code in self._roles), "reason"])

    @property
    def takers(self) -> dict[str, Any]:
        """What the services of transfers want: `taker`, `taker_by_role`, `reason`."""
        data = self.cleaned_data
        by_role = {code: data.get(f"role_{code}") for code in self._roles}
        return {
            "taker": data.get("taker"),
            "taker_by_role": {code: user for code, user in by_role.items() if user is not None},
            "reason": data["reason"],
        }
