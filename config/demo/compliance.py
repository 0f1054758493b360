"""What the stories do for the compliance tracker: classify, keep an inventory, describe data, review."""

from __future__ import annotations

from collections.abc import Mapping

from config.demo.people import logins
from config.demo.work import Team
from governance.compliance.questions import QUESTIONS
from governance.models import Framework
from governance.services.classifications import sign_classification
from governance.services.compliance import look_at
from governance.services.frameworks import begin_use, load_frameworks
from governance.services.inventory import record_review, set_inventory
from lifecycle.models import Project, User
from lifecycle.services.data_sets import describe_data_set

_WORDS = {
    "pizzatron": {
        "misuse": "Used in a country that it has not learned from, or to press owners into promotions.",
        "vulnerable": "No data of customers are used. Young staff work longer when a promotion goes well.",
    },
    "flights": {
        "misuse": "Used to blame crews for delays that the weather made, or for airports it does not know.",
        "vulnerable": "Travellers who cannot wait are told of a delay early; no data of persons are used.",
    },
}
_ANSWERS = {
    "eu_role": "both", "voluntary": "yes", "audited": "yes", "management": "yes", "impact": "medium",
    "complexity": "medium", "area": "none", "derogation": "none", "bank": "no",
}  # fmt: skip
_ASKED_FOR = {
    "21-cfr-part-11": "The owner wants signatures as good as those of regulated records.",
    "uk-ss1-23": "The group's risk office compares its models with those of a bank.",
    "us-model-risk": "The group's risk office compares its models with those of a bank.",
}


def classify(project: Project, people: Mapping[str, User]) -> None:
    """Before the first gate: what the project is, who answers for it, by what it is measured."""
    load_frameworks()
    lead = people["marta"]
    if not project.classifications.exists():
        answers = {each.key: _ANSWERS.get(each.key, "no") for each in QUESTIONS}
        answers |= _WORDS[project.slug]
        sign_classification(project=project, answers=answers, actor=lead, password=logins()[lead.username])
    used = set(project.framework_uses.filter(ended_at__isnull=True).values_list("framework__key", flat=True))
    for key, reason in _ASKED_FOR.items():
        if key not in used:
            framework = Framework.objects.get(key=key, current=True)
            begin_use(project=project, framework=framework, actor=lead, reason=reason)
    if getattr(project, "inventory_entry", None) is None:
        set_inventory(
            project=project, actor=lead, owner=lead, deputy=people["dario"], overseer=people["saskia"],
            approved_uses=[project.purpose], review_every_days=180,
        )  # fmt: skip


def take_stock(team: Team, *, licence: str, owner: str) -> None:
    """At the end: the data are described, rights and risks reviewed, and everything is looked at."""
    lead, reviewer = team.who("marta"), team.who("saskia")
    for data_set in team.project.data_sets.filter(licence=""):
        describe_data_set(
            data_set=data_set, actor=lead, source=data_set.source, licence=licence, owner=owner,
            description=data_set.description,
        )  # fmt: skip
    if not team.project.reviews.exists():
        record_review(
            project=team.project, actor=reviewer, kind="access",
            result="Every member still has the role that the work asks for.", every_days=180,
        )  # fmt: skip
    look_at(project=team.project)
