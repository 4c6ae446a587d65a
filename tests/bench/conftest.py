"""The JSON of a benchmark run says what it ran on; networks run as users run them."""

import pytest
import torch

from bench.measure.environment import describe_environment


@pytest.fixture(autouse=True)
def _as_a_user(without_shape_checks):
    pass


def pytest_benchmark_update_machine_info(config, machine_info):
    machine_info["environment"] = describe_environment(torch.device("cpu"))
