"""The numbers of every image network, in two published forms.

`library` is the segmentation library's (mmseg 0.11), whose operation counts the paper prints. `vspw` is that of the
VSPW data set's authors, whose parameter counts it prints for OCRNet, PSPNet and UperNet.
"""

from __future__ import annotations

from typing import Literal, get_args

from baselines.cnn.deeplab import DeepLabV3PlusHead
from baselines.cnn.fcn import FCNHead
from baselines.cnn.layers import Head
from baselines.cnn.network import ImageNetwork
from baselines.cnn.ocr import OCRDecoder, OCRHead
from baselines.cnn.psp import PSPHead
from baselines.cnn.resnet import build_resnet
from baselines.cnn.uper import UperHead
from mpvss.errors import UserError
from mpvss.sharing import SharedResults

Network = Literal["fcn", "pspnet", "deeplabv3plus", "upernet", "ocrnet"]
Form = Literal["library", "vspw"]
VSPW_NETWORKS = ("pspnet", "upernet", "ocrnet")

_STEMS: dict[Form, tuple[int, int, int]] = {"library": (32, 32, 64), "vspw": (64, 64, 128)}


def build_cnn(
    network: Network,
    *,
    num_classes: int,
    depth: int = 101,
    width: int = 64,
    form: Form = "library",
    auxiliary: bool = False,
    shared: SharedResults | None = None,
) -> ImageNetwork:
    """The image network called `network` on a ResNet of `depth`, randomly initialised.

    With `auxiliary`, it has the head on the third stage that training supervises: the library's FCN head, or VSPW's
    of twice its width. OCRNet's coarse head stands there in any case. The heads of ResNet-18 are a quarter as wide
    as those of ResNet-50 and -101, as its maps are, but for UperNet's. `width` is `build_resnet`'s; the stem, and the
    heads but for UperNet's, follow it. `shared` is as in `ImageNetwork`.
    """
    if network not in get_args(Network):
        raise UserError(f"there is no image network {network!r}; known are {', '.join(get_args(Network))}")
    if form not in _STEMS:
        raise UserError(f"there is no form {form!r} of image networks; known are {', '.join(_STEMS)}")
    if form == "vspw" and network not in VSPW_NETWORKS:
        raise UserError(f"{network} has no vspw form; those that have are {', '.join(VSPW_NETWORKS)}")
    if auxiliary and (network == "ocrnet" or (network == "upernet" and form == "vspw")):
        raise UserError(f"{network} in its {form} form has no auxiliary head")
    dilated = network != "upernet"
    backbone = build_resnet(
        depth,
        stem=[channels * width // 64 for channels in _STEMS[form]],
        width=width,
        strides=(1, 2, 1, 1) if dilated else (1, 2, 2, 2),
        dilations=(1, 1, 2, 4) if dilated else (1, 1, 1, 1),
    )
    third = backbone.out_channels[2]
    vspw_ocr = form == "vspw" and network == "ocrnet"
    dropout = 0.05 if vspw_ocr else 0.1
    coarse = third // 2 if form == "vspw" else 256 if network == "upernet" else third // 4
    side = FCNHead(third, coarse, num_classes, level=2, convs=1, concat=False, bias=vspw_ocr, dropout=dropout)
    head = _decode_head(network, backbone.out_channels, num_classes, form, side)
    auxiliary_head = side if auxiliary else None
    return ImageNetwork(backbone=backbone, decode_head=head, auxiliary_head=auxiliary_head, shared=shared)


def _decode_head(
    network: Network, channels: tuple[int, ...], num_classes: int, form: Form, coarse: FCNHead
) -> Head | OCRDecoder:
    first, *_, last = channels
    width = last // 4
    if network == "fcn":
        return FCNHead(last, width, num_classes)
    if network == "pspnet":
        return PSPHead(last, 512 if form == "vspw" else width, num_classes)
    if network == "deeplabv3plus":
        return DeepLabV3PlusHead(last, first, width, 48 if first == 256 else 12, num_classes)
    if network == "upernet":
        return UperHead(channels, 512, num_classes, dropout=0.0 if form == "vspw" else 0.1)
    head = OCRHead(last, width, width // 2, num_classes, bias=form == "vspw", dropout=0.05 if form == "vspw" else 0.1)
    return OCRDecoder(coarse, head)
