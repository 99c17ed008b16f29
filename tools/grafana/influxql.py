"""What the panels ask of InfluxDB 1 (and of 2 and 3 through InfluxQL): measurement s0web.

1. A register's growth in a day is the difference of the last values of two days, so nothing is lost
   at midnight; the day before the range is read by InfluxDB itself.
2. Days are those of the time zone in which the dashboard is shown.
3. InfluxQL knows no months: Grafana adds the days.
"""

from collections.abc import Sequence

from .panels import Json, Target

WHO = '"logger" =~ /^${logger:regex}$/ AND "device" =~ /^${device:regex}$/'
WHOM = '"logger" =~ /^${logger:regex}$/'
ZONE = "tz('${__timezone}')"


JOINED = ({"id": "joinByField", "options": {"byField": "Time", "mode": "outer"}},)


def months(how: str) -> Sequence[Json]:
    """Transformations: of the days of a month their sum or max, a column for each device."""
    return (
        {
            "id": "formatTime",
            "options": {"timeField": "Time", "outputFormat": "YYYY-MM", "useTimezone": True},
        },
        {
            "id": "groupBy",
            "options": {
                "fields": {
                    "Time": {"operation": "groupby", "aggregations": []},
                    "device": {"operation": "groupby", "aggregations": []},
                    "value": {"operation": "aggregate", "aggregations": [how]},
                }
            },
        },
        {"id": "merge", "options": {}},
        {
            "id": "groupingToMatrix",
            "options": {
                "rowField": "Time",
                "columnField": "device",
                "valueField": f"value ({how})",
            },
        },
    )


MONTHS = months("sum")


class InfluxQl:
    name, title, type = "influxdb", "InfluxDB", "influxdb"
    days, months = JOINED, MONTHS  # transformations: one frame with a column for each device

    def loggers(self) -> str:
        return 'SHOW TAG VALUES FROM "s0web" WITH KEY = "logger"'

    def devices(self) -> str:
        return (
            'SHOW TAG VALUES FROM "s0web" WITH KEY = "device" WHERE "logger" =~ /^${logger:regex}$/'
        )

    def now(self, quantity: str) -> list[Target]:
        return self._curves(f'last("{quantity}")', "time($__interval)", "$tag_device")

    def course(self, quantity: str) -> list[Target]:
        return self._curves(f'mean("{quantity}")', "time($__interval)", "$tag_device")

    def phases(self, quantity: str) -> list[Target]:
        """Each phase, and each wire of current clamps: mains.brown."""
        names = [f'mean("{quantity}_{phase.lower()}") AS "{phase}"' for phase in ("L1", "L2", "L3")]
        wires = f'mean("{quantity}") AS "{quantity}"'
        return [
            *self._curves(", ".join(names), "time($__interval)", "$tag_device $col"),
            *self._curves(wires, "time($__interval)", "$tag_device", ' AND "device" =~ /\\./'),
        ]

    def counted(self, register: str) -> list[Target]:
        return self.per_day(register)

    def per_day(self, register: str) -> list[Target]:
        """A meter that counts both tariffs apart has no register of the name alone."""
        grown = f'non_negative_difference(last("{register}%s"))'
        sums = [grown % ""]
        if register.startswith("energy"):
            sums.append(f"{grown % '_high'} + {grown % '_low'}")
        return [
            self._target(
                f'SELECT {what} AS "value" FROM "s0web" WHERE {WHO} AND $timeFilter'
                f' GROUP BY time(1d), "device", "meter" fill(none) {ZONE}',
                "$tag_device",
            )
            for what in sums
        ]

    def per_month(self, register: str) -> list[Target]:
        return [
            {**target, "resultFormat": "table", "alias": ""} for target in self.per_day(register)
        ]

    def fleet_table(self) -> list[Target]:
        text = f'SELECT last("power") AS "power" FROM "s0web" WHERE {WHOM} AND $timeFilter'
        return [{**self._target(f'{text} GROUP BY "logger"'), "resultFormat": "table"}]

    def fleet_known(self) -> list[Target]:
        return [self._target(f'SELECT count("n") AS "loggers" FROM ({self._loggers()})', "loggers")]

    def fleet_course(self) -> list[Target]:
        text = f'SELECT count("power") / 15 FROM "s0web" WHERE {WHOM} AND $timeFilter'
        return [self._target(f'{text} GROUP BY time(15m), "logger" fill(0)', "$tag_logger")]

    def _loggers(self) -> str:
        """One row for each logger that told a power."""
        return (
            'SELECT count("power") AS "n" FROM "s0web"'
            f' WHERE {WHOM} AND $timeFilter GROUP BY "logger"'
        )

    def _curves(self, what: str, by: str, alias: str, more: str = "") -> list[Target]:
        text = f'SELECT {what} FROM "s0web" WHERE {WHO}{more} AND $timeFilter'
        return [self._target(f'{text} GROUP BY {by}, "device" fill(none)', alias)]

    def _target(self, text: str, alias: str = "") -> Target:
        named = {"alias": alias} if alias else {}
        return {"query": text, "rawQuery": True, "resultFormat": "time_series", **named}
