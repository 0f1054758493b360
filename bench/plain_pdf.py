"""The smallest program that makes a PDF of the report's page: `python -m bench.plain_pdf FOLDER`."""

import sys
from pathlib import Path

from weasyprint import CSS, HTML
from weasyprint.text.fonts import FontConfiguration

from reports.rendering.fetch import SHEETS, ReportFetcher
from reports.rendering.fonts import font_css


def main(folder: Path) -> None:
    """`page.html` and the pictures of `images/` to `plain.pdf`: no tags, no archive, nothing attached."""
    images = {path.name: path for path in (folder / "images").iterdir()}
    fetcher, fonts = ReportFetcher(images), FontConfiguration()
    sheets = [CSS(string=font_css(), font_config=fonts, url_fetcher=fetcher)]
    sheets += [CSS(url=f"report:css/{name}", font_config=fonts, url_fetcher=fetcher) for name in SHEETS]
    html = (folder / "page.html").read_text(encoding="utf-8")
    page = HTML(string=html, base_url="report:", url_fetcher=fetcher)
    page.write_pdf(folder / "plain.pdf", stylesheets=sheets, font_config=fonts)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
