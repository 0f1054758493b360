"""Addresses of the pages of this app: reports, and the ledger as far as a reader sees it."""

from django.urls import URLPattern, URLResolver, path

from reports.views import ledger, reports

app_name = "reports"
urlpatterns: list[URLPattern | URLResolver] = [
    path("projects/<slug:slug>/reports/", reports.project_reports, name="project-reports"),
    path("projects/<slug:slug>/reports/list", reports.report_list, name="report-list"),
    path("reports/<int:pk>/download", reports.download, name="download"),
    path("ledger/", ledger.entries, name="ledger"),
    path("ledger/verify", ledger.verify, name="ledger-verify"),
    path("ledger/verification", ledger.verification, name="ledger-verification"),
    path("ledger/<int:index>/", ledger.entry, name="ledger-entry"),
    path("ledger/<int:index>/proof.json", ledger.proof, name="ledger-proof"),
]
