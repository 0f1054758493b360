"""What the renderer may read: its own styles, its own fonts, and the pictures of the report at hand."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from weasyprint.urls import FatalURLFetchingError, URLFetcher, URLFetcherResponse

from reports.rendering.fonts import FACES

STYLES = Path(__file__).resolve().parents[2] / "static" / "css"
SHEETS = ("tokens.css", "report.css")
LETTER = "letter.css"


class RefusedAddress(FatalURLFetchingError):  # type: ignore[misc]  # weasyprint carries no types
    """An address that is not ours. Fatal: a report that asks for it is not one of our templates' making."""


class ReportFetcher(URLFetcher):  # type: ignore[misc]  # weasyprint carries no types
    """Serves `report:css/…`, `report:fonts/…` and `report:images/…` from fixed tables; refuses every other
    address.
    """

    def __init__(self, images: Mapping[str, Path]) -> None:
        super().__init__(allowed_protocols=["report"], allow_redirects=False)
        self.images = images

    def fetch(self, url: str, headers: Any = None) -> URLFetcherResponse:
        """Content of one of our addresses. Raises RefusedAddress for any other."""
        path, kind = self._known(url)
        return URLFetcherResponse(url, path.read_bytes(), {"Content-Type": kind})

    def _known(self, url: str) -> tuple[Path, str]:
        scheme, _colon, rest = url.partition(":")
        folder, _slash, name = rest.partition("/")
        if scheme == "report" and folder == "css" and name in (*SHEETS, LETTER):
            return STYLES / name, "text/css"
        if scheme == "report" and folder == "fonts" and name in FACES:
            return FACES[name].path, "font/ttf"
        if scheme == "report" and folder == "images" and name in self.images:
            return self.images[name], "image/svg+xml"
        raise RefusedAddress(f"Reports may not read {url[:200]}")
