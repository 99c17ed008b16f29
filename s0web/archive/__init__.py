"""The station's memory of the past."""
