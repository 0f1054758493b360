"""Addresses of the pages of this app: reports, and the ledger as far as a reader sees it."""

from django.urls import URLPattern, URLResolver, path, register_converter

from reports.paths import TileConverter
from reports.views import checks, ledger, log, reports

register_converter(TileConverter, "tile")

app_name = "reports"
urlpatterns: list[URLPattern | URLResolver] = [
    path("projects/<slug:slug>/reports/", reports.project_reports, name="project-reports"),
    path("projects/<slug:slug>/reports/list", reports.report_list, name="report-list"),
    path("reports/<int:pk>/", reports.report, name="report"),
    path("reports/<int:pk>/as/<slug:form>", reports.take, name="take"),
    path("reports/<int:pk>/tables/<slug:name>.csv", reports.table, name="table"),
    path("reports/<int:pk>/cancel", reports.cancel, name="cancel"),
    path("reports/<int:pk>/download", reports.download, name="download"),
    path("verify/", checks.check, name="check"),
    path("verify.py", checks.verifier, name="verifier"),
    path("ledger/", ledger.entries, name="ledger"),
    path("ledger/verify", ledger.verify, name="ledger-verify"),
    path("ledger/verification", ledger.verification, name="ledger-verification"),
    path("ledger/<int:index>/", ledger.entry, name="ledger-entry"),
    path("ledger/<int:index>/proof.json", ledger.proof, name="ledger-proof"),
    path("ledger/<int:index>/tlog-proof", log.proof, name="ledger-tlog-proof"),
    path("ledger/checkpoint", log.checkpoint, name="ledger-checkpoint"),
    path("ledger/keys", log.keys, name="ledger-keys"),
    path("ledger/tile/entries/<tile:place>", log.entries, name="ledger-entry-tile"),
    path("ledger/tile/<int:level>/<tile:place>", log.tile, name="ledger-tile"),
]
