"""Memory does not grow with the length of a clip: peaks of a process of its own after 200 frames and after 2,000."""

import subprocess
import sys

import numpy as np
import pytest
from image_trees import save

from bench.data import write_video

SIZE = (96, 128)
FEW, MANY = 200, 2000

STREAM = """
import resource, sys
from bench.data import open_dataset
for spec, length in zip(sys.argv[1::2], map(int, sys.argv[2::2])):
    (clip,) = open_dataset(spec).clips
    assert sum(1 for _ in clip.frames()) == length
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def pictures(count):
    for index in range(count):
        yield np.full((*SIZE, 3), index % 256, np.uint8)


def generated(folder, count):
    return f"generated:clips=1,frames={count},size={SIZE[0]}x{SIZE[1]}"


def folder(folder, count):
    save(folder / str(count) / "0.bmp", next(pictures(1)))
    for index in range(1, count):
        (folder / str(count) / f"{index}.bmp").hardlink_to(folder / str(count) / "0.bmp")
    return f"folder:{folder / str(count)}"


def video(folder, count):
    write_video(folder / f"{count}.mp4", pictures(count), fps=25)
    return f"video:{folder / f'{count}.mp4'}"


@pytest.mark.skipif(sys.platform == "win32", reason="the peak is read with the resource module")
@pytest.mark.parametrize("make", [generated, folder, video])
def test_memory_does_not_grow_with_length(tmp_path, make):
    arguments = [make(tmp_path, FEW), str(FEW), make(tmp_path, MANY), str(MANY)]
    done = subprocess.run([sys.executable, "-c", STREAM, *arguments], capture_output=True, text=True, check=True)
    unit = 1 if sys.platform == "darwin" else 1024
    few, many = (int(line) * unit for line in done.stdout.split())
    # The frames that a reader would have kept between the two.
    kept = (MANY - FEW) * 3 * SIZE[0] * SIZE[1]
    assert many - few < kept / 8
