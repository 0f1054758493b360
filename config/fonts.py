"""Serves the fonts from the packages that carry them, so that no font lies in the repository."""

from collections.abc import Iterable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from django.contrib.staticfiles.finders import BaseFinder
from django.core.checks import CheckMessage, Error
from django.core.files.storage import FileSystemStorage, Storage

PREFIX = "fonts/"

# Name below `fonts/`: the package that carries the file, and the file's name there.
FONTS: dict[str, tuple[str, str]] = {
    "Manrope-SemiBold.ttf": ("font_manrope", "Manrope-SemiBold.ttf"),
    "Manrope-Bold.ttf": ("font_manrope", "Manrope-Bold.ttf"),
    "SourceSansPro-Regular.ttf": ("font_source_sans_pro", "SourceSansPro-Regular.ttf"),
    "SourceSansPro-It.ttf": ("font_source_sans_pro", "SourceSansPro-It.ttf"),
    "SourceSansPro-Semibold.ttf": ("font_source_sans_pro", "SourceSansPro-Semibold.ttf"),
    "SourceSansPro-Bold.ttf": ("font_source_sans_pro", "SourceSansPro-Bold.ttf"),
    "SourceSerifPro-Regular.ttf": ("font_source_serif_pro", "SourceSerifPro-Regular.ttf"),
    "SourceSerifPro-It.ttf": ("font_source_serif_pro", "SourceSerifPro-It.ttf"),
    "SourceSerifPro-Semibold.ttf": ("font_source_serif_pro", "SourceSerifPro-Semibold.ttf"),
    "SourceCodePro.ttf": ("fontpkg_source_code_pro", "SourceCodePro[wght].ttf"),
}


def folder_of(package: str) -> Path | None:
    """Where a font package keeps its files, found without importing it; None when it is not installed."""
    spec = find_spec(package)
    places = list(spec.submodule_search_locations or []) if spec else []
    return Path(places[0]) / "files" if places else None


def path_of(name: str) -> Path | None:
    """The file behind `fonts/<name>`; None for a name that is not on the list or whose package is missing."""
    if name not in FONTS:
        return None
    package, file = FONTS[name]
    folder = folder_of(package)
    return folder / file if folder and (folder / file).is_file() else None


class _PackagedFonts(FileSystemStorage):
    """A read-only storage whose files keep our short names while they lie under their packages' names."""

    def path(self, name: str) -> str:
        found = path_of(name)
        if found is None:
            raise FileNotFoundError(f"No installed package carries the font {name}.")
        return str(found)


class FontFinder(BaseFinder):
    """Finds `fonts/<name>` for every name in `FONTS`, and nothing else."""

    def check(self, **kwargs: Any) -> list[CheckMessage]:
        return [
            Error(
                f"The font {name} was not found in the package {package}.",
                hint="Install what requirements.lock names: any verb of ./gatebook does.",
                id="gatebook.E010",
            )
            for name, (package, _) in FONTS.items()
            if path_of(name) is None
        ]

    def find(self, path: str, find_all: bool = False, **kwargs: Any) -> Any:  # noqa: FBT001, FBT002  # Django's signature
        """The absolute path of the font, or an empty list, which is how Django's finders say no."""
        # Django 5.2 renames `all` to `find_all` and still passes either.
        find_all = find_all or bool(kwargs.get("all"))
        found = path_of(path.removeprefix(PREFIX)) if path.startswith(PREFIX) else None
        if found is None:
            return []
        return [str(found)] if find_all else str(found)

    def list(self, ignore_patterns: Iterable[str] | None) -> Iterator[tuple[str, Storage]]:
        storage = _PackagedFonts()
        storage.prefix = PREFIX.rstrip("/")  # type: ignore[attr-defined]  # collectstatic reads it
        for name in FONTS:
            if path_of(name) is not None:
                yield name, storage
