"""The cells of other publications' rows in Tables 1 and 2: what is counted for each, and what explains it."""

from __future__ import annotations

from functools import partial

from bench.measure.count import rival_counts as rivals
from bench.measure.count.layer_counts import convolution_macs, layer_macs
from bench.measure.count.rival_ways import (
    CITYSCAPES,
    TOOL,
    VSPW,
    Key,
    RivalCell,
    Way,
    accel_macs,
    cffm_macs,
    cffm_weights,
    cnn_macs,
    cnn_weights,
    dff_macs,
    mrcfa_macs,
    mrcfa_weights,
    netwarp_macs,
    segformer_macs,
    segformer_weights,
    total_of,
    vspw_clip_macs,
)

WITH_AUXILIARY = "with the auxiliary head of training"
OF_VSPW = "the network of VSPW's authors"
RIVAL_CELLS: dict[Key, RivalCell] = {
    ("1", "DeepLab3+", "R101", "GFLOPs"): RivalCell(
        Way("mmsegmentation's network", lambda: total_of(rivals.image_calls("deeplabv3plus", *VSPW))),
        (
            Way(TOOL, lambda: layer_macs(rivals.image_calls("deeplabv3plus", *VSPW))),
            Way(
                "the same without the three dilated branches",
                lambda: layer_macs(rivals.deeplab_calls_without_branches(*VSPW)),
            ),
        ),
    ),
    ("1", "DeepLab3+", "R101", "params_M"): cnn_weights(
        "deeplabv3plus", "mmsegmentation's network", 124, (WITH_AUXILIARY, {"auxiliary": True})
    ),
    ("1", "UperNet", "R101", "GFLOPs"): cnn_macs("upernet", "mmsegmentation's network", VSPW),
    ("1", "UperNet", "R101", "params_M"): cnn_weights(
        "upernet", "mmsegmentation's network", 124, (OF_VSPW, {"form": "vspw"})
    ),
    ("1", "PSPNet", "R101", "GFLOPs"): cnn_macs("pspnet", "mmsegmentation's network", VSPW),
    ("1", "PSPNet", "R101", "params_M"): cnn_weights(
        "pspnet",
        "mmsegmentation's network",
        124,
        (f"{OF_VSPW}, {WITH_AUXILIARY}", {"form": "vspw", "auxiliary": True}),
    ),
    ("1", "OCRNet", "R101", "GFLOPs"): cnn_macs("ocrnet", "mmsegmentation's network", VSPW),
    ("1", "OCRNet", "R101", "params_M"): cnn_weights(
        "ocrnet", "mmsegmentation's network", 124, (OF_VSPW, {"form": "vspw"})
    ),
    ("1", "ETC", "OCRNet", "GFLOPs"): cnn_macs("ocrnet", "OCRNet: ETC is a way to train", VSPW),
    ("1", "NetWarp", "OCRNet", "GFLOPs"): RivalCell(
        Way(f"{OF_VSPW}, two frames and RAFT", lambda: total_of(rivals.netwarp_calls(*VSPW))),
        (Way("twice mmsegmentation's OCRNet by layer, and RAFT's convolutions", netwarp_macs),),
    ),
    ("1", "TCB", "R101", "GFLOPs"): RivalCell(
        Way("4 frames through the OCRNet of VSPW's authors", lambda: total_of(rivals.tcb_calls(*VSPW))),
        (
            Way(
                "NetWarp's figure and RAFT once more",
                lambda: netwarp_macs() + convolution_macs(rivals.raft_calls(VSPW[0])),
            ),
        ),
        "it is NetWarp's figure with a second optical flow, and TCB has none: probably a slip",
    ),
    ("1", "Segformer", "MiT-B2", "GFLOPs"): segformer_macs("mit-b2", VSPW, 768),
    ("1", "Segformer", "MiT-B2", "params_M"): segformer_weights("mit-b2", 124, 768, narrow=True),
    ("1", "Segformer", "MiT-B5", "GFLOPs"): segformer_macs("mit-b5", VSPW, 768),
    ("1", "Segformer", "MiT-B5", "params_M"): segformer_weights("mit-b5", 124, 768, narrow=True),
    **{
        ("1", method, f"MiT-{size}", "GFLOPs"): vspw_clip_macs(
            "4 frames", f"mit-{size.lower()}", partial(calls, f"mit-{size.lower()}", *VSPW)
        )
        for method, calls in (("CFFM-VSS", rivals.cffm_calls), ("MRCFA", rivals.mrcfa_calls))
        for size in ("B2", "B5")
    },
    **{("1", "CFFM-VSS", f"MiT-{size}", "params_M"): cffm_weights(f"mit-{size.lower()}", 124) for size in ("B2", "B5")},
    **{("1", "MRCFA", f"MiT-{size}", "params_M"): mrcfa_weights(f"mit-{size.lower()}", 124) for size in ("B2", "B5")},
    ("2", "FCN", "R101", "GFLOPs"): cnn_macs("fcn", "mmsegmentation's network", CITYSCAPES),
    ("2", "FCN", "R101", "params_M"): cnn_weights(
        "fcn", "mmsegmentation's network", 19, (WITH_AUXILIARY, {"auxiliary": True})
    ),
    ("2", "PSPNet", "R101", "GFLOPs"): cnn_macs("pspnet", "mmsegmentation's network", CITYSCAPES),
    ("2", "PSPNet", "R101", "params_M"): cnn_weights(
        "pspnet", "mmsegmentation's network", 19, (WITH_AUXILIARY, {"auxiliary": True})
    ),
    ("2", "DFF", "R101", "GFLOPs"): RivalCell(
        dff_macs(5), (dff_macs(10),), "no interval of the published network gives it; no source is known"
    ),
    ("2", "DVSN", "R101", "GFLOPs"): RivalCell(
        Way(
            "all four regions segmented, the most a frame costs",
            lambda: sum(map(total_of, rivals.dvsnet_calls(*CITYSCAPES))),
        ),
        (Way("all four regions warped, the least", lambda: total_of(rivals.dvsnet_calls(*CITYSCAPES)[0])),),
        "above the most that the published network can cost; no source is known",
    ),
    ("2", "Accel", "R101", "GFLOPs"): RivalCell(
        accel_macs(101),
        (accel_macs(50), accel_macs(18)),
        "above every published variant, and its mIoU is Accel-18's; no source is known",
    ),
    ("2", "ETC", "R18", "GFLOPs"): cnn_macs(
        "pspnet", "PSPNet on ResNet-18: ETC is a way to train", CITYSCAPES, depth=18
    ),
    ("2", "SegFormer", "MiT-B1", "GFLOPs"): segformer_macs("mit-b1", CITYSCAPES, 256, ade=True),
    ("2", "SegFormer", "MiT-B1", "params_M"): segformer_weights("mit-b1", 19, 256, ade=True),
    ("2", "SegFormer", "MiT-B5", "GFLOPs"): segformer_macs("mit-b5", CITYSCAPES, 768, ade=True),
    ("2", "SegFormer", "MiT-B5", "params_M"): segformer_weights("mit-b5", 19, 768),
    **{("2", "CFFM-VSS", f"MiT-{size}", "GFLOPs"): cffm_macs(f"mit-{size.lower()}") for size in ("B0", "B1")},
    **{("2", "CFFM-VSS", f"MiT-{size}", "params_M"): cffm_weights(f"mit-{size.lower()}", 19) for size in ("B0", "B1")},
    **{("2", "MRCFA", f"MiT-{size}", "GFLOPs"): mrcfa_macs(f"mit-{size.lower()}") for size in ("B0", "B1")},
    **{
        ("2", "MRCFA", f"MiT-{size}", "params_M"): mrcfa_weights(f"mit-{size.lower()}", 19, variant=True)
        for size in ("B0", "B1")
    },
}
"""Every such cell; the paper prints no parameters of ETC, NetWarp, TCB, DFF, DVSN and Accel."""
