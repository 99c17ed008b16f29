"""Sources: each owns a wire and tells of the devices on it (contract: `s0web.model.Source`).

A source is made by `station` as `Class(sections, wires, clock, totals)`: `sections` maps each
device name on the wire to its checked options, `totals(device)` gives the values from which
counters go on.
"""
