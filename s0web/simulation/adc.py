"""The child process of the simulated converter: the sampler's own program, with the house's wave in
place of SPI.

`python -m s0web.simulation.adc ADC ORIGIN`, where ORIGIN is the house's time, ns since 1970, at
which the monotonic clock was 0.
"""

import sys
from time import monotonic_ns, sleep

import numpy as np

from ..hardware import Adc
from ..hardware.sampler import BATCH, run
from .house import NS, House
from .wave import SLOT_NS, Wave


class WaveConverter:
    """hardware.sampler.Converter of the house: makes a block ahead, then waits until it is over."""

    note = "simulated"
    slot_ns = float(SLOT_NS)
    lag_ns = 1e9  # a wave that is computed may be computed late

    def __init__(self, adc: Adc, house: House, origin: int) -> None:
        self._wave, self._origin = Wave(house, adc), origin
        self.frames = max(1, round(adc.rate * BATCH / NS))
        self._times = (np.arange(self.frames) * NS / adc.rate).astype(np.int64)
        self._codes: list[bytes] = []
        self._wave.codes_at(self._times + monotonic_ns() + origin)  # the house takes a while first

    def convert(self, due: int) -> tuple[int, int]:
        self._codes.append(self._wave.codes_at(self._times + due + self._origin).tobytes())
        last = due + int(self._times[-1])
        sleep(max(0, last - monotonic_ns()) / NS)
        return due, last

    def fetch(self) -> bytes:
        codes = b"".join(self._codes)
        self._codes.clear()
        return codes


if __name__ == "__main__":
    sys.exit(run(lambda adc: WaveConverter(adc, House(), int(sys.argv[2]))))
