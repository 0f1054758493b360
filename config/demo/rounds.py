"""The parts of a round that both stories share: study, prepare, train, evaluate, deploy."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from config.demo.specs import Spec
from config.demo.work import (
    Team,
    begin_phase,
    both,
    do_task,
    finished,
    hand_over,
    pass_gate,
    review,
    shown_by,
)
from config.demo.worker import DemoError
from governance.models import Deployment
from governance.services.deployments import record_deployment
from lifecycle.models import ModelVersion, Run
from lifecycle.services.evidence import freeze_run
from lifecycle.services.runs import (
    record_run,
    request_data_validation,
    request_evaluation,
    request_monitoring,
    request_training,
)

ENVIRONMENT = "production"
Scope = Mapping[str, list[str]]
SpecFor = Callable[[str], Spec]


@dataclass(frozen=True)
class Window:
    """A window of data to judge or watch a model on; `spec` is made for a model's digest."""

    key: str
    title: str
    spec: SpecFor


@dataclass(frozen=True)
class Plan:
    """What differs from story to story in one round."""

    data: str
    validation: Spec
    blind: Sequence[Window]
    scope: Scope
    drill: Callable[[], dict[str, Any]]
    words: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    returned_for: str = ""
    outside: Callable[[Team], None] | None = None


def study(team: Team, plan: Plan) -> None:
    """The first phase: what is wanted, and whether the data is fit for it."""
    begin_phase(team, "P1")
    checked = _validated(team, plan, "1.5.3", f"Study: are the {plan.data} fit to be learned from?")
    told = {"1.1": "Scope", "1.2.2": "Metrics and their lowest levels"}
    for task, title in told.items():
        do_task(team, task, review(team, title, **plan.words.get(task, {})))
    for task in ("1.4", "1.4.1", "1.5.3"):
        do_task(team, task, shown_by(checked))
    do_task(team, "1.3", both(shown_by(checked), review(team, "Feasibility", decision="go")))
    do_task(team, "1.6", review(team, "Review of the first phase", decision="go on to the data"))
    hand_over(team, "H-04", "noor", "ken", snapshots=[freeze_run(run=checked, actor=team.who("noor"))])
    pass_gate(team, "G1", ["saskia"])


def prepare(team: Team, plan: Plan) -> None:
    """The second phase: the rows and formats that the model will see."""
    begin_phase(team, "P2")
    checked = _validated(team, plan, "2.1.2", f"Prepare: rows and formats of the {plan.data}")
    do_task(team, "2.1.2", shown_by(checked))
    do_task(team, "2.4.1", shown_by(checked))
    pass_gate(team, "G2", ["saskia"])
    frozen = freeze_run(run=checked, actor=team.who("noor"))
    hand_over(team, "H-09", "noor", "ken", snapshots=[frozen], returned_for=plan.returned_for)


def train(team: Team, plan: Plan, once: str, spec: Spec, title: str) -> Run:
    """The third phase: train, and let another person make the very same model again."""
    begin_phase(team, "P3")
    do_task(team, "3.2", review(team, "Measures of quality", measures=spec["metrics"], target=spec["target"]))

    if plan.outside is not None:
        plan.outside(team)

    def ask(task: str, who: str, name: str) -> Run:
        return request_training(
            project=team.project,
            iteration=team.iteration,
            task=team.task(task),
            title=name,
            spec=spec,
            actor=team.who(who),
            once=_once(team, once, task),
        )

    trained = finished(team, f"Train: {title}", lambda: ask("3.5", "ken", title))
    again = finished(team, "Train: the same by another person", lambda: ask("3.9.1", "lena", "Reproduction"))
    model = model_of(trained)
    if again.model_version_id != model.pk:
        raise DemoError("The second training made another model than the first.")
    compared = _evaluated(team, plan.blind[0], "3.3", "ken", model, "Create: compared with the benchmark")
    do_task(team, "3.5", shown_by(trained))
    do_task(team, "3.9.1", shown_by(again))
    choice = review(team, "Choice of the model", chosen=model.digest)
    do_task(team, "3.3", both(shown_by(trained, compared), choice))
    pass_gate(team, "G3", ["saskia"], model=model)
    hand_over(team, "H-11", "lena", "jonas", snapshots=[freeze_run(run=trained, actor=team.who("lena"))])
    return trained


