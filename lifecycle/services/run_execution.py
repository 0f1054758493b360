"""Carries a run out: the handler `runs.execute` of the outbox."""

import logging
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from django.conf import settings
from django.utils.translation import gettext as _

from ledger.errors import GatebookError
from lifecycle import executors  # by its name, so that scikit-learn is loaded when a run needs it
from lifecycle.errors import Invalid
from lifecycle.executors import Progress
from lifecycle.models import ModelVersion, MonitoringWindow, Run, TestSetUse
from lifecycle.outbox_registry import handler
from lifecycle.services import runs
from lifecycle.services.model_store import StoredModel, local_model, store_file, store_model

log = logging.getLogger(__name__)

PROGRESS_SECONDS = 1.0


class Outcome(NamedTuple):
    """What came out of a run."""

    record: dict[str, Any]
    model: StoredModel | None = None


def fail_given_up(*, error: str, run_id: int) -> None:
    """The outbox has given the run up: it ends failed, naming the step it was last seen in."""
    run = Run.objects.get(pk=run_id)
    text = _("%(error)s (last step: %(step)s)") % {"error": error, "step": run.step} if run.step else error
    runs.fail_run(run=run, error=text)


@handler("runs.execute", gave_up=fail_given_up)
def execute_run(*, run_id: int) -> None:
    """Carry out one attempt of a run. What is refused on purpose ends it; other errors are tried again."""
    run = runs.begin_run(run=Run.objects.get(pk=run_id))
    if run.state in runs.ENDED:
        return
    try:
        outcome = EXECUTORS[run.kind](run, _reporter(run))
    except GatebookError as no:  # the same input would be refused again
        log.info("run %s failed: %s", run.pk, no)
        runs.fail_run(run=run, error=str(no))
        return
    runs.finish_run(run=run, record=outcome.record, model=outcome.model)


def _reporter(run: Run) -> Progress:
    """Saves progress when a second has passed since it was last saved, and always when the step changes."""
    last_step, last_time = "", 0.0

    def report(step: str, share: float) -> None:
        nonlocal last_step, last_time
        if step == last_step and time.monotonic() - last_time < PROGRESS_SECONDS:
            return
        last_step, last_time = step, time.monotonic()
        runs.report_progress(run=run, share=share, step=step)

    return report


def _train(run: Run, progress: Progress) -> Outcome:
    spec = executors.parse_training(run.spec)
    with tempfile.TemporaryDirectory(prefix="gatebook-run-") as folder:
        result = executors.train(
            spec, root=settings.GATEBOOK_DATA_ROOT, workdir=Path(folder), progress=progress
        )
        return Outcome(result.to_record(), store_model(result.model_path, result.model_sha256))


def _evaluate(run: Run, progress: Progress) -> Outcome:
    spec = executors.parse_evaluation(run.spec)
    result = executors.evaluate(
        spec,
        root=settings.GATEBOOK_DATA_ROOT,
        model_loader=_loader(run, spec),
        progress=progress,
    )
    return Outcome({**result.to_record(), **_test_set_of(run)})


def _test_set_of(run: Run) -> dict[str, Any]:
    """Which use of which locked test set the evaluation is. 1 query."""
    use = TestSetUse.objects.filter(run=run).select_related("test_set").first()
    if use is None:
        return {}
    held = use.test_set
    named = {"name": held.name, "version": held.version, "use": use.number, "of": held.max_uses}
    return {"test_set": named}


def _validate(run: Run, progress: Progress) -> Outcome:
    spec = executors.parse_validation(run.spec)
    with tempfile.TemporaryDirectory(prefix="gatebook-run-") as folder:
        result = executors.validate_data(
            spec, root=settings.GATEBOOK_DATA_ROOT, workdir=Path(folder), progress=progress
        )
        record = result.to_record()
        if result.aside_path is not None:
            record["set_aside"]["name"] = store_file(result.aside_path, "set-aside")
    return Outcome(record)


def _monitor(run: Run, progress: Progress) -> Outcome:
    spec = executors.parse_monitoring(run.spec)
    result = executors.monitor(
        spec,
        root=settings.GATEBOOK_DATA_ROOT,
        model_loader=_loader(run, spec),
        progress=progress,
    )
    return Outcome({**result.to_record(), **_plan_of(run)})


def _plan_of(run: Run) -> dict[str, Any]:
    """Which window of which plan, defined when, the run looks at. 1 query."""
    window = MonitoringWindow.objects.filter(run=run).select_related("plan").first()
    if window is None:
        return {}
    plan = window.plan
    return {
        "plan": {
            "key": plan.key,
            "version": plan.version,
            "sha256": plan.spec_digest,
            "defined_at": plan.created_at.isoformat(),
            "environment": plan.environment,
            "stage": window.stage,
        }
    }


def _loader(run: Run, spec: executors.EvaluationSpec | executors.MonitoringSpec) -> "executors.ModelLoader":
    """Loads models of the run's own project only: a digest is no key to somebody else's model."""

    def load(digest: str) -> "executors.Model":
        version = ModelVersion.objects.filter(project=run.project_id, digest=digest).first()
        if version is None:
            raise Invalid("model_missing", _("The project has no model with this digest."), "/model_sha256")
        with local_model(version.path) as path:
            return executors.load_model(
                path, digest, inputs=spec.inputs, task=spec.task, target=spec.target or ""
            )

    return load


EXECUTORS: dict[str, Callable[[Run, Progress], Outcome]] = {
    Run.Kind.TRAINING: _train,
    Run.Kind.EVALUATION: _evaluate,
    Run.Kind.DATA_VALIDATION: _validate,
    Run.Kind.MONITORING: _monitor,
}
"""Which function carries out which kind; a deployment is recorded where it happens and never waits here."""
