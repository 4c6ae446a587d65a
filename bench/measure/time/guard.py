"""The graphics card's state while times are taken, read from NVIDIA's management library (NVML)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from types import ModuleType
from typing import Any

import torch

from bench.measure.time.samples import COMMON_THROTTLING

SLOWING = {
    0x04: "power cap",
    0x08: "hardware slowdown",
    0x20: "software thermal slowdown",
    0x40: "hardware thermal slowdown",
    0x80: "hardware power brake",
}
"""Bits of NVML's clock reasons that mean that the card runs slower than it is set to."""


@dataclass(frozen=True)
class Reading:
    """The card at one moment: MHz, degrees Celsius, watts, why it is slowed down, and other processes on it."""

    sm_clock_mhz: int
    memory_clock_mhz: int
    temperature_c: int
    power_w: float
    throttle_reasons: tuple[str, ...]
    other_processes: int


@dataclass
class Guard:
    """Reads the card before and after each pass; a pass counts as throttled where either reading says so."""

    read: Callable[[], Reading]
    readings: list[Reading] = field(default_factory=list)
    throttled: list[bool] = field(default_factory=list)
    """Whether each pass was throttled."""

    def start_pass(self) -> None:
        """Record the card's state before a pass."""
        self.readings.append(self.read())

    def end_pass(self) -> bool:
        """Record the card's state after the pass; whether the pass was throttled."""
        self.readings.append(self.read())
        before, after = self.readings[-2:]
        self.throttled.append(bool(before.throttle_reasons or after.throttle_reasons))
        return self.throttled[-1]

    def summary(self) -> dict[str, Any]:
        """A summary of all passes, warm-up included: extremes, reasons and share of throttling, and each reading."""
        readings = self.readings
        clocks = [reading.sm_clock_mhz for reading in readings]
        return {
            "sm_clock_mhz": [min(clocks), max(clocks)],
            "temperature_c": max(reading.temperature_c for reading in readings),
            "power_w": max(reading.power_w for reading in readings),
            "other_processes": max(reading.other_processes for reading in readings),
            "throttle_reasons": sorted({reason for reading in readings for reason in reading.throttle_reasons}),
            "throttled_share": sum(self.throttled) / len(self.throttled),
            "readings": [asdict(reading) for reading in readings],
        }


def warnings_of(summary: dict[str, Any]) -> list[str]:
    """Warnings about the card for a reader of the times, a sentence each; empty where all was well."""
    found = []
    if summary["throttled_share"] > COMMON_THROTTLING:
        reasons = ", ".join(summary["throttle_reasons"])
        found.append(f"the card was slowed down in {100 * summary['throttled_share']:.0f} % of passes ({reasons})")
    if summary["other_processes"]:
        found.append(f"up to {summary['other_processes']} other processes were on the card")
    return found


class Card:
    """One card, as NVML knows it."""

    def __init__(self, nvml: ModuleType, handle: Any) -> None:
        self._nvml = nvml
        self._handle = handle

    def read(self) -> Reading:
        """The card's present state."""
        nvml, handle = self._nvml, self._handle
        reasons = nvml.nvmlDeviceGetCurrentClocksThrottleReasons(handle)
        return Reading(
            sm_clock_mhz=nvml.nvmlDeviceGetClockInfo(handle, nvml.NVML_CLOCK_SM),
            memory_clock_mhz=nvml.nvmlDeviceGetClockInfo(handle, nvml.NVML_CLOCK_MEM),
            temperature_c=nvml.nvmlDeviceGetTemperature(handle, nvml.NVML_TEMPERATURE_GPU),
            power_w=nvml.nvmlDeviceGetPowerUsage(handle) / 1000,
            throttle_reasons=tuple(name for bit, name in SLOWING.items() if reasons & bit),
            # This process is among them. Its number may come from another namespace, so it cannot be searched for.
            other_processes=max(0, len(nvml.nvmlDeviceGetComputeRunningProcesses(handle)) - 1),
        )

    def energy(self) -> float:
        """Joules since the driver was loaded. The card updates them some ten times a second."""
        return self._nvml.nvmlDeviceGetTotalEnergyConsumption(self._handle) / 1000

    def driver(self) -> str:
        """The driver's version."""
        return self._nvml.nvmlSystemGetDriverVersion()

    def can(self, read: Callable[[], object]) -> bool:
        """Whether the card supports one of these readings."""
        try:
            read()
        except self._nvml.NVMLError:
            return False
        return True


def open_card(device: torch.device) -> Card | None:
    """The card behind a torch device; None for another kind of device, or where NVML cannot reach the card."""
    if device.type != "cuda":
        return None
    import pynvml

    try:
        pynvml.nvmlInit()
        uuid = f"GPU-{torch.cuda.get_device_properties(device).uuid}"
        return Card(pynvml, pynvml.nvmlDeviceGetHandleByUUID(uuid))
    except pynvml.NVMLError:
        return None


def open_guard(card: Card | None) -> Guard | None:
    """A guard that reads the card; None without a card, or with one that cannot be read."""
    return Guard(card.read) if card is not None and card.can(card.read) else None
