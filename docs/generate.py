"""Writes the generated documents: docs/options.md, docs/quantities.md and docs/meters.md."""

from pathlib import Path

from s0web import registry
from s0web.meters.german import GERMAN
from s0web.option import Option
from s0web.options import OPTIONS, SCOPES
from s0web.quantities import QUANTITIES

HERE = Path(__file__).parent


ABOUT_OPTIONS = """\
# Options

Every option of the INI file (`S0WEB_INI`, default `/var/lib/s0web/s0web.ini`). Change them in the
dialog at `/s0/config` or with an editor: a running station takes over a saved file within seconds;
one with a mistake in it is refused with a sentence, and the old settings stay (at its start a
station has none: `s0web serve` ends with the sentence, under Apache the pages show it and the
station starts when the file is mended).

A source is a section `[source:NAME]` with its `type`; NAME is the device in every answer.
`[cache]` holds the counters of the pulse inputs (kWh, or m3), `[cache:simulated]` those of the
simulated house.
"""


def options() -> str:
    lines = [ABOUT_OPTIONS]
    for scope, rows in OPTIONS.items():
        family, _, kind = scope.partition(".")
        head = f"[{family}:NAME] type = {kind}" if kind else f"[{scope}]"
        lines += [f"## `{head}`: {SCOPES[scope]}", ""]
        lines += ["| option | default | meaning |", "|---|---|---|"]
        lines += [f"| `{row.name}` | {_default(row)} | {_meaning(row)} |" for row in rows]
        lines.append("")
    return "\n".join(lines)


def _default(option: Option) -> str:
    if option.default is None:
        return "must be given"
    return f"`{option.default}`" if option.default else "empty"


def _meaning(option: Option) -> str:
    text = option.help
    if option.choices:
        text += f" One of {', '.join(f'`{choice}`' for choice in option.choices)}."
    if option.low > float("-inf") and option.high < float("inf"):
        text += f" {option.low:g} to {option.high:g} {option.unit}".rstrip() + "."
    elif option.unit:
        text += f" In {option.unit}."
    return text.replace("|", "\\|")


def quantities() -> str:
    lines = [
        "# Quantities",
        "",
        "The closed vocabulary of all readings: in JSON, in metrics and, later, in every database.",
        "A register only grows; a gauge is momentary. Power is positive for import.",
        "",
        "| quantity | unit | kind | OBIS | meaning |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| `{q.name}` | {q.unit} | {q.kind} | {q.obis} | {q.meaning} |"
        for q in QUANTITIES.values()
    ]
    return "\n".join(lines) + "\n"


ABOUT_METERS = """\
# Modbus meters

The models that a section of `type = modbus` may name. A meter is a table in `s0web/meters/`; its
registers were traced to the source in the last column. Numbers come in the units of
[quantities.md](quantities.md), import positive.

| `model =` | maker | what it is | phases | quantities | registers from |
|---|---|---|---|---|---|
"""
ABOUT_GERMAN = """
## German names

What Hofei90's smartmeter calls a register (in its configuration, MQTT topics and, in small
letters, table columns), and the quantity that it is here. On a WS100 `Gesamtwirkleistung` is
`power` and `Total_kwh` is `energy_import`.

| German | quantity |
|---|---|
"""


def meters() -> str:
    lines = []
    for name in sorted(registry.METERS):
        meter = registry.load(registry.METERS, name)
        what = f"{meter.name}: {meter.title} | {meter.phases} | {len(meter.quantities)}"
        lines.append(f"| `{name}` | {meter.maker} | {what} | {meter.source} |\n")
    german = [f"| `{name}` | `{quantity}` |\n" for name, quantity in GERMAN.items()]
    return "".join([ABOUT_METERS, *lines, ABOUT_GERMAN, *german])


PAGES = {"options.md": options, "quantities.md": quantities, "meters.md": meters}

if __name__ == "__main__":
    for name, make in PAGES.items():
        (HERE / name).write_text(make())
        print(f"docs/{name}")
