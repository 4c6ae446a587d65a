"""The JSON of a benchmark run says what it ran on."""

import torch

from bench.measure.environment import describe_environment


def pytest_benchmark_update_machine_info(config, machine_info):
    machine_info["environment"] = describe_environment(torch.device("cpu"))
