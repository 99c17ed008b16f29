"""Writes the Grafana dashboards in static/grafana/: python -m tools.grafana

`dashboards`, `costs` and `fleet` say which panels there are, `sql` (for two `servers`) and
`influxql` what they ask, `sql_booked` and `influxql_booked` the same of what is stamped at the end
of its quarter-hour, `panels` how they look.
"""