def evaluate(team: Team, plan: Plan, trained: Run) -> None:
    """The fourth phase, by somebody who took no part in the training."""
    begin_phase(team, "P4")
    model = model_of(trained)
    blind = [
        _evaluated(team, window, "4.1", "jonas", model, f"Evaluate: {window.title}") for window in plan.blind
    ]
    strongest = [str(part["feature"]) for part in trained.record["importances"][:3]]
    plausible = review(team, "Are the strongest inputs plausible?", inputs=strongest)
    compared = review(team, "Comparison with the criteria", model=model.digest)
    do_task(team, "4.1", shown_by(*blind))
    do_task(team, "4.3", both(shown_by(*blind), plausible))
    do_task(team, "4.4", both(shown_by(*blind), compared))
    frozen = freeze_run(run=blind[0], actor=team.who("jonas"))
    hand_over(team, "H-12", "jonas", "saskia", snapshots=[frozen])


def authorize(team: Team, plan: Plan, model: ModelVersion, comment: str) -> None:
    """The deployment decision, signed by two."""
    pass_gate(
        team,
        "G4",
        ["saskia", "dario"],
        model=model,
        environment=ENVIRONMENT,
        scope=dict(plan.scope),
        comment=comment,
    )


def deploy(team: Team, plan: Plan, model: ModelVersion) -> None:
    """The fifth phase: fallback rehearsed, authorization handed over, deployed, ready to be watched."""
    hand_over(team, "H-14", "lena", "tomas")
    begin_phase(team, "P5")
    window = plan.blind[-1]
    shadow = _evaluated(team, window, "5.2", "lena", model, "Deploy: in the shadow of the benchmark")
    drill = _drill(team, plan, model)
    limits = review(team, "Limits of what is answered", **plan.words.get("5.4", {}))
    do_task(team, "5.2", shown_by(shadow, drill))
    do_task(team, "5.4", both(shown_by(drill), limits))
    hand_over(team, "H-17", "saskia", "priya")
    if not Deployment.objects.filter(iteration=team.iteration, model_version=model).exists():
        record_deployment(
            iteration=team.iteration,
            model_version=model,
            environment=ENVIRONMENT,
            scope=dict(plan.scope),
            actor=team.who("priya"),
            task=team.task("5.5"),
        )
        where = "; ".join(f"{key} {', '.join(values)}" for key, values in plan.scope.items())
        team.console.line(f"Deployed model {model.number} to {ENVIRONMENT}: {where}.")
    deployed = Run.objects.filter(task=team.task("5.5"), kind="DPR", model_version=model).latest("pk")
    do_task(team, "5.5", shown_by(deployed))
    hand_over(team, "H-19", "lena", "priya")
    pass_gate(team, "G5", ["saskia"], scope=dict(plan.scope))


def watch(team: Team, model: ModelVersion, windows: Sequence[Window]) -> list[Run]:
    """Monitor the model on these windows, in order."""
    begin_phase(team, "P6")
    return [
        finished(
            team,
            f"Monitor: {window.title}",
            lambda window=window: request_monitoring(  # type: ignore[misc]  # mypy cannot type the default
                project=team.project,
                iteration=team.iteration,
                task=team.task("6.1"),
                title=window.title,
                spec=window.spec(model.digest),
                model_version=model,
                actor=team.who("priya"),
                once=_once(team, "monitor", window.key),
            ),
        )
        for window in windows
    ]


def model_of(run: Run) -> ModelVersion:
    """The model that a training left."""
    if run.model_version is None:
        raise DemoError(f"{run.label} left no model.")
    return run.model_version


def _validated(team: Team, plan: Plan, task: str, text: str) -> Run:
    def ask() -> Run:
        return request_data_validation(
            project=team.project,
            iteration=team.iteration,
            task=team.task(task),
            title=plan.data[:1].upper() + plan.data[1:],
            spec=plan.validation,
            actor=team.who("noor"),
            once=_once(team, "validate", task),
        )

    return finished(team, text, ask)


def _evaluated(team: Team, window: Window, task: str, who: str, model: ModelVersion, text: str) -> Run:
    def ask() -> Run:
        return request_evaluation(
            project=team.project,
            iteration=team.iteration,
            task=team.task(task),
            title=window.title,
            spec=window.spec(model.digest),
            model_version=model,
            actor=team.who(who),
            once=_once(team, "evaluate", task, window.key, str(model.number)),
        )

    return finished(team, text, ask)


def _drill(team: Team, plan: Plan, model: ModelVersion) -> Run:
    """Rehearse the way back, once for each model."""
    key = _once(team, "drill", str(model.number))
    done = Run.objects.filter(source="fallback-drill", external_id=key).first()
    return done or record_run(
        project=team.project,
        iteration=team.iteration,
        task=team.task("5.4"),
        kind="DPR",
        title="Rehearsal of the fallback",
        source="fallback-drill",
        external_id=key,
        model_version=model,
        record=plan.drill(),
        actor=team.who("tomas"),
    )


def _once(team: Team, *parts: str) -> str:
    return ":".join((team.project.slug, str(team.iteration.number), *parts))
