"""The topics under which an MQTT sink publishes: its own layout, or that of Hofei90's smartmeter.

<prefix>/<device>/<quantity>     a number
<prefix>/<device>                JSON: all that is known of the device
<prefix>/status                  online or offline

<prefix><German register name>   a number, in the layout of smartmeter; the status is the same
"""

import re

from ..meters.german import GERMAN

_GERMAN = {quantity: name for name, quantity in GERMAN.items()}
_NO_LEVEL = re.compile(r"[+#/\x00-\x1f\x7f-\x9f]")
STATUS = "status"


class Topics:
    """Topics are safe whatever a device is called: none has a wildcard or a level too many."""

    def __init__(self, prefix: str, layout: str) -> None:
        self.is_german = layout == "smartmeter"
        self._prefix = prefix if self.is_german else prefix.rstrip("/")
        self.status = f"{prefix.rstrip('/')}/{STATUS}"

    def of(self, device: str, quantity: str) -> str:
        """The topic of a number; "" if the layout has none for it."""
        if self.is_german:
            return self._prefix + _GERMAN[quantity] if quantity in _GERMAN else ""
        return f"{self.device(device)}/{quantity}"

    def device(self, device: str) -> str:
        """The topic of all that is known of a device; "" if the layout has none."""
        if self.is_german:
            return ""
        level = _NO_LEVEL.sub("_", device)
        return f"{self._prefix}/{level + '_' if level == STATUS else level}"


def problem(prefix: str) -> str:
    """What is wrong with the beginning of a topic, or ""."""
    if not prefix.strip("/"):
        return "is empty: give the topics a beginning such as s0web"
    if any(letter in prefix for letter in "+#"):
        return f"{prefix} has a wildcard, + or #: take a name such as s0web"
    if prefix.startswith("$"):
        return f"{prefix} begins with $, which belongs to the broker: take a name such as s0web"
    return ""
