"""Input of the pages of deployments. Shape only: what is allowed, the services decide."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from governance.forms.scopes import ScopeField
from governance.models import Deployment
from governance.services.strategies import OPERATORS
from lifecycle.models import ModelVersion, Project


class StepsField(forms.CharField):
    """`5, 25, 50, 100`: percent of the traffic, step by step; the value is a list of numbers."""

    def to_python(self, value: Any) -> Any:
        """Read the numbers. Raises `ValidationError` naming the one that cannot be read."""
        parts = (super().to_python(value) or "").replace("%", " ").replace(",", " ").split()
        for part in parts:
            if not (part.isascii() and part.isdigit() and len(part) <= 3):
                problem = _("“%(part)s” is no whole percentage.")
                raise forms.ValidationError(problem, code="steps_unreadable", params={"part": part[:20]})
        return [int(part) for part in parts]


class DeploymentForm(forms.Form):
    """What is put where, and how it gets its traffic."""

    model_version = forms.ModelChoiceField(
        ModelVersion.objects.none(), label=_("Model version"), empty_label=_("choose one")
    )
    environment = forms.CharField(label=_("Environment"), max_length=60, help_text=_("Such as production."))
    scope = ScopeField(required=False, help_text=_("A line for each key. Empty: all that is authorized."))
    strategy = forms.ChoiceField(
        label=_("Strategy"), choices=Deployment.Strategy.choices, initial=Deployment.Strategy.FULL,
        required=False,
        help_text=_("All but the first leave what is live where it is, until the last step."),
    )  # fmt: skip
    steps = StepsField(
        label=_("Steps, percent of the traffic"), max_length=100, required=False,
        help_text=_("Such as 5, 25, 50, 100. Empty: the usual ones of the strategy."),
    )  # fmt: skip
    metric = forms.CharField(
        label=_("Metric that ends it"), max_length=100, required=False,
        help_text=_("Such as error_rate: beyond the limit the roll-out is aborted by itself."),
    )  # fmt: skip
    op = forms.ChoiceField(
        label=_("It ends when the metric is"), choices=[(each, each) for each in OPERATORS], required=False
    )
    limit = forms.FloatField(label=_("Limit"), required=False)

    def __init__(self, *args: Any, versions: Iterable[ModelVersion], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["model_version"]
        assert isinstance(field, forms.ModelChoiceField)  # declared above
        field.queryset = versions  # type: ignore[assignment]

    def clean(self) -> dict[str, Any]:
        """A metric needs its limit and the other way round; `abort_metric` is what they say together."""
        found = super().clean() or {}
        name, limit = found.pop("metric", ""), found.pop("limit", None)
        operator = found.pop("op", "")
        if name and limit is None and not self.errors:
            self.add_error("limit", _("At which value?"))
        if limit is not None and not name:
            self.add_error("metric", _("Of which metric?"))
        found["abort_metric"] = {"metric": name, "op": operator, "limit": limit} if name else None
        found["scope"], found["steps"] = found.get("scope") or None, found.get("steps") or None
        found["strategy"] = found.get("strategy") or Deployment.Strategy.FULL
        return found


class MetricForm(forms.Form):
    """A value of the metric that was agreed to end a roll-out."""

    value = forms.FloatField(label=_("Value"))


class DeploymentsForm(forms.Form):
    """What the list is narrowed to; without `projects` it is the list of one."""

    project = forms.ChoiceField(label=_("Project"), required=False)
    environment = forms.ChoiceField(label=_("Environment"), required=False)
    state = forms.ChoiceField(
        label=_("State"), choices=[("", _("all states")), *Deployment.State.choices], required=False
    )
    strategy = forms.ChoiceField(
        label=_("Strategy"), choices=[("", _("all strategies")), *Deployment.Strategy.choices], required=False
    )

    def __init__(
        self, *args: Any, environments: Iterable[str], projects: Iterable[Project] | None, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self._choose("environment", _("all environments"), ((each, each) for each in environments))
        if projects is None:
            del self.fields["project"]
        else:
            self._choose("project", _("all projects"), ((each.slug, each.name) for each in projects))

    def _choose(self, name: str, first: object, rest: Iterable[tuple[str, str]]) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)  # declared above
        field.choices = [("", first), *rest]
