"""German register names of the predecessor, for those who come from it."""

from s0web.meters import eastron
from s0web.meters.german import GERMAN, GERMAN_WS100, WIDE_COLUMNS
from s0web.quantities import QUANTITIES

# The registers of Hofei90's SDM530 in its own order: name@address.
SDM530 = """
Spannung_L1@0 Spannung_L2@2 Spannung_L3@4 Strom_L1@6 Strom_L2@8 Strom_L3@10 Wirkleistung_L1@12
Wirkleistung_L2@14 Wirkleistung_L3@16 Scheinleistung_L1@18 Scheinleistung_L2@20
Scheinleistung_L3@22 Blindleistung_L1@24 Blindleistung_L2@26 Blindleistung_L3@28
Leistungsfaktor_L1@30 Leistungsfaktor_L2@32 Leistungsfaktor_L3@34 Phasenwinkel_L1@36
Phasenwinkel_L2@38 Phasenwinkel_L3@40 Durchschnittliche_Spannung_zu_N@42
Durchschnittlicher_Strom_zu_N@46 aktueller_Gesamtstrom@48 aktuelle_Gesamtwirkleistung@52
aktuelle_Gesamtscheinleistung@56 aktuelle_Gesamtblindleistung@60
aktueller_Gesamtleistungsfaktor@62 aktueller_Gesamtphasenwinkel@66 Frequenz@70
Import_Wh_seit_reset@72 Export_Wh_seit_reset@74 Import_VArh_seit_reset@76
Export_VArh_seit_reset@78 VAh_seit_reset@80 Ah_seit_reset@82 Gesamtwirkleistung@84
Max_Gesamtwirkleistung@86 Gesamtscheinleistung@100 Max_Gesamtscheinleistung@102
Gesamtstrom_Neutralleiter@104 Max_Strom_Neutralleiter@106 Spannung_L1_L2@200 Spannung_L2_L3@202
Spannung_L3_L1@204 Durchschnittsspannung_L_L@206 Strom_Neutralleiter@224 THD_Spannung_L1@234
THD_Spannung_L2@236 THD_Spannung_L3@238 THD_Strom_L1@240 THD_Strom_L2@242 THD_Strom_L3@244
THD_Durchschnittliche_Spannung_zu_N@248 THD_Durchschnittlicher_Strom_zu_N@250
Gesamtsystemleistungsfaktor@254 Strom_L1_demand@258 Strom_L2_demand@260 Strom_L3_demand@262
Max_Strom_L1_demand@264 Max_Strom_L2_demand@266 Max_Strom_L3_demand@268 THD_Spannung_L1_L2@334
THD_Spannung_L2_L3@336 THD_Spannung_L3_L1@338 THD_Durchschnittliche_Spannung_zu_L_L@340
Total_kwh@342 Total_kvarh@344
"""


def test_every_register_of_the_predecessor_has_a_name_here_at_the_same_address() -> None:
    ours = {register.quantity: register.address for register in eastron.SDM530.registers}
    theirs = [word.split("@") for word in SDM530.split()]
    assert len(theirs) == len(ours) == 68
    for name, address in theirs:
        assert ours[GERMAN[name]] == int(address), name


def test_the_wide_table_has_the_columns_of_the_predecessor_in_its_order() -> None:
    assert tuple(word.split("@")[0].lower() for word in SDM530.split()) == WIDE_COLUMNS


def test_every_german_name_is_one_quantity_of_the_vocabulary() -> None:
    assert len(GERMAN) == 94
    assert len(set(GERMAN.values())) == 94
    assert set(GERMAN.values()) <= QUANTITIES.keys()
    assert set(GERMAN_WS100.values()) <= QUANTITIES.keys()


def test_names_that_mislead_mean_what_the_register_holds() -> None:
    assert GERMAN["Gesamtwirkleistung"] == "power_demand"
    assert GERMAN["aktuelle_Gesamtwirkleistung"] == "power"
    assert GERMAN["Gesamtstrom_Neutralleiter"] == "current_neutral_demand"
    assert GERMAN["Strom_Neutralleiter"] == "current_neutral"
    assert GERMAN["Import_Wh_seit_reset"] == "energy_import"
    assert QUANTITIES[GERMAN["Import_Wh_seit_reset"]].unit == "kWh"
    assert GERMAN["Gesamtsystemleistungsfaktor"] == "power_factor_negated"
    assert GERMAN["Setabble_export_kWh"] == "energy_export_resettable"
    assert GERMAN_WS100["Gesamtwirkleistung"] == "power"
