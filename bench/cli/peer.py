"""`mpvss-bench peer`: speed and memory beside the `transformers` library."""

from __future__ import annotations

import argparse
from pathlib import Path

from bench.cli import options
from mpvss.errors import UserError


def add_parser(commands: argparse._SubParsersAction) -> None:
    """Add the command's parser."""
    parser = commands.add_parser(
        "peer",
        help="speed and memory beside the transformers library's Mask2Former",
        description="Time a key frame and a non-key frame of MPVSS beside the transformers library's Mask2Former with "
        "the same weights, interleaved in one process, and compare peak memory and labels: as they are and, where a "
        "number format or another way to run is given, in that too. Needs: pip install 'mpvss-bench[peer]'.",
    )
    parser.add_argument("--backbone", default="swin-t", help="a Swin (default: swin-t)")
    parser.add_argument("--size", type=options.size, default=(480, 853), metavar="HxW", help="default: 480x853")
    parser.add_argument("--classes", type=int, default=124, metavar="N", help="default: 124")
    parser.add_argument("--rounds", type=int, default=7, metavar="N", help="samples of each (default: 7)")
    options.add_device(parser)
    options.add_mode(parser)
    parser.add_argument("--out", type=Path, metavar="FILE", help="write everything measured as JSON")
    parser.set_defaults(run=_run)


def _run(args: argparse.Namespace) -> int:
    try:
        import transformers  # noqa: F401
    except ImportError:
        raise UserError("the peer is the transformers library; install it with: pip install transformers") from None
    import msgspec

    from bench.measure.peer.compare import compare_with_peer
    from bench.methods.device import select_device, set_threads
    from bench.runs.record_file import write_record
    from bench.runs.records.peer import PeerRecord

    device = select_device(args.device)
    set_threads(args.threads)
    result = compare_with_peer(
        backbone=args.backbone,
        size=args.size,
        num_classes=args.classes,
        rounds=args.rounds,
        device=device,
        mode=options.mode_of(args),
    )
    for mode in result["modes"]:
        median, ratio = mode["median_s"], mode["ratio_to_peer"]
        print(f"{mode['name']}:")
        print(f"  peer         {median['peer']:9.4f} s")
        print(f"  key frame    {median['key']:9.4f} s  {ratio['key']:.3f} of the peer's time")
        print(f"  non-key frame  {median['non-key']:9.4f} s  {ratio['non-key']:.3f} of the peer's time")
        for row in mode["labels_unlike"]:
            gap = f", their two best scores {row['widest_gap']:.2g} apart at most" if row["pixels"] else ""
            print(f"  {row['frame']} labels unlike the {row['beside']}'s: {row['pixels']}{gap}")
    memory, labels = result["memory_bytes"], result["labels"]
    print(
        f"peak memory: {memory['key']['peak'] / 1e6:.0f} MB of the peer's {memory['peer']['peak'] / 1e6:.0f} MB, "
        f"{result['memory_ratio_to_peer']['peak']:.3f}"
    )
    print(f"labels: {labels['pixels']} pixels of {labels['classes']} classes")
    if args.out is not None:
        write_record(args.out, msgspec.convert(result, PeerRecord))
        print(f"written: {args.out}")
    return 0
