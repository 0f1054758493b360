"""The form of a monitoring plan: what most plans say has a field; everything else is kept as JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ledger.errors import Invalid
from lifecycle.executors import PlanSpec
from lifecycle.executors.monitoring_specs import DriftLimits
from lifecycle.executors.specs import Part
from lifecycle.forms.fields import DayField, RecordField
from lifecycle.forms.process_fields import LinesField
from lifecycle.forms.runs import json_object
from lifecycle.models import ModelVersion

_LIMIT = re.compile(
    r"(?P<metric>[\w@.]+)(\[(?P<slice>[^\]]+)\])?\s*(?P<op>>=|<=|>|<)\s*(?P<limit>[-+0-9.eE]+)"
)
_BINS = ("month", "quarter", "year", "year_month", "weekday")
_EVERY = [
    ("hour", gettext_lazy("hour")), ("day", gettext_lazy("day")), ("week", gettext_lazy("week, from Monday")),
    ("month", gettext_lazy("month")),
]  # fmt: skip
_TASKS = [
    ("", gettext_lazy("drift alone")), ("classification", gettext_lazy("classification")),
    ("regression", gettext_lazy("regression")), ("ranking", gettext_lazy("ranking")),
]  # fmt: skip
_PLAIN = (
    "time_column", "every", "schedule", "target", "task", "metrics", "delay_hours", "label_delay_hours",
    "late_after_hours", "min_rows", "min_segment_rows",
)  # fmt: skip
_LIMITS = ("psi_warning", "psi_drift", "share_drifted")
_PLACES = {
    "/source/format": "format", "/source": "source", "/features/numeric": "numeric",
    "/features/categorical": "categorical", "/features": "numeric", "/limits/metrics": "metric_limits",
    "/reference": "further", **{f"/limits/{name}": name for name in _LIMITS},
}  # fmt: skip


class CutsField(LinesField):
    """Columns that cut the rows, one a line; a column of dates with its part: `day: month`."""

    def prepare_value(self, value: Any) -> Any:
        if isinstance(value, str):
            return value
        return "\n".join(
            f"{each['column']}: {each['bin']}" if each.get("bin") else each["column"] for each in value or ()
        )

    def clean(self, value: Any) -> Any:
        found = []
        for line in super().clean(value):
            column, colon, part = line.rpartition(":")
            binned = bool(colon) and part.strip() in _BINS
            found.append({"column": column.strip(), "bin": part.strip()} if binned else {"column": line})
        return found


class MetricLimitsField(LinesField):
    """Limits, one a line: `mae <= 1.0`, or in a slice `mae[country=IT] <= 1.2`."""

    def prepare_value(self, value: Any) -> Any:
        if isinstance(value, str):
            return value
        return "\n".join(_limit_text(each) for each in value or ())

    def clean(self, value: Any) -> Any:
        return [_limit(line) for line in super().clean(value)]


def _limit_text(limit: Mapping[str, Any]) -> str:
    place = f"[{limit['slice']}]" if limit.get("slice") else ""
    return f"{limit['metric']}{place} {limit['op']} {limit['limit']:g}"


def _limit(line: str) -> dict[str, Any]:
    match = _LIMIT.fullmatch(line)
    try:
        number = float(match["limit"]) if match else None
    except ValueError:
        number = None
    if match is None or number is None:
        raise ValidationError(_("“%(line)s”: write a limit like mae <= 1.0.") % {"line": line[:80]})
    given = {"metric": match["metric"], "op": match["op"], "limit": number}
    return {**given, "slice": match["slice"].strip()} if match["slice"] else given


class PlanForm(forms.Form):
    """A plan as a person writes it; `spec` puts it together, `fields_of` takes it apart."""

    catch_all: ClassVar[str] = "further"

    name = forms.CharField(
        label=gettext_lazy("Name"), max_length=200, widget=forms.TextInput(attrs={"dir": "auto"})
    )
    environment = forms.CharField(label=gettext_lazy("Environment"), max_length=60, initial="production")
    source = forms.CharField(
        label=gettext_lazy("Data that comes in"), max_length=1024,
        help_text=gettext_lazy("A file below the folder for data; it may be still to come."),
    )  # fmt: skip
    format = forms.ChoiceField(label=gettext_lazy("Format"), choices=[("csv", "CSV"), ("parquet", "Parquet")])
    time_column = forms.CharField(label=gettext_lazy("Column of time"), max_length=200)
    every = forms.ChoiceField(label=gettext_lazy("A window is one"), choices=_EVERY, initial="week")
    starts = DayField(label=gettext_lazy("First window from"))
    schedule = forms.CharField(
        label=gettext_lazy("Looked at when"), required=False, max_length=100,
        help_text=gettext_lazy("Cron line in UTC, such as 0 6 * * 1; empty: when the window has ended."),
    )  # fmt: skip
    delay_hours = forms.FloatField(label=gettext_lazy("Hours to wait for the data"), min_value=0, initial=0)
    late_after_hours = forms.FloatField(
        label=gettext_lazy("Late when the newest row is so many hours old"), min_value=0, required=False,
        help_text=gettext_lazy("Empty: when the last quarter of the window has brought nothing."),
    )  # fmt: skip
    numeric = LinesField(
        label=gettext_lazy("Features that are numbers"), required=False, help_text=gettext_lazy("One a line.")
    )
    categorical = LinesField(label=gettext_lazy("Features that are categories"), required=False)
    segments = CutsField(
        label=gettext_lazy("Segments"), required=False,
        help_text=gettext_lazy("Columns whose values are watched apart, such as country."),
    )  # fmt: skip
    task = forms.ChoiceField(label=gettext_lazy("What the model does"), choices=_TASKS, required=False)
    target = forms.CharField(label=gettext_lazy("Column of the true answers"), max_length=200, required=False)
    label_delay_hours = forms.FloatField(
        label=gettext_lazy("Hours until the answers are known"), min_value=0, initial=0,
        help_text=gettext_lazy("More than 0: each window is looked at twice."),
    )  # fmt: skip
    metrics = LinesField(
        label=gettext_lazy("Metrics"), required=False, help_text=gettext_lazy("The first is the main one.")
    )
    slices = CutsField(label=gettext_lazy("Slices of the metrics"), required=False)
    metric_limits = MetricLimitsField(
        label=gettext_lazy("Limits of the metrics"), required=False,
        help_text=gettext_lazy("mae <= 1.0, or in a slice mae[country=IT] <= 1.2"),
    )  # fmt: skip
    psi_warning = forms.FloatField(label=gettext_lazy("Drift index that warns"), min_value=0, initial=0.1)
    psi_drift = forms.FloatField(
        label=gettext_lazy("Drift index that counts as drift"), min_value=0, initial=0.25
    )
    share_drifted = forms.FloatField(
        label=gettext_lazy("Share of features that makes the window drift"),
        min_value=0,
        max_value=1,
        initial=0.3,
    )
    min_rows = forms.IntegerField(label=gettext_lazy("Rows a window needs"), min_value=1, initial=100)
    min_segment_rows = forms.IntegerField(
        label=gettext_lazy("Rows a segment needs"), min_value=1, initial=200
    )
    further = forms.CharField(
        label=gettext_lazy("Anything else"), required=False, strip=False, max_length=100_000,
        widget=forms.Textarea(attrs={"rows": 4, "class": "mono", "spellcheck": "false"}),
        help_text=gettext_lazy("JSON with further keys: reference, inputs, ranking, baseline, other limits."),
    )  # fmt: skip

    def __init__(self, *args: Any, models: Sequence[ModelVersion] = (), **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["model_version"] = RecordField(models, label=gettext_lazy("Model"), label_of=_model)
        self.order_fields(["name", "model_version", "environment"])

    def clean_further(self) -> dict[str, Any]:
        """What was typed as data; what a field says too is refused."""
        text = self.cleaned_data["further"]
        found = json_object(text) if text.strip() else {}
        taken = sorted(set(found) & {*_PLAIN, "source", "starts", "features", "segments", "slices"})
        if taken:
            raise ValidationError(_("“%(key)s” has a field of its own.") % {"key": taken[0]})
        return found

    def spec(self) -> dict[str, Any]:
        """The specification that the fields say together."""
        said = self.cleaned_data
        further = dict(said["further"])
        source = {**(further.pop("source_rest", None) or {}), "uri": said["source"], "format": said["format"]}
        limits = further.pop("limits", None)
        given = {name: said[name] for name in _PLAIN if said[name] not in (None, "")}
        return {
            **further,
            **given,
            "source": source,
            "starts": said["starts"].isoformat(),
            "features": {"numeric": said["numeric"], "categorical": said["categorical"]},
            "segments": said["segments"],
            "slices": said["slices"],
            "limits": {
                **(limits if isinstance(limits, dict) else {}),
                **{name: said[name] for name in _LIMITS},
                "metrics": said["metric_limits"],
            },
        }

    def at_field(self, no: Invalid) -> Invalid:
        """The refusal with the field that it is about in place of a path into the specification."""
        place = next((name for path, name in _PLACES.items() if no.where.startswith(path)), no.where)
        return Invalid(no.code, no.text, place)


def fields_of(spec: Mapping[str, Any]) -> dict[str, Any]:
    """The values of the form's fields for a specification; what has no field goes into `further`."""
    rest = _unusual(spec, PlanSpec, keep=_PLAIN)
    source = dict(rest.pop("source", {}))
    limits = _unusual(spec.get("limits") or {}, DriftLimits, keep=_LIMITS)
    rest.pop("limits", None)
    features = rest.pop("features", {})
    found: dict[str, Any] = {name: rest.pop(name) for name in _PLAIN if name in rest}
    found |= {name: limits.pop(name) for name in _LIMITS if name in limits}
    found |= {
        "source": source.pop("uri", ""), "format": source.pop("format", "csv"),
        "starts": str(rest.pop("starts", ""))[:10], "numeric": features.get("numeric", []),
        "categorical": features.get("categorical", []), "segments": rest.pop("segments", []),
        "slices": rest.pop("slices", []), "metric_limits": limits.pop("metrics", []),
    }  # fmt: skip
    left = {name: value for name, value in limits.items() if value is not None}
    more = {name: value for name, value in source.items() if value not in (None, [])}
    rest |= ({"limits": left} if left else {}) | ({"source_rest": more} if more else {})
    return {**found, "further": json.dumps(rest, indent=2, ensure_ascii=False) if rest else ""}


def _unusual(given: Mapping[str, Any], kind: type[Part], *, keep: Sequence[str]) -> dict[str, Any]:
    """What is not as it would be if nobody said it; what has a field is kept anyway."""
    usual = {name: field.default for name, field in kind.model_fields.items()}
    return {
        name: value for name, value in given.items()
        if value not in (None, "", [], {}) and (name in keep or value != usual.get(name))
    }  # fmt: skip


def _model(model: ModelVersion) -> str:
    return _("model %(number)d (%(digest)s)") % {"number": model.number, "digest": model.digest[:12]}
