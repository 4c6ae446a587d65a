"""DVSNet: dynamic video segmentation network (Xu et al., CVPR 2018), with parameter names of our own."""

from baselines.dvsnet.method import DVSNet, build_dvsnet

__all__ = ["DVSNet", "build_dvsnet"]
