"""One simulated house that tells the same truth on every wire; a peer of `s0web.hardware`, not a
mode of the sources.
"""
