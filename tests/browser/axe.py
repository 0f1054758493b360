"""What axe complains of on the page that is shown."""

import json

from axe_playwright_python.base import AXE_SCRIPT

OPTIONS = json.dumps({"resultTypes": ["violations"]})
WINDOWS = [("light", 1440), ("dark", 390)]
NARROWEST = 360


def violations(page):
    """Each rule that is broken, with the first three places. The script is put into a page once."""
    if page.evaluate("typeof axe") == "undefined":
        page.evaluate(AXE_SCRIPT)
    found = page.evaluate(f"axe.run({OPTIONS}).then(results => results.violations)")
    return [(each["id"], [node["html"][:160] for node in each["nodes"][:3]]) for each in found]


def faults_of(page):
    """What is wrong with the page that is shown, in the windows and themes that matter."""
    wrong = []
    for scheme, width in WINDOWS:
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        page.set_viewport_size({"width": width, "height": 900})
        wrong += [f"{scheme} {width}: {rule} {places}" for rule, places in violations(page)]
        wrong += _too_wide(page, width)
    page.set_viewport_size({"width": NARROWEST, "height": 900})
    return wrong + _too_wide(page, NARROWEST)


def _too_wide(page, width):
    over = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    return [f"{width}: {over} pixels too wide"] if over > 0 else []
