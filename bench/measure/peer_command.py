"""`mpvss-bench peer`: speed and memory beside the `transformers` library."""

from __future__ import annotations

import argparse
from pathlib import Path

from bench import arguments


def add_parser(commands: argparse._SubParsersAction) -> None:
    """Add the command's parser."""
    parser = commands.add_parser(
        "peer",
        help="speed and memory beside the transformers library's Mask2Former",
        description="Time a key frame and another frame of MPVSS on the CPU beside the transformers library's "
        "Mask2Former with the same weights, interleaved in one process, and compare peak memory and labels. "
        "Needs: pip install 'mpvss-bench[peer]'.",
    )
    parser.add_argument("--backbone", default="swin-t", help="a Swin (default: swin-t)")
    parser.add_argument("--size", type=arguments.size, default=(480, 853), metavar="HxW", help="default: 480x853")
    parser.add_argument("--classes", type=int, default=124, metavar="N", help="default: 124")
    parser.add_argument("--rounds", type=int, default=7, metavar="N", help="samples of each (default: 7)")
    parser.add_argument("--threads", type=int, metavar="N", help="CPU threads (default: as torch chooses)")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write everything measured as JSON")
    parser.set_defaults(run=_run)


def _run(args: argparse.Namespace) -> int:
    try:
        import transformers  # noqa: F401
    except ImportError:
        raise ValueError("the peer is the transformers library; install it with: pip install transformers") from None
    from bench.measure.peer import compare_with_peer
    from bench.results import write_json
    from bench.runner import set_threads

    set_threads(args.threads)
    result = compare_with_peer(backbone=args.backbone, size=args.size, num_classes=args.classes, rounds=args.rounds)
    median, ratio, memory = result["median_s"], result["ratio_to_peer"], result["memory_bytes"]
    print(f"peer         {median['peer']:8.3f} s  peak {memory['peer']['peak'] / 1e6:7.0f} MB")
    print(
        f"key frame    {median['key']:8.3f} s  peak {memory['key']['peak'] / 1e6:7.0f} MB  "
        f"{ratio['key']:.3f} of the peer's time, {result['memory_ratio_to_peer']['peak']:.3f} of its peak memory"
    )
    print(f"other frame  {median['other']:8.3f} s                   {ratio['other']:.3f} of the peer's time")
    for name, count in result["agreement"].items():
        print(f"{name.replace('_', ' ')}: {count}")
    if args.out is not None:
        write_json(args.out, result)
        print(f"written: {args.out}")
    return 0
