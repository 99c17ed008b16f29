"""What a meter says: tables and pure functions from bytes to values; no I/O, no clock, no state but
what is returned.
"""
