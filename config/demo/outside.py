"""What of the flights story happens outside of Gatebook, and how it comes in: through connectors."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.conf import settings
from django.db.models import QuerySet

from config.demo.tracker import connected, mlflow_server, run_script, sync_now
from config.demo.work import Team, owner_of
from config.demo.worker import DemoError
from lifecycle.models import Connector, Evidence, ModelVersion, Run, Task
from lifecycle.services.connector_rules import add_rule
from lifecycle.services.evidently_intake import record_evidently
from lifecycle.services.tasks import start_task

Address = Callable[[], str]
EXPERIMENT = "flight-delays"
TASK = "3.5"


@contextmanager
def tracker(team: Team) -> Iterator[Address | None]:
    """The tracker of the story for as long as the block lasts; None if what it is there for has arrived."""
    if _arrived(team).exists():
        yield None
        return
    with mlflow_server(team.console) as address:
        yield address


def challenger(team: Team, address: Address | None, *, last_month: int) -> None:
    """Somebody trains a simpler model with MLflow, in code that knows nothing of Gatebook.

    A rule makes its run evidence of the training task.
    """
    if address is None:
        return
    task = team.task(TASK)
    if task.state in (Task.State.PLANNED, Task.State.REOPENED, Task.State.BLOCKED):
        start_task(task=task, actor=owner_of(task))
    _log_and_fetch(team, address(), last_month)


def watched_by_evidently(team: Team, model: ModelVersion, *, month: int, until: int) -> Run:
    """Evidently looks at a month, by itself; what it writes is recorded as a monitoring run."""
    name = f"flights:{team.iteration.number}:{month:02}"
    done = Run.objects.filter(project=team.project, source="evidently", external_id=name).first()
    if done is not None:
        return done
    data = settings.GATEBOOK_DATA_ROOT / "flights" / "flights.parquet"
    with team.console.step(f"Monitor: month {month} by Evidently, from the file that it writes"):
        written = run_script("watch_flights.py", str(data), str(month), str(until))
        kept = record_evidently(
            project=team.project, document=json.loads(written), actor=team.who("priya"), external_id=name,
            title=f"Evidently, month {month}", model_digest=model.digest, task="6.1",
        )  # fmt: skip
    return Run.objects.get(pk=kept.run_id)


def _log_and_fetch(team: Team, url: str, last_month: int) -> None:
    data = settings.GATEBOOK_DATA_ROOT / "flights" / "flights.parquet"
    with connected(url, team.who("otto")) as connector:
        _rule(team, connector)
        with team.console.step("Train a challenger with MLflow's own client, autologged"):
            run_script(
                "train_flights.py", str(data), str(last_month), MLFLOW_TRACKING_URI=url,
                MLFLOW_EXPERIMENT_NAME=EXPERIMENT,
            )  # fmt: skip
        with team.console.step("Fetch what MLflow has") as report:
            sync_now(connector, team.who("marta"), report)
    run = _arrived(team).first()
    if run is None or not Evidence.objects.filter(snapshot__run=run, task=team.task(TASK)).exists():
        raise DemoError("The run of MLflow did not arrive as evidence.")
    team.console.line(f"{run.label} from MLflow is evidence of task {TASK}: {run.title}.")


def _rule(team: Team, connector: Connector) -> None:
    if connector.rules.filter(project=team.project, retired_at__isnull=True).exists():
        return
    add_rule(
        connector=connector, project=team.project, experiment=EXPERIMENT, run_kind="TRN", task_key=TASK,
        proves=True, actor=team.who("marta"),
    )  # fmt: skip


def _arrived(team: Team) -> QuerySet[Run]:
    return Run.objects.filter(project=team.project, iteration=team.iteration, source__startswith="mlflow:")
