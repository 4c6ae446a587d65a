"""The JSON of a benchmark run says what it ran on."""

import torch
from msgspec import structs

from bench.measure.environment import describe_environment


def pytest_benchmark_update_machine_info(config, machine_info):
    machine_info["environment"] = structs.asdict(describe_environment(torch.device("cpu")))
