"""What a GPU says of itself around a block: clock, power, temperature, what held it back, energy.

By NVIDIA's management library, where ``nvidia-ml-py`` is installed; what cannot be read is left
empty, and nothing is locked: a card under its power limit slows down all the same, and so every
block says how fast it ran. The counter of energy moves on about ten times a second, so that the
energy of one block says little; of the blocks of a process, a second and longer together, it does.
"""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from implementations import Framework

Sample = dict[str, Any]
# The reasons of nvmlClocksEventReasons that slow a card that has work to do.
REASONS = {
    0x2: "application clocks", 0x4: "power limit", 0x8: "hardware", 0x20: "temperature",
    0x40: "temperature, hardware", 0x80: "power brake", 0x100: "display",
}  # fmt: skip


class Card:
    """The GPU that a framework computes on, as the process of a worker sees it."""

    def __init__(self, framework: Framework) -> None:
        self._framework = framework
        self._stopwatch = getattr(framework.load("gpu"), "stopwatch", lambda: None)()
        self._nvml: Any = None
        with suppress(Exception):  # not installed, or no answer: the fields stay empty
            import pynvml  # type: ignore[import-not-found]

            pynvml.nvmlInit()
            self._card = pynvml.nvmlDeviceGetHandleByIndex(0)
            self._nvml = pynvml

    def timed(self, block: Callable[[], Sample]) -> Sample:
        """The sample of a block, with what the device says of it.

        ``device_s`` is from a mark on the device before the block to one behind it, where the
        framework can set such; what it waits for the host is in it.
        """
        energy = self._read("nvmlDeviceGetTotalEnergyConsumption")
        if self._stopwatch:
            self._stopwatch[0]()
        sample = block()
        sample["device_s"] = self._stopwatch[1]() if self._stopwatch else None
        after = self._read("nvmlDeviceGetTotalEnergyConsumption")
        both = energy is not None and after is not None
        power = self._read("nvmlDeviceGetPowerUsage")
        return sample | {
            "energy_j": (after - energy) / 1e3 if both else None,
            "power_w": None if power is None else power / 1e3,
            "sm_mhz": self._read("nvmlDeviceGetClockInfo", 1),
            "temperature_c": self._read("nvmlDeviceGetTemperature", 0),
            "throttled": self._throttled(),
            "device_mb": self._peak_mb(),
        }

    def _read(self, name: str, *arguments: int) -> Any:
        with suppress(Exception):
            return getattr(self._nvml, name)(self._card, *arguments)
        return None

    def _throttled(self) -> str:
        found = self._read("nvmlDeviceGetCurrentClocksThrottleReasons") or 0
        return "; ".join(words for bit, words in REASONS.items() if found & bit)

    def _peak_mb(self) -> float | None:
        with suppress(Exception):
            return round(float(self._framework.load("gpu").peak_mb()), 1)
        return None
