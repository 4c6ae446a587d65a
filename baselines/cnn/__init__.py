"""Image networks on ResNets: FCN, PSPNet, DeepLabV3+, UperNet, OCRNet.

Modules are named as in the published segmentation library (`backbone.`, `decode_head.`, `auxiliary_head.`), so its
checkpoints load as they are.
"""
