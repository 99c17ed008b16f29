// The smaller cards of the page Now: what today took and cost, the price of energy, the switches.

import { h } from "./dom.js";
import { said } from "./sentences.js";
import { invitation } from "./station.js";
import * as words from "./words.js";

const { t } = words;
const page = document.getElementById("page");
const CARRIERS = ["electricity", "gas", "water"];

/** What flowed today; `flowed`: /energy of the grid, each solar meter, gas and water. */
export function card(house, flowed, cost) {
  if (!flowed.some(Boolean)) return null; // not told yet
  const of = (device) => flowed.find((one) => one?.device === device)?.periods.at(-1)?.values ?? {};
  const sum = (values, name) => {
    const tariffs = ["_high", "_low"].map((tariff) => values[name + tariff]).filter((one) => one !== undefined);
    return tariffs.length ? tariffs.reduce((a, b) => a + b) : values[name];
  };
  const grid = of(house.grid);
  const suns = house.solar.map(of).map((values) =>
    Math.max(sum(values, "energy_export") ?? 0, sum(values, "energy_import") ?? 0));
  const totals = cost?.totals ?? {};
  const rows = [
    row(t("energy.imported"), sum(grid, "energy_import"), "kWh", 2, totals.electricity?.import),
    row(t("energy.exported"), sum(grid, "energy_export"), "kWh", 2, totals.electricity?.export),
    house.solar.length ? row(t("flow.solar"), suns.reduce((a, b) => a + b, 0), "kWh", 2) : null,
    row(t("carrier.gas"), of(house.gas).volume, "m³", 2, totals.gas?.cost),
    row(t("carrier.water"), of(house.water).volume, "m³", 3, totals.water?.cost),
  ].filter(Boolean);
  if (!rows.length) return null;
  const priced = cost && CARRIERS.some((carrier) => totals[carrier]);
  return h("section", { class: "card" },
    h("header", {}, h("h2", {}, t("today.title")),
      h("a", { class: "kind", href: page.dataset.history }, t("nav.history"))),
    h("table", {}, h("tbody", {}, rows,
      priced && totals.total !== undefined ? h("tr", { class: "sum" },
        h("th", { scope: "row" }, t("today.total")), h("td", {}),
        h("td", {}, words.euro(totals.total))) : null)),
    house.asks.costs ? null : invitation(t("today.invite"), "section-add-contract-electricity"));
}

function row(label, value, unit, digits, euros) {
  if (value === undefined) return null;
  return h("tr", {}, h("th", { scope: "row" }, label),
    h("td", {}, `${words.number(value, digits)} ${unit}`),
    euros === undefined ? null : h("td", {}, words.euro(euros)));
}

/** The price of now and the cheapest hours to come. */
export function prices(told) {
  if (!told?.slots?.length) return null;
  const { now, cheapest } = told;
  return h("section", { class: "card" },
    h("header", {}, h("h2", {}, t("prices.title")), h("span", { class: "kind" }, told.zone)),
    now ? h("p", { class: "total" }, words.number((now.import ?? now.spot / 1000) * 100, 2),
      h("span", { class: "unit" }, " ct/kWh")) : null,
    now ? h("p", { class: "note" }, t(now.import === undefined || now.import === null
      ? "prices.spot" : "prices.import")) : null,
    told.note ? h("p", { class: "note" }, words.sentence(told.note)) : null,
    cheapest?.length ? h("h3", {}, t("prices.cheapest")) : null,
    cheapest?.length ? h("p", { class: "note" }, t("prices.spot")) : null,
    cheapest?.length ? h("ul", { class: "hours" }, cheapest.map((hour) => h("li", {},
      h("b", {}, span(hour)), " ", `${words.number(hour.spot / 10, 2)} ct`))) : null);
}

/** Sat 14:00 – 15:00 */
export function span({ start, end }) {
  const day = new Date(start).toLocaleDateString(words.LOCALE,
    { weekday: "short", timeZone: words.timeZone });
  return `${day} ${words.minute(new Date(start))} – ${words.minute(new Date(end))}`;
}

/** What is switched, in short. */
export function switches(told) {
  if (!told?.switches?.length) return null;
  return h("section", { class: "card" },
    h("header", {}, h("h2", {}, t("nav.switches")),
      h("a", { class: "kind", href: page.dataset.switches }, t("switch.change"))),
    told.switches.map(({ name, on, reason }) => h("p", { class: "line" },
      h("span", {}, words.title(name), reason ? h("small", {}, said(reason)) : null),
      h("b", {}, t(on === null ? "switch.unknown" : on ? "switch.on" : "switch.off")))));
}
