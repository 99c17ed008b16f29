"""s0web: the home-energy station. Start with model, hub, log, workers and station."""

__version__ = "0.1.0"
