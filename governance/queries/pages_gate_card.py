"""The model card of the version that a gate decides about, made from the records. No query."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

if TYPE_CHECKING:
    from governance.queries.pages_gate import GatePage


@dataclass(frozen=True)
class CardLine:
    """One line of the card; `kind` as in `Beside`."""

    name: str
    value: object
    kind: str = "text"


def model_card(page: GatePage) -> list[CardLine]:
    """Purpose, use, data, making, quality and limits of the version, in this order."""
    gate, version = page.gate, page.version
    training = version.training
    data = training.part("data") if training else {}
    parameters = training.part("parameters") if training else {}
    lines = [
        CardLine(_("Purpose"), gate.iteration.project.purpose),
        CardLine(_("Meant for"), _use(page)),
        CardLine(_("Model digest"), gate.model_version.digest if gate.model_version else "", "digest"),
        CardLine(_("Learned from"), data.get("uri", "")),
        CardLine(_("Data digest"), data.get("sha256", ""), "digest"),
        CardLine(_("Predicts"), parameters.get("target", "")),
        CardLine(_("Method"), parameters.get("estimator", "")),
        CardLine(version.main_metric or _("Main metric"), _quality(page)),
        CardLine(_("Weakest slice"), _weakest(page)),
        CardLine(_("Known limits"), _limits(page)),
    ]
    return [line for line in lines if line.value not in (None, "")]


def _use(page: GatePage) -> str:
    scope = "; ".join(f"{key}: {', '.join(values)}" for key, values in page.gate.scope.items())
    return ", ".join(filter(None, [page.gate.environment, scope]))


def _quality(page: GatePage) -> str:
    value = page.version.metrics.get(page.version.main_metric)
    if value is None:
        return ""
    low, high = page.version.interval(page.version.main_metric, "")
    if low is None or high is None:
        return f"{value:.4g}"
    words = {"value": f"{value:.4g}", "low": f"{low:.4g}", "high": f"{high:.4g}"}
    return _("%(value)s, between %(low)s and %(high)s with 95 %% confidence") % words


def _weakest(page: GatePage) -> str:
    slices = page.slices
    return f"{slices[0].name}: {slices[0].observed:.4g}" if slices else ""


def _limits(page: GatePage) -> str:
    """What is known to be missing: risks above the appetite, advisory criteria and waivers."""
    said = [result.words for result in page.results if result.verdict != "met"]
    said += [str(risk) for risk in page.risks]
    return "; ".join(said[:6])
