"""From specification to SVG."""

import hashlib
import importlib.resources
from functools import cache
from importlib.metadata import version

import rfc8785
import vl_convert
from django.core.cache import cache as shared_cache

from reports.charts.figures import Spec

FONT_PACKAGES = ("font_source_sans_pro", "font_source_serif_pro", "font_manrope", "fontpkg_source_code_pro")
KEEP_SECONDS = 7 * 24 * 3600


def chart_svg(spec: Spec) -> str:
    """The SVG of a Vega-Lite specification; kept in Django's cache under the digest of its canonical JSON.

    Costs about 30 to 200 ms when drawn (the first in a process 0.5 s and 100 MiB more for the JavaScript
    engine). Raises rfc8785.CanonicalizationError for a value that JSON does not have, such as NaN.
    """
    digest = hashlib.sha256(rfc8785.dumps(spec)).hexdigest()
    key = f"reports.charts:{version('vl-convert-python')}:{digest}"
    found: str | None = shared_cache.get(key)
    if found is None:
        register_fonts()
        found = str(vl_convert.vegalite_to_svg(spec))
        shared_cache.set(key, found, KEEP_SECONDS)
    return found


@cache
def register_fonts() -> None:
    """So that labels are measured with the fonts that page and PDF draw them with."""
    for package in FONT_PACKAGES:
        vl_convert.register_font_directory(str(importlib.resources.files(package) / "files"))
