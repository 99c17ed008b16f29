"""A headless Chromium for tests, and what they ask of its pages."""

import base64
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement

from tests.conftest import until

FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--hide-scrollbars", "--disable-dev-shm-usage",
)  # fmt: skip
COLOURED = """
const canvas = document.querySelector("#chart canvas");
if (!canvas) return 0;
const wanted = getComputedStyle(canvas).getPropertyValue(arguments[0]).trim();
const [r, g, b] = [1, 3, 5].map((at) => parseInt(wanted.slice(at, at + 2), 16));
const copy = new OffscreenCanvas(canvas.width, canvas.height)
  .getContext("2d", { willReadFrequently: true });
copy.drawImage(canvas, 0, 0);
const { data } = copy.getImageData(0, 0, canvas.width, canvas.height);
let found = 0;
for (let at = 0; at < data.length; at += 4) {
  const [red, green, blue, opaque] = data.slice(at, at + 4);
  const far = Math.abs(red - r) + Math.abs(green - g) + Math.abs(blue - b);
  if (far < 24 && opaque > 200) found += 1;
}
return found;
"""
FAINT = """
const light = ([r, g, b]) => [r, g, b].map((part) => part / 255)
  .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4))
  .reduce((sum, part, index) => sum + part * [0.2126, 0.7152, 0.0722][index], 0);
const parts = (colour) => colour.match(/[\\d.]+/g).map(Number);
const behind = (element) => {
  for (let at = element; at; at = at.parentElement) {
    const colour = parts(getComputedStyle(at).backgroundColor);
    if ((colour[3] ?? 1) === 1) return colour;
  }
  return [255, 255, 255];
};
const texts = [...document.body.querySelectorAll("*")].filter((element) =>
  element.checkVisibility() && !element.closest(":disabled, .unseen")
  && [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim()));
return texts.map((element) => {
  const [front, back] = [parts(getComputedStyle(element).color), behind(element)].map(light);
  const contrast = (Math.max(front, back) + 0.05) / (Math.min(front, back) + 0.05);
  return [contrast, element.textContent.trim().slice(0, 40)];
}).filter(([contrast]) => contrast < 4.5);
"""


AXE = Path(__file__).parent / "fixtures/axe-4.12.1.min.js"  # Deque's axe-core, MPL 2.0
SERIOUS = """
const done = arguments[arguments.length - 1];
axe.run(document, { resultTypes: ["violations"] }).then(({ violations }) => done(violations
  .filter(({ impact }) => ["serious", "critical"].includes(impact))
  .map(({ id, help, nodes }) =>
    [id, help, ...nodes.slice(0, 3).map((node) => node.html.slice(0, 160))])),
  (error) => done([["axe", String(error)]]));
"""


class Browser:
    """One window; `errors()` is what its console complained of since the last call."""

    def __init__(self, profile: Path, network: bool = False) -> None:
        """`network`: keep a log of what goes over the wire, too."""
        options = ChromeOptions()
        options.binary_location = _program("chromium")
        for flag in (*FLAGS, f"--user-data-dir={profile}"):
            options.add_argument(flag)
        logs = {"browser": "ALL"} | ({"performance": "ALL"} if network else {})
        options.set_capability("goog:loggingPrefs", logs)
        self.driver = Chrome(options=options, service=Service(_program("chromedriver")))
        self.look(1280, 800)

    def close(self) -> None:
        self.driver.quit()

    def look(self, width: int, height: int, dark: bool = False) -> None:
        """The size of the window in CSS pixels, and the colour scheme."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.tell("Emulation.setDeviceMetricsOverride", size)
        self.tell("Emulation.setEmulatedMedia", {"features": [scheme]})

    def live_in(self, zone: str, language: str) -> None:
        self.tell("Emulation.setTimezoneOverride", {"timezoneId": zone})
        self.tell("Emulation.setLocaleOverride", {"locale": language})

    def connect(self, connected: bool) -> None:
        """Pull or plug the network cable."""
        line = {"latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
        self.tell("Network.enable", {})
        self.tell("Network.emulateNetworkConditions", {"offline": not connected, **line})

    def tell(self, command: str, parameters: dict[str, Any]) -> Any:
        return self.driver.execute_cdp_cmd(command, parameters)

    def open(self, url: str) -> None:
        self.driver.get(url)

    def find(self, css: str) -> WebElement:
        return self.driver.find_element(By.CSS_SELECTOR, css)

    def text(self, css: str) -> str:
        """The text of an element, "" where there is none."""
        script = "return document.querySelector(arguments[0])?.textContent ?? ''"
        return str(self.driver.execute_script(script, css)).strip()

    def click(self, css: str) -> None:
        self.driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", self.find(css))
        self.find(css).click()

    def type(self, css: str, text: str) -> None:
        field = self.find(css)
        field.clear()
        field.send_keys(text)

    def until(self, condition: Callable[[], object], what: str) -> None:
        until(condition, what, 15)

    def run(self, script: str, *arguments: object) -> Any:
        return self.driver.execute_script(script, *arguments)

    def coloured(self, variable: str) -> int:
        """How many pixels of the chart have this colour of the style sheet."""
        return int(self.run(COLOURED, variable))

    def faint(self) -> list[Any]:
        """Texts with less contrast than WCAG AA asks for."""
        return list(self.run(FAINT))

    def serious(self) -> list[Any]:
        """What axe-core finds serious or critical."""
        self.run(f"{AXE.read_text(encoding='utf-8')}\nwindow.axe = axe")
        return list(self.driver.execute_async_script(SERIOUS))

    def overflow(self) -> int:
        """CSS pixels by which the page is wider than the window."""
        page = "document.documentElement"  # on a phone innerWidth grows with the page
        return int(self.run(f"return {page}.scrollWidth - {page}.clientWidth"))

    def picture(self, path: Path) -> None:
        """The whole page as a PNG."""
        size = self.tell("Page.getLayoutMetrics", {})["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1}
        shot = self.tell("Page.captureScreenshot", {"captureBeyondViewport": True, "clip": clip})
        path.write_bytes(base64.b64decode(shot["data"]))

    def errors(self) -> list[str]:
        told = self.driver.get_log("browser")
        return [entry["message"] for entry in told if entry["level"] in ("WARNING", "SEVERE")]


def _program(name: str) -> str:
    found = shutil.which(name)
    assert found, f"{name} is missing; install it with: apt install chromium chromium-driver"
    return found
