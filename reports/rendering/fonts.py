"""The faces of the report and the packages that carry them."""

import importlib.resources
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Face:
    """One font file as CSS sees it."""

    package: str
    file: str
    family: str
    weight: str = "400"
    style: str = "normal"

    @property
    def path(self) -> Path:
        """Where the package keeps it. Raises ModuleNotFoundError if the package is not installed."""
        return Path(str(importlib.resources.files(self.package) / "files" / self.file))


FACES = {
    "sans-400": Face(
        package="font_source_sans_pro", file="SourceSansPro-Regular.ttf", family="Source Sans Pro"
    ),
    "sans-600": Face(
        package="font_source_sans_pro",
        file="SourceSansPro-Semibold.ttf",
        family="Source Sans Pro",
        weight="600",
    ),
    "serif-400": Face(
        package="font_source_serif_pro", file="SourceSerifPro-Regular.ttf", family="Source Serif Pro"
    ),
    "serif-600": Face(
        package="font_source_serif_pro",
        file="SourceSerifPro-Semibold.ttf",
        family="Source Serif Pro",
        weight="600",
    ),
    "code-400": Face(
        package="fontpkg_source_code_pro", file="SourceCodePro[wght].ttf", family="Source Code Pro"
    ),
}


def font_css() -> str:
    """`@font-face` rules whose addresses only our fetcher knows."""
    return "\n".join(
        f'@font-face {{ font-family: "{face.family}"; font-weight: {face.weight}; font-style: {face.style};'
        f' src: url("report:fonts/{name}") }}'
        for name, face in FACES.items()
    )
