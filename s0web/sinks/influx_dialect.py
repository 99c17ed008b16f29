"""How InfluxDB 1, 2, 3 and VictoriaMetrics differ: paths, credentials, what a refusal means.

/write: https://docs.influxdata.com/influxdb/v1/tools/api/#write-http-endpoint
/api/v2/write: https://docs.influxdata.com/influxdb/v2/api/#operation/PostWrite
/api/v3/write_lp: https://docs.influxdata.com/influxdb3/core/api/v3/
"""

import json
import re
from base64 import b64encode
from collections.abc import Iterator
from urllib.parse import quote, urlencode

from ..model import Options
from .influx_wire import Answer, server

VICTORIA = "victoriametrics"
SENTENCE = 200  # characters
_POISON = re.compile(
    r"partial write|unable to parse|pars(e|ing) (error|failed)|conflict|beyond retention"
    r"|out of range|invalid (field|column|line|number|boolean|tag)",
    re.IGNORECASE,
)
_FULL = re.compile(r"no space left|in read-only mode")
_ADDRESS = re.compile(r'^remoteAddr: ".*?requestURI: \S+; ')  # VictoriaMetrics: new each time
_DROPPED = re.compile(r"dropped=(\d+)")


def wrong(options: Options) -> Iterator[tuple[str, str]]:
    """What only several options together get wrong: (option, sentence)."""
    version = options["version"]
    try:
        server(str(options["url"]))
    except ValueError as error:
        yield "url", f"{error}."
    if version in ("1", "3") and not options["database"]:
        yield "database", "must not be empty."
    for option in ("org", "bucket"):
        if version == "2" and not options[option]:
            yield option, "is missing: version 2 has both, an org and a bucket."
    needed = "password" if version in ("1", VICTORIA) and options["user"] else "token"
    given = [name for name in ("password", "token", "secret_file") if options[name]]
    if len(given) > 1:
        yield given[1], f"and {given[0]} are both given; leave one empty."
    elif given and given[0] not in (needed, "secret_file"):
        why = "user is empty" if given[0] == "password" else "user is given"
        yield given[0], f"is of no use here: version is {version} and {why}."
    elif not given and (options["user"] or version == "2"):
        yield needed, "is missing; or name a secret_file."
    if version == "1" and given == ["secret_file"] and not options["user"]:
        yield "user", "is missing: the secret_file holds a password."
    if options["layout"] == "smartmeter" and not options["device"]:
        yield "device", "is missing: layout = smartmeter tells of one P1 meter."
    for option in ("secret_file", "ca_file"):
        if options[option] and not str(options[option]).startswith("/"):
            yield option, "must be a whole path, beginning with /."


def write_path(options: Options) -> str:
    version = options["version"]
    query = {"precision": "ns"}
    if version == "2":
        path, query["org"], query["bucket"] = "/api/v2/write", options["org"], options["bucket"]
    elif version == "3":
        path, query = "/api/v3/write_lp", {"precision": "nanosecond", "db": options["database"]}
    else:
        path, query["db"], query["rp"] = "/write", options["database"], options["retention_policy"]
    return f"{path}?{urlencode({k: v for k, v in query.items() if v}, quote_via=quote)}"


def create_path(database: str) -> str:
    """Makes a database of version 1, if it is not there."""
    name = database.replace("\\", "\\\\").replace('"', '\\"')
    return "/query?q=" + quote(f'CREATE DATABASE "{name}"')


def authorization(options: Options, secret: str) -> str:
    """The header's value; "" where no credentials are given."""
    if not secret:
        return ""
    if options["version"] in ("1", VICTORIA) and options["user"]:
        return "Basic " + b64encode(f"{options['user']}:{secret}".encode()).decode()
    return f"{'Token' if options['version'] == '2' else 'Bearer'} {secret}"


def is_poison(answer: Answer) -> bool:
    """Whether it refuses values for what they are; any other refusal is of the whole request."""
    return answer.status in (400, 422) and bool(_POISON.search(answer.text))


def is_conflict(answer: Answer) -> bool:
    """Whether a field has another type there: then all its values will be refused."""
    return bool(re.search(r"conflict|column type", answer.text, re.IGNORECASE))


def refused(answer: Answer) -> int:
    """How many points it says were refused; 0 where it does not say."""
    if found := _DROPPED.search(answer.text):
        return int(found[1])
    told = _json(answer.text)
    rows = told.get("data") if isinstance(told, dict) else None
    return len(rows) if isinstance(rows, list) else 0


def said(answer: Answer) -> str:
    """What the answer says, in one line."""
    told = _json(answer.text)
    words: object = None
    if isinstance(told, dict):
        rows = told.get("data")
        if isinstance(rows, list) and rows and isinstance(rows[0], dict):
            words = rows[0].get("error_message")
        words = words or told.get("error") or told.get("message")
    text = words if isinstance(words, str) else _ADDRESS.sub("", answer.text)
    return "".join(c if c.isprintable() else " " for c in text).strip()[:SENTENCE]


def refusal(answer: Answer, options: Options) -> str:
    """The sentence for an answer that refuses the whole request: the reason and what to do."""
    version, words = options["version"], said(answer)
    told = f" ({words})" if words else ""
    if answer.status == 401:
        credentials = "user and password" if options["user"] else "token"
        return f"refuses the {credentials}{told}: mend them in the sink's section or secret_file."
    if answer.status == 403:
        who = f"user {options['user']}" if options["user"] else "token"
        return f"does not let this {who} write{told}: grant it."
    if answer.status == 404:
        what = f"org {options['org']} or bucket {options['bucket']}" if version == "2" else "path"
        return f"knows no such {what}{told}: create it, or mend version and url."
    if answer.status == 413:
        return f"takes not even one line{told}: raise its limit of a request's size."
    if answer.status >= 500 and _FULL.search(answer.text):
        then = "and start it again" if version == "1" else "and it goes on"  # 1 keeps saying so
        return f"has no room left{told}: make room on its disk, {then}."
    if answer.status in (429, 503):
        return f"is too busy{told}: it is asked again in {answer.retry_after or 1:g} s."
    if answer.status >= 500:
        return f"has an error of its own, {answer.status}{told}: look into its log."
    if 300 <= answer.status < 400:
        return f"answers {answer.status}, that it is elsewhere: mend the url."
    return f"answers {answer.status}{told}: mend url, version and the sink's other options."


def _json(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
