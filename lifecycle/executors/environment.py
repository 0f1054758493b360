"""Which code made a result: versions of the libraries, of Python, and the commit of the checkout."""

import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = ("scikit-learn", "numpy", "pandas", "scipy", "pyarrow", "skops", "gatebook")


def code_version() -> dict[str, str | None]:
    """Package name to version, with `python`, `machine` and `commit` (None outside a checkout)."""
    found: dict[str, str | None] = {"python": platform.python_version(), "machine": platform.machine()}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = None
    found["commit"] = _commit(Path(__file__).resolve().parents[2])
    return found


def _commit(checkout: Path) -> str | None:
    """The commit checked out, read from git's files so that no program has to be run."""
    folder = checkout / ".git"
    try:
        if folder.is_file():  # a linked work tree: "gitdir: <path>"
            folder = Path(folder.read_text().removeprefix("gitdir:").strip())
        head = (folder / "HEAD").read_text().strip()
        if not head.startswith("ref: "):
            return head or None
        return _ref(folder, head.removeprefix("ref: "))
    except OSError:
        return None


def _ref(folder: Path, name: str) -> str | None:
    shared = folder / "commondir"
    roots = [folder, *([folder / shared.read_text().strip()] if shared.is_file() else [])]
    for root in roots:
        if (root / name).is_file():
            return (root / name).read_text().strip()
        if (root / "packed-refs").is_file():
            for line in (root / "packed-refs").read_text().splitlines():
                if line.endswith(f" {name}"):
                    return line.split(" ", 1)[0]
    return None
