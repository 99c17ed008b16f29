"""Factors of an ADC's wires, as the INI writes them: one number, or `brown:0.0244, black:0.025`."""

from collections.abc import Mapping, Sequence

Factors = Sequence[tuple[str, float]]  # as the option is read; the wire "" stands for all


def of_wire(factors: Factors, wire: str) -> float:
    table = dict(factors)
    return table[wire] if wire in table else table[""]


def changed(factors: Factors, wires: Sequence[str], new: Mapping[str, float]) -> str:
    """The option's text with the new factors; what is not named keeps its own.

    One number stays one number where it is the same for all.
    """
    table = {wire: new.get(wire, of_wire(factors, wire)) for wire in wires}
    numbers = {number_text(factor) for factor in table.values()}
    if len(numbers) == 1 and dict(factors).keys() == {""}:
        return numbers.pop()
    return ", ".join(f"{wire}:{number_text(factor)}" for wire, factor in table.items())


def number_text(number: float) -> str:
    """Six digits, without an exponent: the INI has none."""
    text = f"{float(f'{number:.6g}'):.12f}".rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text
