"""The options of sinks: the part of the OPTIONS table that says who is told what, and how."""

from .option import Option

SCOPES = {
    "sink.push": "Tell another station",
    "sink.csv": "CSV files",
    "sink.influx": "InfluxDB 1, 2 or 3, or VictoriaMetrics",
    "sink.postgresql": "PostgreSQL, TimescaleDB",
    "sink.mqtt": "An MQTT broker, Home Assistant",
    "sink.mysql": "MySQL or MariaDB, a Galera cluster",
}

_FROM = Option(
    "from",
    "choice",
    "now",
    "Where a new sink begins: now, or with all that the archive holds. Afterwards it goes "
    "on where it was.",
    choices=("now", "beginning"),
    advanced=True,
)

OPTIONS: dict[str, tuple[Option, ...]] = {
    "sink.push": (
        Option("device", "text", None, "The device that the other station is told of. Of a pulse counter there is news with its "
               "pulses only: let the other station ask for that (a remote source with url)."),
        Option("url", "text", None, "Where: http://192.168.1.2/state/Mains."),
        Option("token", "secret", "", "The other station's token, if it wants one."),
        Option("interval", "number", "1", "How often at most.", "s", 0.5, 3600),
        Option("timeout", "number", "5", "How long the other station may take.", "s", 0.5, 60, advanced=True),
    ),
    "sink.mqtt": (
        Option("host", "text", None, "Name or address of the broker; with TLS as its certificate has it."),
        Option("port", "integer", "0", "Its port; 0: 1883, with TLS 8883.", "", 0, 65535, advanced=True),
        Option("user", "text", "", "User name at the broker; empty: none."),
        Option("password", "secret", "", "The user's password."),
        Option("password_file", "text", "", "Or a file with the password in it, which not everyone may read.",
               advanced=True),
        Option("tls", "yesno", "no", "Connect with TLS."),
        Option("ca_file", "text", "", "Certificate of the CA that signed the broker's, a PEM file; empty: the machine's "
               "CAs."),
        Option("tls_verify", "yesno", "yes", "Refuse a broker that cannot prove who it is.", advanced=True),
        Option("prefix", "text", "s0web", "How the topics begin: s0web/grid/power."),
        Option("layout", "choice", "s0web", "s0web: <prefix>/<device>/<quantity>, and JSON for each device; smartmeter: "
               "<prefix><German register name> of one device, such as /smartmeter/Spannung_L1.",
               choices=("s0web", "smartmeter"), advanced=True),
        Option("device", "text", "", "Tell of this device and what hangs on it alone; empty: of all."),
        Option("interval", "number", "5", "How often at most.", "s", 0.5, 3600),
        Option("qos", "integer", "1", "Quality of service; 0: nobody acknowledges a message.", "", 0, 2, advanced=True),
        Option("discovery", "yesno", "yes", "Let Home Assistant find the devices; no: it forgets them."),
        Option("discovery_prefix", "text", "homeassistant", "How Home Assistant's discovery topics begin.",
               advanced=True),
        Option("version", "choice", "5", "Version of MQTT.", choices=("5", "3.1.1"), advanced=True),
        Option("timeout", "number", "5", "How long the broker may take.", "s", 1, 60, advanced=True),
    ),
    "sink.postgresql": (
        Option("host", "text", "localhost", "Server, or several that are tried in turn: db1, db2:5433; a folder "
               "(/var/run/postgresql) for the socket on this machine."),
        Option("port", "integer", "5432", "Its port.", "", 1, 65_535),
        Option("database", "text", "s0web", "Database, made if it is not there and the user may make one."),
        Option("user", "text", "s0web", "User."),
        Option("password", "secret", "", "The user's password."),
        Option("secret_file", "text", "", "Or a file with the password in its first line, which not everyone may "
               "read (chmod 600)."),
        Option("tls", "choice", "auto", "auto: TLS for every server that is not on this machine; yes: always; no: never, "
               "where nobody else can listen.", choices=("auto", "yes", "no")),
        Option("ca_file", "text", "", "Certificate (PEM) of the CA that signed the server's; empty: the system's CAs."),
        Option("verify", "yesno", "yes", "Check the server's certificate.", advanced=True),
        Option("schema", "text", "public", "Schema of the tables, made if it is not there.", advanced=True),
        Option("layout", "choice", "s0web", "Tables: s0web (a row for each value) or smartmeter (Hofei90's wide table, for one "
               "device).", choices=("s0web", "smartmeter")),
        Option("device", "text", "", "Only this device and what hangs on it; empty: all. Needed for layout = smartmeter."),
        Option("table", "text", "smartmeter", "Table of layout = smartmeter, made if it is not there.", advanced=True),
        Option("logger", "text", "", "Name of this station in the column logger; empty: the machine's name."),
        Option("timezone", "zone", "", "Zone of the column day; empty: the machine's.", advanced=True),
        Option("interval", "number", "5", "How often it is written.", "s", 0.5, 3600),
        Option("timeout", "number", "10", "How long the server may take.", "s", 1, 300, advanced=True),
        Option("ssh", "text", "", "Reach the server through SSH: user@host or user@host:22; host and port are then as seen "
               "from there. Empty: directly."),
        Option("ssh_key", "text", "", "File of the private key for that; empty: those of the user of the service.",
               advanced=True),
        Option("ssh_known_hosts", "text", "", "File with the SSH host's key (known_hosts); empty: those of the user and of the "
               "machine.", advanced=True),
        _FROM,
    ),
    "sink.csv": (
        Option("file_path", "text", None, "Folder of the files, such as /var/lib/s0web/csv; made if it is not there."),
        Option("file_prefix", "text", "s0web", "Files are called <prefix>_<date>_<time>.csv, in UTC, with .wip__ before "
               "it as long as they grow."),
        Option("layout", "choice", "s0web", "Lines: s0web (one for each value) or smartmeter (one for each telegram of a "
               "P1 meter, in the columns of smartmeter-python).", choices=("s0web", "smartmeter")),
        Option("device", "text", "", "Only this device and what hangs on it; empty: all. Needed for layout = smartmeter."),
        Option("write_header", "yesno", "yes", "Begin each file with the names of the columns."),
        Option("write_every", "integer", "30", "After so many readings the disk must have them (fsync); 1: a power cut "
               "loses nothing, and wears out an SD card.", "", 1, 1_000_000),
        Option("max_lines", "integer", "100000", "A file is closed at so many lines.", "", 1, 10_000_000),
        Option("max_age", "number", "86400", "A file is closed at this age.", "s", 1, 31_622_400),
        Option("timezone", "zone", "", "Zone of the column local_time; empty: the machine's.", advanced=True),
        _FROM,
    ),
    "sink.influx": (
        Option("url", "text", None, "Where it is: http://192.168.1.20:8086 or https://..."),
        Option("version", "choice", "1", "What it is: InfluxDB 1.x, 2.x, 3.x, or VictoriaMetrics.",
               choices=("1", "2", "3", "victoriametrics")),
        Option("database", "text", "s0web", "Database (1, 3), made if it is not there; for VictoriaMetrics the label db."),
        Option("org", "text", "", "Organization (2)."),
        Option("bucket", "text", "s0web", "Bucket (2)."),
        Option("user", "text", "", "User (1, VictoriaMetrics)."),
        Option("password", "secret", "", "The user's password."),
        Option("token", "secret", "", "Token (2, 3, VictoriaMetrics)."),
        Option("secret_file", "text", "", "Or a file with the password or token in its first line, which not everyone may "
               "read (chmod 600)."),
        Option("layout", "choice", "s0web", "Points: s0web (a field for each quantity) or smartmeter (measurements "
               "electricity and gas of smartmeter-python).", choices=("s0web", "smartmeter")),
        Option("device", "text", "", "Only this device and what hangs on it; empty: all. Needed for layout = smartmeter."),
        Option("logger", "text", "", "Name of this station in the tag logger; empty: the machine's name."),
        Option("ca_file", "text", "", "Certificate (PEM) of the CA that signed the server's, if the system does not know it."),
        Option("verify", "yesno", "yes", "Check the server's certificate.", advanced=True),
        Option("measurement", "text", "s0web", "Measurement of layout = s0web.", advanced=True),
        Option("retention_policy", "text", "", "Retention policy (1); empty: the database's own.", advanced=True),
        Option("lines", "integer", "5000", "Lines sent at once.", "", 1, 10_000, advanced=True),
        Option("compress", "yesno", "yes", "Compress what is sent (gzip).", advanced=True),
        Option("timeout", "number", "10", "How long the server may take.", "s", 0.5, 60, advanced=True),
        _FROM,
    ),
    "sink.mysql": (
        Option("host", "text", None, "Name or address of the server; of several, such as db1, db2:3307, the first that "
               "answers is written to. Or the socket on this machine, /run/mysqld/mysqld.sock."),
        Option("port", "integer", "3306", "Its port.", "", 1, 65535, advanced=True),
        Option("database", "text", "s0web", "Database, made if it is not there and the user may do that."),
        Option("user", "text", "s0web", "User."),
        Option("password", "secret", "", "The user's password."),
        Option("secret_file", "text", "", "Or a file with the password in its first line, which not everyone may read "
               "(chmod 600)."),
        Option("tls", "choice", "auto", "Connect with TLS; auto: unless the server is this machine. no: everyone in the "
               "network may read along.", choices=("auto", "yes", "no")),
        Option("ca_file", "text", "", "Certificate (PEM) of the CA that signed the server's, if the system does not know it."),
        Option("verify", "yesno", "yes", "Check the server's certificate.", advanced=True),
        Option("layout", "choice", "s0web", "Tables: s0web, or energymonitor: EnergyMonitor's VolumeData as well.",
               choices=("s0web", "energymonitor")),
        Option("volume_seconds", "integer", "60", "Seconds that a row of VolumeData stands for.", "s", 10, 3600,
               advanced=True),
        Option("device", "text", "", "Only this device and what hangs on it; empty: all."),
        Option("logger", "text", "", "Name of this station in the database; empty: the machine's name."),
        Option("interval", "number", "10", "How often it is written, about; the last readings wait in the log.", "s", 1, 3600),
        Option("timezone", "zone", "", "Zone of the column day; empty: the machine's.", advanced=True),
        Option("compress", "yesno", "no", "Compress what is sent.", advanced=True),
        Option("timeout", "integer", "15", "How long the server may take; a cluster that lost a node stands still for some "
               "6 s.", "s", 10, 300, advanced=True),
        _FROM,
    ),
}  # fmt: skip
