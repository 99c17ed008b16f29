// Below the span of the page History: the peaks of 13 months, and the day-ahead prices.

import { bars } from "./bars.js";
import { fill, h } from "./dom.js";
import { invitation } from "./station.js";
import { span } from "./today.js";
import * as words from "./words.js";

const { t } = words;
const drawn = new Map(); // place -> draw

export function redraw() {
  for (const draw of drawn.values()) draw();
}

function drawing(place, draw) {
  drawn.set(place, draw);
  draw();
}

/** The running month first, as /peak tells them. */
export function peaks(place, told, house) {
  const running = told?.month ? [{ ...told.month, month: words.day(new Date(told.month.start ?? Date.now())).slice(0, 7) }] : [];
  const months = [...running, ...(told?.months ?? [])];
  if (!months.length) {
    fill(place, house.said.grid ? h("p", { class: "note" }, t("peaks.none")) : invitation(t("peak.invite"), "section-house"));
    return;
  }
  fill(place, h("div", { class: "bars" }), cost(told.cost),
    h("details", {}, h("summary", {}, t("history.table")), h("table", {},
      h("thead", {}, h("tr", {}, ["table.month", "peaks.peak", "table.when"].map((key) => h("th", { scope: "col" }, t(key))))),
      h("tbody", {}, months.map((one) => h("tr", {}, h("th", { scope: "row" }, words.month(one.month)),
        h("td", {}, words.powerText(one.peak), one.from === "computed" ? h("small", {}, ` ${t("peak.computed")}`) : null),
        h("td", {}, one.time ? words.moment(new Date(one.time), new Date()) : "–")))))));
  const rows = months.toReversed().map(({ month, peak }) => ({ values: { peak: peak / 1000 },
    label: words.month(month, { month: "narrow" }), text: `${words.month(month)}: ${words.powerText(peak)}` }));
  drawing(place, () => bars(place.querySelector(".bars"), { rows, columns: [{ key: "peak", colour: "high" }],
    format: (value) => `${words.number(value, 1)} kW`, title: t("peaks.title") }));
}

function cost(told) {
  if (!told) return null;
  return h("p", {}, t("peak.cost", { month: words.euro(told.per_kw_month), year: words.euro(told.year) }));
}

/** Today and tomorrow, the cheapest hours marked. */
export function prices(place, told) {
  if (!told?.slots?.length) {
    fill(place, told?.note ? h("p", { class: "note" }, words.sentence(told.note)) : null,
      invitation(t("prices.invite"), "section-prices"));
    return;
  }
  const cheap = told.cheapest ?? [];
  const hours = hourly(told.slots);
  const now = Date.now();
  const rows = hours.map((hour) => ({ values: { spot: hour.spot / 10 }, label: words.hour(new Date(hour.start)),
    text: `${span(hour)}: ${words.number(hour.spot / 10, 2)} ct/kWh`,
    marked: cheap.some((one) => Date.parse(one.start) <= Date.parse(hour.start) && Date.parse(hour.start) < Date.parse(one.end)) ? "cheap"
      : Date.parse(hour.start) <= now && now < Date.parse(hour.end) ? "current" : "" }));
  fill(place, h("p", { class: "note" }, t("prices.spot")), h("div", { class: "bars" }),
    cheap.length ? h("h3", {}, t("prices.cheapest")) : null,
    cheap.length ? h("ul", { class: "hours" }, cheap.map((hour) => h("li", {}, h("b", {}, span(hour)), " ",
      `${words.number(hour.spot / 10, 2)} ct/kWh`))) : null,
    told.note ? h("p", { class: "note" }, words.sentence(told.note)) : null,
    h("details", {}, h("summary", {}, t("history.table")), h("table", {},
      h("thead", {}, h("tr", {}, ["table.when", "prices.market", "energy.import", "energy.export"].map((key) =>
        h("th", { scope: "col" }, t(key))))),
      h("tbody", {}, hours.map((hour) => h("tr", {}, h("th", { scope: "row" }, span(hour)),
        [hour.spot / 1000, hour.import, hour.export].map((value) => h("td", {}, value === undefined || value === null
          ? "–" : words.rate(value)))))))));
  drawing(place, () => bars(place.querySelector(".bars"), { rows, columns: [{ key: "spot", colour: "price" }],
    format: (value) => `${words.number(value, value % 1 ? 1 : 0)} ct`, title: t("prices.title") }));
}

/** Means of the slots of each hour. */
function hourly(slots) {
  const groups = new Map();
  for (const slot of slots) {
    const key = Math.floor(Date.parse(slot.start) / 3_600_000);
    groups.set(key, [...(groups.get(key) ?? []), slot]);
  }
  return [...groups.values()].map((group) => {
    const mean = (name) => (group.some((slot) => typeof slot[name] !== "number") ? null
      : group.reduce((sum, slot) => sum + slot[name], 0) / group.length);
    return { start: group[0].start, end: group.at(-1).end, spot: mean("spot"), import: mean("import"), export: mean("export") };
  });
}
