"""`manage run`: carry out a specification in this process, with a bar, as a worker would."""

import json
from pathlib import Path
from typing import Any, NoReturn

from django.core.exceptions import PermissionDenied
from django.core.management import CommandError
from django.core.management.base import BaseCommand, CommandParser

from ledger.errors import GatebookError, Invalid
from lifecycle.models import Iteration, Job, ModelVersion, Project, Run, Task, User
from lifecycle.services import run_execution  # noqa: F401  # registers the handler of runs
from lifecycle.services.outbox import deliver
from lifecycle.services.runs import REQUESTS

KINDS = {"training": "TRN", "evaluation": "EVR", "monitoring": "MON", "data-validation": "DVR"}
FAILED, BAD_CALL = 1, 2


class Command(BaseCommand):
    """Asks for a run in a person's name and carries it out here. Exit: 0 finished, 1 failed, 2 refused."""

    help = "Carry out a training, evaluation, monitoring or data validation from a JSON specification."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("project", help="the project's slug")
        parser.add_argument("kind", choices=sorted(KINDS))
        parser.add_argument("spec", type=Path, help="file with the specification as JSON")
        parser.add_argument("--as", dest="person", required=True, metavar="USER", help="who asks for it")
        parser.add_argument("--task", default="", help="key of a task of the open iteration, such as 3.5")
        parser.add_argument("--title", default="", help="what the run is called; the file's name if left out")
        parser.add_argument("--model-digest", default="", help="the model that is looked at")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            run = self._ask(options)
        except Invalid as problem:
            _refuse(problem.code, str(problem), problem.where)
        except GatebookError as problem:
            _refuse(getattr(problem, "code", "refused"), str(problem), "")
        except PermissionDenied as problem:
            _refuse("forbidden", str(problem), "")
        deliver(Job.objects.get(key=f"run:{run.pk}").pk)
        run.refresh_from_db()
        self.stdout.write(json.dumps(_told(run), indent=2, ensure_ascii=False))
        if run.state != Run.State.FINISHED:
            raise CommandError(f"{run.label} {run.state}: {run.error}", returncode=FAILED)

    def _ask(self, options: dict[str, Any]) -> Run:
        project = _found(Project, "project", slug=options["project"])
        iteration = project.iterations.filter(state=Iteration.State.OPEN).first()
        where = {"phase__iteration": iteration, "key": options["task"]}
        task = _found(Task, "task", **where) if options["task"] else None
        digest = options["model_digest"].removeprefix("sha256:")
        model = _found(ModelVersion, "model-digest", project=project, digest=digest) if digest else None
        return REQUESTS[KINDS[options["kind"]]](
            project=project,
            iteration=iteration,
            task=task,
            title=options["title"] or options["spec"].stem,
            spec=_read(options["spec"]),
            model_version=model,
            actor=_found(User, "as", username=options["person"]),
        )


def _read(path: Path) -> dict[str, Any]:
    try:
        spec = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise Invalid("file_unreadable", f"{path}: {error.strerror}.", "spec") from error
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise Invalid("not_json", f"{path} is not JSON: {error}.", "spec") from error
    if not isinstance(spec, dict):
        raise Invalid("not_an_object", f"{path} holds no JSON object.", "spec")
    return spec


def _found(model: type[Any], where: str, **fields: Any) -> Any:
    record = model.objects.filter(**fields).first()
    if record is None:
        raise Invalid("not_found", f"There is no such {model._meta.verbose_name}.", where)
    return record


def _told(run: Run) -> dict[str, Any]:
    return {
        "run": run.pk,
        "state": run.state,
        "error": run.error,
        "metrics": run.record.get("metrics"),
        "model_digest": run.model_version.digest if run.model_version else None,
    }


def _refuse(code: str, text: str, where: str) -> NoReturn:
    raise CommandError(
        json.dumps({"code": code, "where": where, "text": text}, ensure_ascii=False), returncode=BAD_CALL
    )
