"""Which libraries are there, as the project's own metadata asks for them, and which extras are complete."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from importlib import metadata

from packaging.requirements import Requirement

from bench.doctor.finding import Finding

PROJECT = "mpvss-bench"
EXTRAS = {
    "peer": "the speed comparison with `transformers`, and its models as backbones",
    "dis": "optical flow by dense inverse search",
    "hub": "weights from the model hub",
    "lite0": "ImageNet weights of the backbone `lite0`",
    "browser": "tests of the page in headless Chromium",
    "cluster": "sweeps as jobs of SLURM or of this machine, `sweep --launch`",
    "wandb": "figures for Weights & Biases, `report --sink wandb`",
    "mlflow": "figures for MLflow, `report --sink mlflow`",
    "rerun": "recordings of clips for Rerun, `report --export rrd`",
    "test": "the tests",
    "lint": "style, types and the direction of imports",
    "dev": "all that development needs",
}
"""What each extra is for; a test holds it against the metadata."""


def software() -> Iterator[Finding]:
    """Python, every library that the project needs, and each extra with what it lacks."""
    yield Finding("Software", "Python", "yes", platform.python_version())
    for requirement in requirements(None):
        version = version_of(requirement.name)
        if version is None:
            detail = "is not installed"
        else:
            detail = version if _satisfied(requirement) else f"{version}, and {requirement.specifier} is needed"
        state = "yes" if _satisfied(requirement) else "broken"
        yield Finding("Software", requirement.name, state, detail, f"pip install '{requirement}'")
    for extra, purpose in EXTRAS.items():
        lacking = [str(requirement) for requirement in requirements(extra) if not _satisfied(requirement)]
        remedy = f"lacks {', '.join(lacking)}: pip install '{PROJECT}[{extra}]'"
        yield Finding("Extras", extra, "no" if lacking else "yes", purpose, remedy)


def requirements(extra: str | None) -> list[Requirement]:
    """What an extra adds, extras within it resolved; for None, what is always needed."""
    found = list[Requirement]()
    for text in metadata.requires(PROJECT) or []:
        requirement = Requirement(text)
        marker = requirement.marker
        always = marker is None or marker.evaluate({"extra": ""})
        if always != (extra is None) or (marker is not None and not marker.evaluate({"extra": extra or ""})):
            continue
        requirement.marker = None
        within = sorted(requirement.extras) if requirement.name == PROJECT else []
        found += [inner for name in within for inner in requirements(name)] if within else [requirement]
    return found


def version_of(name: str) -> str | None:
    """The installed version of a distribution; None where there is none."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _satisfied(requirement: Requirement) -> bool:
    version = version_of(requirement.name)
    return version is not None and requirement.specifier.contains(version, prereleases=True)
