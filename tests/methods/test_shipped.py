"""The identity of the weights that come with the project."""

import pytest

from bench.methods import shipped
from bench.methods.setup import parse_weights


@pytest.fixture
def ship(tmp_path, monkeypatch):
    """`ship(row, content)`: put a file in the place of a row's weights."""
    monkeypatch.setattr(shipped, "FOLDER", tmp_path)

    def put(row, content=b"weights"):
        (tmp_path / row).mkdir(parents=True, exist_ok=True)
        (tmp_path / row / shipped.MODEL).write_bytes(content)

    return put


def identity(backbones):
    return parse_weights(["shipped"], ["per-frame"], backbones).identity()


def test_rivals_do_not_change_the_identity_of_the_family(ship):
    """So a run of before they were shipped can be compared and resumed."""
    ship("micro/per-frame")
    before = identity(["micro"])
    assert list(before) == ["shipped"]
    ship("segformer-micro/per-frame")
    assert identity(["micro"]) == before
    ship("micro/mpvss")
    assert identity(["micro"]) != before


def test_a_run_of_rivals_knows_both(ship):
    ship("micro/per-frame")
    ship("segformer-micro/per-frame")
    before = identity(["micro", "segformer-micro"])
    assert before["shipped"] == identity(["micro"])["shipped"] != before["shipped-rivals"]
    ship("segformer-micro/per-frame", b"others")
    after = identity(["micro", "segformer-micro"])
    assert after["shipped"] == before["shipped"]
    assert after["shipped-rivals"] != before["shipped-rivals"]


@pytest.mark.parametrize("backbone", ["hf:folder", "micro+nano"])
def test_what_brings_its_own_weights_or_is_two_branches_is_no_rival(ship, backbone):
    ship("micro/per-frame")
    assert list(identity([backbone])) == ["shipped"]
