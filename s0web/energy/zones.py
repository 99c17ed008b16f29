"""Bidding zones: their names, and the codes by which ENTSO-E knows them (EIC)."""

ZONES = {
    "AT": "10YAT-APG------L",
    "BE": "10YBE----------2",
    "CH": "10YCH-SWISSGRIDZ",
    "CZ": "10YCZ-CEPS-----N",
    "DE-LU": "10Y1001A1001A82H",
    "DK1": "10YDK-1--------W",
    "DK2": "10YDK-2--------M",
    "ES": "10YES-REE------0",
    "FI": "10YFI-1--------U",
    "FR": "10YFR-RTE------C",
    "NL": "10YNL----------L",
    "NO1": "10YNO-1--------2",
    "NO2": "10YNO-2--------T",
    "PL": "10YPL-AREA-----S",
    "PT": "10YPT-REN------W",
    "SE3": "10Y1001A1001A46L",
    "SE4": "10Y1001A1001A47J",
}
