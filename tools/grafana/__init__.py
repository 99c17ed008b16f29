"""Writes the Grafana dashboards in static/grafana/: python -m tools.grafana

`dashboards` and `fleet` say which panels there are, `sql` (for two `servers`) and `influxql` what
they ask, `panels` how they look.
"""
