"""Devices: the shipped file, a file of the user's own, and what is refused."""

import pytest

from bench.measure.predict.devices import read_devices

BOARD = '[board]\nname = "A board"\nfloat32 = 1.0\nbandwidth = 50\nsource = "its maker"\n'


def test_the_v100_of_the_paper():
    v100 = read_devices()["v100"]
    assert v100.macs_per_second("float32") == pytest.approx(7.85e12)
    assert v100.macs_per_second("float16") == pytest.approx(62.5e12)
    assert v100.bytes_per_second() == pytest.approx(900e9)


@pytest.mark.parametrize(
    ("name", "float32", "float16", "bandwidth"),
    [
        ("v100", 15.7, 125, 900),
        ("a100", 19.5, 312, 1555),
        ("a100-80gb", 19.5, 312, 2039),
        ("h100", 67, 989.5, 3350),
        ("t4", 8.1, 65, 320),
        ("l4", 30.3, 121, 300),
        ("rtx4090", 82.6, 165.2, 1008),
        ("orin", 5.3, 10.6, 204.8),
    ],
)
def test_data_sheets(name, float32, float16, bandwidth):
    """TFLOP/s, dense, and GB/s."""
    device = read_devices()[name]
    assert (device.float32, device.float16, device.bandwidth) == (float32, float16, bandwidth)


def test_every_shipped_device_has_a_source():
    devices = read_devices()
    assert {"v100", "a100", "a100-80gb", "h100", "t4", "l4", "rtx4090", "orin", "cpu"} <= set(devices)
    assert all(device.source and device.macs_per_second("float32") > 0 for device in devices.values())


def test_a_file_adds_devices_and_replaces_known_ones(tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text(BOARD + BOARD.replace("[board]", "[t4]"))
    devices = read_devices(file)
    assert devices["board"].bandwidth == 50
    assert devices["t4"].name == "A board"
    assert devices["v100"] == read_devices()["v100"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[board", "is not TOML"),
        (BOARD.replace("bandwidth = 50\n", ""), "must have name, bandwidth and source"),
        (BOARD + "cores = 4\n", "it has name, float32, bandwidth, source, cores"),
        (BOARD.replace("50", "-50"), "bandwidth of \\[board\\] is -50; it must be a positive number"),
        (BOARD.replace("50", '"50"'), "is '50'; it must be a positive number"),
        (BOARD.replace("float32 = 1.0\n", ""), "must have one or more of float32, tf32, float16"),
        ("board = 3\n", "\\[board\\] must have name"),
    ],
)
def test_what_is_refused(tmp_path, text, message):
    file = tmp_path / "mine.toml"
    file.write_text(text)
    with pytest.raises(ValueError, match=message):
        read_devices(file)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(ValueError, match="is not a file"):
        read_devices(tmp_path / "mine.toml")


def test_a_format_that_a_device_lacks_is_refused():
    with pytest.raises(ValueError, match="no tf32 figure is known of NVIDIA V100 SXM2; known are float32, float16"):
        read_devices()["v100"].macs_per_second("tf32")
