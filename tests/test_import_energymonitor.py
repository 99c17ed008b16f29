"""`s0web import energymonitor config.json`."""

import json
from pathlib import Path
from typing import Any

import pytest

from s0web import config
from s0web.__main__ import main

COLLECTOR: dict[str, Any] = {  # the sample's
    "Point": "Mains",
    "SamplesPerWave": 40,
    "WavesToRead": 50,
    "Frequency": 50,
    "CalibrationFactor_Power": 0.004494,
    "CalibrationFactor_Voltage": 0.2527,
    "VoltageService": "",
    "CurrentChannels": {"brown": 0, "black": 2, "gray": 4},
    "VoltageChannels": {"brown": 1, "black": 3, "gray": 5},
}
API = {
    "Port": 8080,
    "VolumeDataSeconds": 60,
    "VolumeDbHost": "192.168.1.2",
    "VolumeDbPort": 3307,
    "VolumeDbName": "EnergyMonitor",
    "VolumeDbUser": "someone",
    "VolumeDbPassword": "hunter2",
}


@pytest.fixture
def own_ini(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "own" / "s0web.ini"
    monkeypatch.setenv("S0WEB_INI", str(path))
    return path


def taken(tmp_path: Path, collector: Any, **more: Any) -> int:
    file = tmp_path / "config.json"
    file.write_text(json.dumps({"Collector": collector, **more}))
    return main(["import", "energymonitor", str(file)])


def test_a_collector_becomes_an_adc(
    own_ini: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert taken(tmp_path, COLLECTOR, Api=API) == 0
    adc = config.load(own_ini).sources["Mains"]
    assert adc["current_channels"] == (("brown", 0), ("black", 2), ("gray", 4))
    assert adc["voltage_channels"] == (("brown", 1), ("black", 3), ("gray", 5))
    ((_, amps),), ((_, volts),) = adc["amps_per_code"], adc["volts_per_code"]
    assert volts == 0.2527
    assert amps * volts == pytest.approx(0.004494, rel=1e-9)  # W for a product of codes
    assert (adc["samples_per_wave"], adc["frequency"]) == (40, 50)
    said = capsys.readouterr().out
    assert "give amps_per_code the other sign" in said
    assert "Not needed here: Collector.WavesToRead." in said
    assert "--port 8080" in said
    assert "[source:NAME] with type = remote" in said
    assert "hunter2" not in said
    sink = config.load(own_ini).sinks["volumedata"]
    assert (sink["host"], sink["port"]) == ("192.168.1.2", 3307)
    assert (sink["database"], sink["user"]) == ("EnergyMonitor", "someone")
    assert (sink["password"], sink["layout"]) == ("hunter2", "energymonitor")
    assert sink["volume_seconds"] == 60


def test_without_voltage_channels_the_voltage_is_asked_for(own_ini: Path, tmp_path: Path) -> None:
    url = "http://192.168.1.20:8080/state/Mains"
    assert taken(tmp_path, {**COLLECTOR, "Point": "Solar", "VoltageService": url}) == 0
    sources = config.load(own_ini).sources
    assert sources["Solar"]["voltage"] == "voltage"
    assert sources["Solar"]["voltage_channels"] == ()
    assert (sources["voltage"]["type"], sources["voltage"]["url"]) == ("remote", url)


def test_a_point_that_cannot_name_a_section_gets_a_name_and_is_told(
    own_ini: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert taken(tmp_path, {**COLLECTOR, "Point": "1. Garage/Solar é"}) == 0
    assert list(config.load(own_ini).sources) == ["Garage_Solar"]
    assert "is [source:Garage_Solar] here" in capsys.readouterr().out


def test_what_must_change_or_is_left_out_is_told(
    own_ini: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    channels = {"brown": 1, "black": 3, "gray": 5, "blue": 7}
    assert taken(tmp_path, {**COLLECTOR, "SamplesPerWave": 10, "VoltageChannels": channels}) == 0
    assert config.load(own_ini).sources["Mains"]["samples_per_wave"] == 16
    said = capsys.readouterr().out
    assert "Collector.SamplesPerWave 10 becomes 16" in said
    assert "Collector.VoltageChannels.blue is left out" in said


MISTAKES = [
    ({"Point": None}, "Collector.Point: is no text"),
    ({"Point": "17"}, "Collector.Point: '17' has no letter"),
    ({"Frequency": 400}, "Collector.Frequency: 400 is not from 45 to 65"),
    ({"Frequency": "50"}, "Collector.Frequency: is not a number"),
    ({"CalibrationFactor_Voltage": 0}, "Collector.CalibrationFactor_Voltage: is 0"),
    ({"CalibrationFactor_Power": 1000}, "more than 100 A"),
    ({"CurrentChannels": {}}, "Collector.CurrentChannels: there is no wire"),
    ({"CurrentChannels": [0, 2]}, "Collector.CurrentChannels: is not written like"),
    ({"CurrentChannels": {"brown": 8}}, "Collector.CurrentChannels.brown: is not a channel"),
    ({"CurrentChannels": {"power": 0}}, "'power' cannot name a wire"),
    ({"VoltageChannels": {"brown": 1}}, "Collector.VoltageChannels.black: is missing"),
    ({"SamplesPerWave": True}, "Collector.SamplesPerWave: is not a number"),
    ({"VoltageService": "Mains"}, "Collector.VoltageService: Mains is no address"),
    ({"VoltageService": 5}, "Collector.VoltageService: is no text"),
]


@pytest.mark.parametrize(("change", "reason"), MISTAKES, ids=[reason for _, reason in MISTAKES])
def test_a_mistake_is_told_with_file_and_key_and_leaves_nothing_behind(
    own_ini: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    change: dict[str, Any],
    reason: str,
) -> None:
    assert taken(tmp_path, {**COLLECTOR, **change}) == 2
    said = capsys.readouterr().err
    assert "config.json: " in said
    assert reason in said
    assert not own_ini.exists()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "is not JSON"),
        ("[" * 9999, "is not JSON"),
        ('{"Collector": {"Frequency": NaN}}', "NaN is not a number"),
        ("[]", "has no Collector"),
        ('{"Api": {}}', "has no Collector"),
        ('{"Collector": []}', "Collector is no object"),
        ('{"Collector": {}}', "Collector.Point: is missing"),
    ],
)
def test_what_is_no_config_is_told(
    own_ini: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, reason: str
) -> None:
    file = tmp_path / "config.json"
    file.write_text(text)
    assert main(["import", "energymonitor", str(file)]) == 2
    assert reason in capsys.readouterr().err
    assert not own_ini.exists()
