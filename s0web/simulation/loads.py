"""Switched loads of the simulated house: what they add to what the grid gives, for benches and
tests; the house itself knows nothing of them.
"""

from datetime import datetime, timedelta

from .house import House

HOUR = timedelta(hours=1)


class Loads:
    """Each takes its power while it is on; `need` kWh a day at most, where it is given: a boiler
    that is warm takes no more.
    """

    def __init__(self, house: House, powers: dict[str, float], need: dict[str, float]) -> None:
        self._house, self._powers, self._need = house, powers, need
        self.on = dict.fromkeys(powers, False)
        self.today = dict.fromkeys(powers, 0.0)  # kWh
        self.switchings = 0

    def switch(self, name: str, on: bool) -> None:
        self.switchings += self.on[name] != on
        self.on[name] = on

    def taking(self, name: str) -> float:
        """W."""
        is_full = self.today[name] >= self._need.get(name, float("inf"))
        return self._powers[name] if self.on[name] and not is_full else 0.0

    def net(self, time: datetime) -> float:
        """W at the grid, import positive."""
        return self._house.at(time).power + sum(map(self.taking, self._powers))

    def run(self, span: timedelta) -> None:
        """Take energy for so long."""
        for name in self._powers:
            self.today[name] += self.taking(name) / 1000 * (span / HOUR)

    def midnight(self) -> None:
        self.today = dict.fromkeys(self._powers, 0.0)
