"""`s0web import rates rates.json` of digital_meter."""

import json
from pathlib import Path
from typing import Any

import pytest

from s0web import config
from s0web.__main__ import main
from s0web.imports import rates

RATES: dict[str, Any] = {  # the file in its repository
    "Gas": {"+": 1.576, "cnv": ["kWh", 11.510]},
    "Water": {"+": 6.2},
    "Electricity": {"+": {"Day": 0.3214, "Night": 0.2225}, "-": {"Day": 0.1, "Night": 0.1}},
}


@pytest.fixture
def own_ini(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "own" / "s0web.ini"
    monkeypatch.setenv("S0WEB_INI", str(path))
    return path


def taken(tmp_path: Path, text: str) -> int:
    file = tmp_path / "rates.json"
    file.write_text(text)
    return main(["import", "rates", str(file)])


def test_rates_become_contracts(
    own_ini: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert taken(tmp_path, json.dumps(RATES)) == 0
    made = config.load(own_ini).contracts
    power, gas, water = (made[name] for name in ("electricity", "gas", "water"))
    assert (power["tariff"], power["bands"]) == ("day_night", "meter")
    assert (power["import_rate"], power["import_rate_low"]) == (0.3214, 0.2225)
    assert (power["export_rate"], power["export_rate_low"]) == (0.1, 0.1)
    assert (gas["rate"], gas["kwh_per_m3"]) == (1.576, 11.51)
    assert water["rate"] == 6.2
    assert "[house] names the device of the grid" in capsys.readouterr().out


def test_one_rate_all_day_is_a_single_one(own_ini: Path, tmp_path: Path) -> None:
    assert taken(tmp_path, '{"Electricity": {"+": {"Day": 0.3}, "-": 0.05}}') == 0
    (power,) = config.load(own_ini).contracts.values()
    assert (power["tariff"], power["import_rate"], power["export_rate"]) == ("single", 0.3, 0.05)


def test_a_second_time_nothing_is_overwritten(
    own_ini: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert taken(tmp_path, json.dumps(RATES)) == 0
    before = own_ini.read_text()
    assert taken(tmp_path, json.dumps(RATES)) != 0
    assert "has a [contract:electricity] already" in capsys.readouterr().err
    assert own_ini.read_text() == before


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is not JSON"),
        ("[" * 100_000, "is not JSON"),
        ("[]", "it is no rates.json"),
        ('{"Gas": 1.5}', "it is no rates.json"),
        ('{"Gas": {"+": "1.5"}}', "has no rate at Gas +"),
        ('{"Gas": {"+": true}}', "has no rate at Gas +"),
        ('{"Gas": {"+": NaN}}', "has no rate at Gas +"),
        ('{"Gas": {"+": 1e400}}', "has no rate at Gas +"),
        (f'{{"Gas": {{"+": 1{"0" * 400}}}}}', "has no rate at Gas +"),
        ('{"Gas": {"+": 1, "cnv": ["kWh", null]}}', "has no rate at Gas cnv"),
        ('{"Electricity": {"+": {"Night": 0.2}}}', "has no rate at Electricity + Day"),
    ],
)
def test_a_file_that_holds_no_rates_is_refused(
    own_ini: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, said: str
) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        rates.sections(text.encode())
    assert said in str(caught.value)
    assert taken(tmp_path, text) != 0
    assert said in capsys.readouterr().err
    assert not own_ini.exists()


def test_rates_in_cents_are_refused_by_the_checks(
    own_ini: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert taken(tmp_path, '{"Electricity": {"+": {"Day": 3.214, "Night": 2.225}}}') != 0
    assert "looks like cents" in capsys.readouterr().err
    assert not own_ini.exists()


def test_a_file_that_is_not_there_is_told(
    own_ini: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["import", "rates", str(tmp_path / "none.json")]) != 0
    assert "cannot be read (No such file" in capsys.readouterr().err
