"""Sinks: places that keep readings (contract: `s0web.model.Sink`); each follows the log from its
own cursor.
"""
