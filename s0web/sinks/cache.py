"""Keeps the totals of what s0web counts itself in the INI file: at every full kWh, every minute if
they changed, at stop.

A pulse counter or an ADC has no register of its own to ask after a power cut; what is in [cache] is
what it goes on from.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from .. import config
from ..clock import Clock
from ..errors import ConfigError, SinkError
from ..model import Reading

REGISTERS = {"energy_import": "", "volume": "", "energy_export": ".export"}  # -> end of its key


class CacheSink:
    """contract: model.Sink; `interval` in seconds may be changed while it runs."""

    name = "sink:cache"

    def __init__(
        self,
        path: Path,
        devices: Callable[[], Sequence[str]],
        kept: Mapping[str, float],
        simulated: bool,
        clock: Clock,
        interval: float,
    ) -> None:
        self._path, self._devices, self._simulated, self._clock = path, devices, simulated, clock
        self.interval = interval
        self._saved = dict(kept)  # what the file holds
        self._unsaved: dict[str, float] = {}
        self._since = clock.monotonic()

    def open(self) -> None:
        """Nothing to connect to."""

    def write(self, batch: Sequence[Reading]) -> None:
        counted = set(self._devices())
        full = False
        for reading in batch:
            if reading.device.partition(".")[0] not in counted:
                continue
            for register, end in REGISTERS.items():
                if (total := reading.values.get(register)) is not None:
                    full |= self._note(reading.device + end, total)
        due = self._clock.monotonic() - self._since >= self.interval
        if self._unsaved and (full or due):
            self._save()

    def close(self) -> None:
        if self._unsaved:
            self._save()

    def _note(self, device: str, total: float) -> bool:
        """Remember a total; return whether a unit became full (or it was corrected downwards) since
        the last save.
        """
        saved = self._saved.setdefault(device, 0.0)
        if total == saved:
            self._unsaved.pop(device, None)
            return False
        self._unsaved[device] = total
        return int(total) != int(saved) or total < saved

    def _save(self) -> None:
        counters: Mapping[str, float] = dict(self._unsaved)
        try:
            config.save_counters(self._path, counters, self._simulated)
        except ConfigError as error:
            raise SinkError(str(error)) from error
        self._saved |= counters
        self._unsaved.clear()
        self._since = self._clock.monotonic()
