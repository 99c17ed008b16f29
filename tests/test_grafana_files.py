"""The files for Grafana: whole, up to date, and to be had from the station."""

import json
import re
from pathlib import Path

import pytest
from bs4 import BeautifulSoup

from s0web.station import Station
from s0web.web.app import create_app
from s0web.web.grafana import DATABASES
from tools.grafana.__main__ import HERE, files

PATHS = sorted(path for path in HERE.glob("*/*.json"))


def test_the_files_are_what_the_generator_writes() -> None:
    made = dict(files())
    assert {str(path.relative_to(HERE)) for path in PATHS} == set(made)
    for name, content in made.items():
        assert (HERE / name).read_text() == content, f"{name}: run make docs"


@pytest.mark.parametrize("path", PATHS, ids=lambda path: str(path.relative_to(HERE)))
def test_a_dashboard_is_whole(path: Path) -> None:
    of = json.loads(path.read_text())
    panels = of["panels"]
    assert len({about["id"] for about in panels}) == len(panels)
    assert of["timezone"] == "browser"
    assert "__inputs" not in of
    cells = set()
    for about in panels:
        place = about["gridPos"]
        assert place["x"] + place["w"] <= 24
        own = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not own & cells, about["title"]
        cells |= own
        references = [target["refId"] for target in about.get("targets", ())]
        assert references == list("ABCD")[: len(references)]
        assert references or about["type"] == "text"
        if "timeFrom" in about:  # of which $__from and $__to know nothing
            assert not re.search(r"\$__(from|to)|\$\{__(from|to)", str(about["targets"]))
        for holder in (about, *about.get("targets", ())) if references else ():
            assert holder["datasource"]["uid"] == "${datasource}"
        assert (
            references == []
            or about["fieldConfig"]["defaults"].get("unit")
            or (about["type"] == "table")
        )
    names = [variable["name"] for variable in of["templating"]["list"]]
    assert names[0] == "datasource"
    assert len(names) == len(set(names))
    text = path.read_text()
    assert not [c for c in ("red", "green") if f'"{c}"' in text]  # colours that all can tell apart


def test_every_dashboard_has_an_address_of_its_own() -> None:
    identities = [json.loads(path.read_text())["uid"] for path in PATHS]
    assert len(set(identities)) == len(identities)
    assert all(len(identity) <= 40 for identity in identities)  # Grafana's limit


def test_no_secret_is_in_a_provisioning_file() -> None:
    for database in DATABASES:
        lines = (HERE / database / "datasource.yaml").read_text().splitlines()
        (password,) = (line.split() for line in lines if "password:" in line)
        assert password[1].startswith("$S0WEB_")


# -- the page --------------------------------------------------------------------------------------


def test_every_file_can_be_had_from_the_page(station: Station) -> None:
    client = create_app(station).test_client()
    soup = BeautifulSoup(client.get("/grafana/").get_data(as_text=True), "html.parser")
    links = [str(a["href"]) for a in soup.select("a[download]")]
    there = {str(path.relative_to(HERE)) for path in HERE.rglob("*") if path.is_file()}
    assert {link.removeprefix("/grafana/") for link in links} == there
    for link in links:
        with client.get(link) as answer:
            assert answer.status_code == 200
            assert answer.data == (HERE / link.removeprefix("/grafana/")).read_bytes()
            assert "attachment" in answer.headers["Content-Disposition"]


@pytest.mark.parametrize(
    "name",
    ["nothing.json", "../style.css", "%2e%2e/style.css", "mysql", "mysql/../../style.css",
     "..%2f..%2fsetup.cfg", "/etc/passwd", "%00", "mysql/%0aoverview.json", "..\\style.css"],
)  # fmt: skip
def test_nothing_else_can(station: Station, name: str) -> None:
    answer = create_app(station).test_client().get(f"/grafana/{name}")
    assert answer.status_code in (404, 308)
    assert b"Okabe" not in answer.data
    assert b"[metadata]" not in answer.data
