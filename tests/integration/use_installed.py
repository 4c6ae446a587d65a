"""What a user does with an installed package; the test of the distributions runs it from an empty folder.

Prints, as JSON: the folder that the package was imported from, and what it found of the files that travel with it.
"""

import json
from pathlib import Path

import bench
from bench.card.rows import table_rows
from bench.cli.main import main
from bench.data import open_dataset, write_video
from bench.measure.count.paper import published_figures
from bench.methods.shipped import shipped_rows
from bench.report.claims.claims import read_claims
from bench.train.tables import preset_names, read_tables

CLIPS = "synthetic:clips=1,frames=3,size=64x96"


def use() -> None:
    """Measure shipped weights, report on them, and draw over a video."""
    clip = open_dataset(CLIPS).clips[0]
    write_video(Path("street.mp4"), [frame.image.transpose(1, 2, 0) for frame in clip.frames()], fps=15)
    how = ["--weights", "shipped", "--threads", "1"]
    sweep = ["sweep", "--methods", "per-frame,mpvss", "--intervals", "2", "--data", CLIPS, "--only", "accuracy"]
    for command in (
        [*sweep, *how, "--out", "run"],
        ["report", "run", "--out", "report"],
        ["segment", "street.mp4", "--out", "overlay.mp4", *how],
    ):
        assert main(command) == 0, command


if __name__ == "__main__":
    use()
    found = {
        "package": str(Path(bench.__file__).parents[1]),
        "presets": [name for name in preset_names() if read_tables(name)],
        "shipped": shipped_rows(),
        "figures": len(published_figures()),
        "rows": len(table_rows()),
        "claims": [claim.name for claim in read_claims()],
    }
    print(json.dumps(found))
