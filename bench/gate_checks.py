"""The gate check as a function and over HTTP, against views that do next to nothing on the same server."""

from bench import large
from bench.measure import Cell, Report, each, in_turns, percentile, ratio
from bench.options import Effort
from bench.serving import Load, load, served
from governance.models import Authorization
from governance.queries.gate_checks import gate_check
from lifecycle.models import ApiToken, User
from lifecycle.services.tokens import issue_token

CLIENTS = 8
FLOOR = "one row by its key (ORM)"
TRIVIAL = "trivial view"
WARM_UP_SECONDS = 0.5


def run(report: Report, effort: Effort) -> None:
    """The function in microseconds, then answers a second with 8 kept connections to two processes."""
    if not Authorization.objects.exists():
        large.fill(effort.projects, say=lambda _: None)
    given = Authorization.objects.select_related("project").first()
    assert given is not None
    _function(report, effort, given)
    _http(report, effort, given)


def _function(report: Report, effort: Effort, given: Authorization) -> None:
    report.heading("gate check: the function")
    cases = {
        FLOOR: each(lambda: Authorization.objects.get(pk=given.pk), effort.checks),
        "gate_check, allow": each(
            lambda: gate_check(
                model_digest=given.model_digest, environment=given.environment, scope={"country": ["IT"]}
            ),
            effort.checks,
        ),
        "gate_check, unknown digest": each(
            lambda: gate_check(model_digest="0" * 64, environment=given.environment), effort.checks
        ),
    }
    report.table("gate-check", "us/check", in_turns(cases, effort.rounds), FLOOR)


def _http(report: Report, effort: Effort, given: Authorization) -> None:
    lead = User.objects.filter(org_role=User.OrgRole.ADMINISTRATOR).order_by("-pk")[0]
    _, token = issue_token(user=lead, name="bench", scope=ApiToken.Scope.GATE_CHECK, days=1, actor=lead)
    asked = f"model_digest={given.model_digest}&environment={given.environment}&scope=country=IT"
    paths = {
        TRIVIAL: ("/bench/nothing", ""),
        "one row by its key, as JSON": (f"/bench/lookup?pk={given.pk}", ""),
        "gate check": (f"/api/v1/gate-checks/?{asked}", token),
    }
    report.heading(f"gate check over HTTP, {CLIENTS} kept connections, 2 web processes")
    with served() as port:
        for clients in (1, CLIENTS):
            found: dict[str, list[Load]] = {name: [] for name in paths}
            for path, key in paths.values():
                load(port, path, token=key, clients=clients, seconds=WARM_UP_SECONDS)
            for _ in range(effort.http_rounds):
                for name, (path, key) in paths.items():
                    found[name].append(load(port, path, token=key, clients=clients, seconds=effort.seconds))
            _tell(report, clients, found)


def _tell(report: Report, clients: int, found: dict[str, list[Load]]) -> None:
    floor = [each.rate for each in found[TRIVIAL]]
    for name, loads in found.items():
        rates = [each.rate for each in loads]
        seconds = [value for each in loads for value in each.seconds]
        report.add(
            Cell(
                benchmark=f"gate-check-http-{clients}", database=report.database,
                case=f"{name}, {clients} client{'s' if clients > 1 else ''}", unit="answers/s", values=rates,
                floor="" if name == TRIVIAL else TRIVIAL,
                ratio=None if name == TRIVIAL else ratio(rates, floor),
                facts={
                    **{f"p{share}_ms": percentile(seconds, share / 100) * 1e3 for share in (50, 95, 99)},
                    "reopened": sum(each.reopened for each in loads),
                },
            )
        )  # fmt: skip
