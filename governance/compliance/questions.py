"""The guided classification: fixed questions, and what follows from the answers. Not legal advice.

Sources: Regulation (EU) 2024/1689 as amended by Regulation (EU) 2026/1744, Articles 3, 5, 6, 50, 95 and
Annexes I and III; SR 26-2 and PRA SS1/23 for the tier of a model; 21 CFR Part 11 for GxP. Words are our own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from governance.errors import Invalid

LONGEST = 2000


@dataclass(frozen=True)
class Question:
    """One question. `options` are the answers that there are; without any it is answered in words."""

    key: str
    text: object
    why: object = ""
    options: tuple[tuple[str, object], ...] = ()


YES_NO = (("no", gettext_lazy("No")), ("yes", gettext_lazy("Yes")))
LEVELS = (("low", gettext_lazy("Low")), ("medium", gettext_lazy("Medium")), ("high", gettext_lazy("High")))

ROLE = Question(
    "eu_role",
    gettext_lazy("What is the organization for this system in the European Union?"),
    gettext_lazy(
        "A provider develops it or puts its name on it; a deployer uses it under its own authority."
    ),
    (
        ("none", gettext_lazy("Neither: its output is not used in the EU")),
        ("provider", gettext_lazy("Provider")),
        ("deployer", gettext_lazy("Deployer")),
        ("both", gettext_lazy("Provider and deployer")),
    ),
)

PROHIBITED = tuple(
    Question(f"prohibited_{key}", text, article, YES_NO)
    for key, text, article in (
        (
            "manipulation",
            gettext_lazy("Does it move people to harmful acts by ways they do not notice?"),
            "Art. 5(1)(a)",
        ),
        ("vulnerability", gettext_lazy("Does it exploit age, disability or hardship?"), "Art. 5(1)(b)"),
        (
            "imagery",
            gettext_lazy("Does it make intimate images of people who did not agree?"),
            "Art. 5(1)(ba)",
        ),
        ("child_abuse", gettext_lazy("Can it make material that shows child abuse?"), "Art. 5(1)(bb)"),
        (
            "scoring",
            gettext_lazy("Does it score people socially, to their disadvantage elsewhere?"),
            "Art. 5(1)(c)",
        ),
        ("crime", gettext_lazy("Does it foretell crimes of a person from a profile alone?"), "Art. 5(1)(d)"),
        (
            "scraping",
            gettext_lazy("Does it build a database of faces by untargeted scraping?"),
            "Art. 5(1)(e)",
        ),
        ("emotion", gettext_lazy("Does it read emotions at work or at school?"), "Art. 5(1)(f)"),
        (
            "biometric",
            gettext_lazy("Does it sort people by biometrics into sensitive groups?"),
            "Art. 5(1)(g)",
        ),
        (
            "live",
            gettext_lazy("Does it identify people from afar in public, live, for the police?"),
            "Art. 5(1)(h)",
        ),
    )
)

ANNEX_III = (
    ("none", gettext_lazy("None of these")),
    ("1", gettext_lazy("1 Biometrics")),
    ("2", gettext_lazy("2 Critical infrastructure")),
    ("3", gettext_lazy("3 Education")),
    ("4", gettext_lazy("4 Employment")),
    ("5", gettext_lazy("5 Essential services: benefits, credit, insurance, emergency calls")),
    ("6", gettext_lazy("6 Law enforcement")),
    ("7", gettext_lazy("7 Migration, asylum, border")),
    ("8", gettext_lazy("8 Justice and democracy")),
)
DEROGATIONS = (
    ("none", gettext_lazy("None of these")),
    ("narrow", gettext_lazy("It does a narrow procedural task")),
    ("improves", gettext_lazy("It improves what a person has finished")),
    ("patterns", gettext_lazy("It finds deviations in decisions, and people review them")),
    ("prepares", gettext_lazy("It only prepares an assessment")),
)

QUESTIONS: tuple[Question, ...] = (
    ROLE,
    *PROHIBITED,
    Question(
        "product",
        gettext_lazy(
            "Is it a safety component of a regulated product, or one itself, that a third party must assess?"
        ),
        "Art. 6(1), Annex I",
        YES_NO,
    ),
    Question("area", gettext_lazy("Is it meant for one of these areas?"), "Art. 6(2), Annex III", ANNEX_III),
    Question(
        "derogation",
        gettext_lazy("If it is: is what it does no more than one of these?"),
        "Art. 6(3)",
        DEROGATIONS,
    ),
    Question("profiling", gettext_lazy("Does it profile people?"), "Art. 6(3)", YES_NO),
    Question(
        "talks",
        gettext_lazy("Do people talk with it, or does it make or change content that they see?"),
        "Art. 50",
        YES_NO,
    ),
    Question(
        "voluntary",
        gettext_lazy("Does the organization keep the duties of high-risk systems of its own will?"),
        "Art. 95",
        YES_NO,
    ),
    Question(
        "bank",
        gettext_lazy("Is it a model of a bank or insurer that supervisors look at?"),
        "SR 26-2, SS1/23",
        (
            ("no", gettext_lazy("No")),
            ("us", gettext_lazy("In the United States")),
            ("uk", gettext_lazy("In the United Kingdom")),
            ("both", gettext_lazy("In both")),
        ),
    ),
    Question(
        "impact",
        gettext_lazy("How much harm does a wrong output do?"),
        gettext_lazy("Money, people, reputation"),
        LEVELS,
    ),
    Question(
        "complexity",
        gettext_lazy("How hard is it to understand?"),
        gettext_lazy("Method, inputs, dependence on others"),
        LEVELS,
    ),
    Question(
        "gxp",
        gettext_lazy("Does it keep or change records that drug or device regulators inspect (GxP)?"),
        "21 CFR Part 11",
        YES_NO,
    ),
    Question("safety", gettext_lazy("Can a failure injure somebody?"), "", YES_NO),
    Question(
        "audited",
        gettext_lazy("Do auditors look at changes and access (SOC 2, ISO 27001, NIST 800-53)?"),
        "",
        YES_NO,
    ),
    Question(
        "management",
        gettext_lazy("Does the organization run an AI management system?"),
        "ISO/IEC 42001",
        YES_NO,
    ),
    Question("misuse", gettext_lazy("How could it be misused, as far as one can foresee?"), "Art. 9(2)(b)"),
    Question(
        "vulnerable",
        gettext_lazy("Which children or vulnerable groups may it touch, and what follows?"),
        "Art. 9(9)",
    ),
)

ALWAYS = ("crisp-ml-q", "ml-test-score", "nist-ai-rmf")
"""Frameworks that every classified project is measured by."""


def checked(answers: Mapping[str, object]) -> dict[str, str]:
    """The answers, each to its question; raises `Invalid` naming the first that is missing or unknown."""
    known = {each.key for each in QUESTIONS}
    for key in answers:
        if key not in known:
            raise Invalid("question_unknown", _("There is no question “%(key)s”.") % {"key": key}, str(key))
    return {each.key: _answer(each, answers.get(each.key)) for each in QUESTIONS}


def _answer(question: Question, given: object) -> str:
    text = given.strip() if isinstance(given, str) else ""
    if not text:
        raise Invalid(
            "answer_missing",
            _("Answer this question.") if given is None or given == "" else _("Answer in words."),
            question.key,
        )
    if question.options and text not in dict(question.options):
        known = ", ".join(value for value, _words in question.options)
        raise Invalid("answer_unknown", _("The answers are: %(known)s.") % {"known": known}, question.key)
    if len(text) > LONGEST:
        raise Invalid("answer_long", _("At most %(most)d characters.") % {"most": LONGEST}, question.key)
    return text


@dataclass(frozen=True)
class Classified:
    """What follows from the answers; `reasons` say why, in sentences."""

    risk_class: str
    route: str
    role: str
    prohibited: tuple[str, ...]
    high_risk_duties: bool
    tier: int
    gxp: bool
    safety: bool
    frameworks: tuple[str, ...]
    reasons: tuple[str, ...]

    def as_dict(self) -> dict[str, object]:
        """As JSON."""
        return {
            name: list(value) if isinstance(value, tuple) else value for name, value in vars(self).items()
        }


def classify(answers: Mapping[str, str]) -> Classified:
    """What a project with these (checked) answers is, and by which frameworks it is measured."""
    prohibited = tuple(str(each.why) for each in PROHIBITED if answers[each.key] == "yes")
    in_eu = answers["eu_role"] != "none"
    high, route, why = _route(answers)
    reasons = [why]
    if prohibited:
        reasons.insert(0, _("It does what %(articles)s forbids.") % {"articles": ", ".join(prohibited)})
    voluntary = answers["voluntary"] == "yes" and in_eu
    if voluntary and not high:
        reasons.append(_("The duties of high-risk systems are kept of own will (Art. 95)."))
    tier = _tier(answers)
    reasons.append(_("Impact and complexity make it a model of tier %(tier)d.") % {"tier": tier})
    if answers["safety"] == "yes":
        reasons.append(_("A failure can injure somebody: CRISP-ML(Q) alone is not enough for that."))
    limited = answers["talks"] == "yes" or answers["impact"] != "low"
    risk_class = "high" if high or prohibited else "limited" if limited else "minimal"
    return Classified(
        risk_class=risk_class,
        route=route,
        role=answers["eu_role"],
        prohibited=prohibited,
        high_risk_duties=(high and in_eu) or voluntary,
        tier=tier,
        gxp=answers["gxp"] == "yes",
        safety=answers["safety"] == "yes",
        frameworks=_frameworks(answers),
        reasons=tuple(reasons),
    )


def _route(answers: Mapping[str, str]) -> tuple[bool, str, str]:
    """Whether the Act calls it high-risk, by which route, and why."""
    if answers["product"] == "yes":
        return (
            True,
            "annex-i",
            _("It is a regulated product that a third party assesses, or its safety part (Art. 6(1))."),
        )
    if answers["area"] == "none":
        return False, "none", _("It is meant for no area of Annex III and is no regulated product.")
    area = {"area": answers["area"]}
    if answers["profiling"] == "yes":
        return (
            True,
            "annex-iii",
            _("Area %(area)s of Annex III, and it profiles people: always high-risk (Art. 6(3)).") % area,
        )
    if answers["derogation"] == "none":
        return True, "annex-iii", _("It is meant for area %(area)s of Annex III (Art. 6(2)).") % area
    return (
        False,
        "derogated",
        _("Area %(area)s of Annex III, but a task that Art. 6(3) excepts: document it and register it.")
        % area,
    )


def _tier(answers: Mapping[str, str]) -> int:
    """1 for the models that need most, 3 for those that need least."""
    worth = {"low": 0, "medium": 1, "high": 2}
    total = 2 * worth[answers["impact"]] + worth[answers["complexity"]]
    return 1 if total >= 5 else 2 if total >= 2 else 3


def _frameworks(answers: Mapping[str, str]) -> tuple[str, ...]:
    chosen = {
        "eu-ai-act": answers["eu_role"] != "none",
        "iso-42001": answers["management"] == "yes",
        "us-model-risk": answers["bank"] in ("us", "both"),
        "uk-ss1-23": answers["bank"] in ("uk", "both"),
        "21-cfr-part-11": answers["gxp"] == "yes",
        "change-and-access": answers["audited"] == "yes",
    }
    return tuple(sorted({*ALWAYS, *(key for key, wanted in chosen.items() if wanted)}))
