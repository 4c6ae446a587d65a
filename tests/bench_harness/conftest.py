"""The harness is run as a user runs it: operation counters see sizes that are no plain integers."""

import pytest


@pytest.fixture(autouse=True)
def _as_a_user(without_shape_checks):
    pass
