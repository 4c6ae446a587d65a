"""The rows of the paper's Tables 1 and 2 that are built here. Imports no torch."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.methods.names import PAPER_METHODS, PER_FRAME, branches, check_backbone, known_methods
from bench.published import TABLES
from mpvss.errors import UserError

SETTINGS = {"1": ((480, 853), 124), "2": ((1024, 2048), 19)}
"""Height and width of the frames, and classes, of each table."""


@dataclass(frozen=True)
class TableRow:
    """A row of Table 1 or 2, and the method and backbone here that it is of."""

    table: str
    paper_method: str
    paper_backbone: str
    method: str
    backbone: str

    @property
    def name(self) -> str:
        """Tells it from other rows."""
        return f"table-{self.table}--{self.paper_method}--{self.paper_backbone}"


OF_OTHERS: dict[tuple[str, str, str], tuple[str, str]] = {
    ("1", "DeepLab3+", "R101"): (PER_FRAME, "deeplabv3plus-r101"),
    ("1", "UperNet", "R101"): (PER_FRAME, "upernet-r101"),
    ("1", "PSPNet", "R101"): (PER_FRAME, "pspnet-r101"),
    ("1", "OCRNet", "R101"): (PER_FRAME, "ocrnet-r101"),
    ("1", "ETC", "OCRNet"): (PER_FRAME, "ocrnet-r101"),
    ("1", "NetWarp", "OCRNet"): ("netwarp", "ocrnet-r101-vspw"),
    ("1", "TCB", "R101"): ("tcb", "ocrnet-r101-vspw"),
    **{("1", "Segformer", f"MiT-{size}"): (PER_FRAME, f"segformer-{size.lower()}") for size in ("B2", "B5")},
    **{("2", "SegFormer", f"MiT-{size}"): (PER_FRAME, f"segformer-{size.lower()}") for size in ("B1", "B5")},
    **{
        (table, name, f"MiT-{size}"): (method, f"mit-{size.lower()}")
        for name, method in (("CFFM-VSS", "cffm"), ("MRCFA", "mrcfa"))
        for table, sizes in (("1", ("B2", "B5")), ("2", ("B0", "B1")))
        for size in sizes
    },
    ("2", "FCN", "R101"): (PER_FRAME, "fcn-r101"),
    ("2", "PSPNet", "R101"): (PER_FRAME, "pspnet-r101"),
    ("2", "ETC", "R18"): (PER_FRAME, "pspnet-r18"),
    ("2", "DFF", "R101"): ("dff-original", "r101"),
    ("2", "DVSN", "R101"): ("dvsnet", "r101"),
    ("2", "Accel", "R101"): ("accel-original", "r101"),
}
"""What the rows of other publications are here. ETC is a way to train, and runs as the network that it trains."""


def table_rows(file: Path = TABLES) -> list[TableRow]:
    """Every row that is built here, in the paper's order."""
    with file.open(newline="") as lines:
        printed = dict.fromkeys((row["table"], row["method"], row["backbone"]) for row in csv.DictReader(lines))
    return [row for key in printed if key[0] in SETTINGS for row in _row(*key)]


def _row(table: str, paper_method: str, paper_backbone: str) -> Iterator[TableRow]:
    """The row, if the method is registered and has the backbone."""
    own = (PAPER_METHODS.get(paper_method, ""), paper_backbone.lower())
    method, backbone = OF_OTHERS.get((table, paper_method, paper_backbone), own)
    if method in known_methods() and _is_built(method, backbone):
        yield TableRow(table, paper_method, paper_backbone, method, backbone)


def _is_built(method: str, backbone: str) -> bool:
    try:
        for name in branches(method, backbone):
            if name is not None:
                check_backbone(name, method)
    except UserError:
        return False
    return True
