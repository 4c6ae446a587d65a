"""RAFT: recurrent all-pairs field transforms for optical flow (Teed and Deng, ECCV 2020), the large network.

Parameters are named as in the published checkpoints (`raft-things.pth` and the others), which load as they are.
"""

from baselines.raft.network import RAFT

__all__ = ["RAFT"]
