"""A tiny shop whose sales are watched: data by day and country, a trained model, a plan, and workers."""

import random
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings

from lifecycle.models import Job, ModelVersion, MonitoringPlan, Project, Run
from lifecycle.services import run_execution  # noqa: F401  # registers the handler of runs
from lifecycle.services.monitoring_plans import define_plan
from lifecycle.services.outbox import deliver
from lifecycle.services.run_requests import request_training
from tests.lifecycle import running

START = datetime(2026, 1, 1, tzinfo=UTC)


def sales(
    name: str = "sales.csv",
    days: int = 28,
    a_day: int = 40,
    first: datetime = START,
    shift: dict[str, float] | None = None,
    countries: str = "US",
    seed: int = 1,
    wrong: dict[str, float] | None = None,
    append: bool = False,
) -> Path:
    """A file of sales: `sold` is twice `price` plus noise. `shift` moves the price of a country, `wrong` what
    is sold there.
    """
    rng = random.Random(seed)
    path = Path(settings.GATEBOOK_DATA_ROOT) / name
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [] if append else ["day,country,price,stock,sold"]
    for number in range(days * a_day):
        country = countries.split()[number % len(countries.split())]
        price = rng.gauss(10, 2) + (shift or {}).get(country, 0.0)
        sold = 2 * price + rng.gauss(0, 0.5) + (wrong or {}).get(country, 0.0)
        day = first + timedelta(days=number // a_day)
        lines.append(f"{day:%Y-%m-%d},{country},{price:.3f},{rng.randint(0, 9)},{sold:.3f}")
    with path.open("a" if append else "w") as file:
        file.write("\n".join(lines) + "\n")
    return path


def training(**changes: Any) -> dict[str, Any]:
    """A quick training on the sales."""
    return {
        "data": {"uri": "sales.csv", "format": "csv"},
        "target": "sold",
        "task": "regression",
        "features": {"numeric": ["price", "stock"]},
        "split": {"kind": "random", "test_share": 0.25, "seed": 1},
        "pipeline": {"estimator": "ridge"},
        "metrics": ["mae", "rmse"],
        "slices": [{"column": "country"}],
        "baseline": {"kind": "constant"},
        "seed": 1,
        **changes,
    }


def plan_spec(**changes: Any) -> dict[str, Any]:
    """A weekly look at the live sales."""
    return {
        "source": {"uri": "live.csv", "format": "csv"},
        "time_column": "day",
        "every": "week",
        "starts": "2026-02-02",
        "features": {"numeric": ["price", "stock"]},
        "task": "regression",
        "target": "sold",
        "metrics": ["mae"],
        "min_rows": 50,
        "min_segment_rows": 50,
        "limits": {"metrics": [{"metric": "mae", "op": "<=", "limit": 1.0}]},
        **changes,
    }


def work() -> None:
    """Do all jobs of runs that wait, once, as workers would; an error that is no refusal fails the test."""
    for job in Job.objects.filter(state=Job.State.PENDING, task="runs.execute").order_by("pk"):
        assert deliver(job.pk), Job.objects.get(pk=job.pk).error


def trained(project: Project, **changes: Any) -> ModelVersion:
    """A model version that a training of the project has made."""
    run = request_training(
        project=project, iteration=None, task=None, title="Train", spec=training(**changes),
        actor=running.manager_of(project),
    )  # fmt: skip
    work()
    run.refresh_from_db()
    assert run.state == Run.State.FINISHED, run.error
    assert run.model_version is not None
    return run.model_version


def plan(project: Project, model: ModelVersion | None = None, **changes: Any) -> MonitoringPlan:
    """A weekly plan in production, defined by the manager."""
    given = {"name": "Sales", "environment": "production", **changes}
    spec = given.pop("spec", None) or plan_spec()
    return define_plan(
        project=project, model_version=model or trained(project), spec=spec,
        actor=running.manager_of(project), **given,
    )  # fmt: skip
