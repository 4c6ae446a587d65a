"""The check of annotations at run time, which `conftest.py` puts on every function of the packages."""

import functools

import beartype
import torch


def checked(function):
    """`function`, its arguments and result held against its annotations.

    Not while a graph is traced for a count: every size is a tensor then.
    """
    strict = beartype.beartype(function)

    @functools.wraps(function)
    def call(*args, **kwargs):
        return (function if torch.jit.is_tracing() else strict)(*args, **kwargs)

    return call
