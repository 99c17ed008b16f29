// What the page shows of one device: a card for each thing a householder asks about.

import { h } from "./dom.js";
import { said } from "./sentences.js";
import * as words from "./words.js";

const { t } = words;

const VOCABULARY = JSON.parse(document.getElementById("page").dataset.vocabulary);
const PHASES = ["l1", "l2", "l3"];

const BLOCKS = {
  p1: [energy, phases, quarter], modbus: [meter, phases], adc: [meter, wires],
  remote: [meter, wires], wire: [], switch: [listed], derived: [listed],
};

/** All cards of a device and of its wires; `now` is the station's time. */
export function cards(name, devices, now) {
  const device = devices[name];
  if (device.type === "wire") return [];
  const parts = Object.entries(devices)
    .filter(([part, { type }]) => type === "wire" && part.startsWith(`${name}.`));
  const blocks = (BLOCKS[device.type] ?? [counter])
    .map((block) => block(device, now, parts)).filter(Boolean);
  if (!blocks.length && device.type === "derived") return [];
  return (blocks.length ? blocks : [waiting(device)]).map((block, index) =>
    card({ name, device, now }, block, index === 0));
}

/** The big figure: what the grid meter (or the first counter) says now, and what it costs. */
export function figure(name, device, now, rates) {
  const watts = device.values.power?.value;
  const [way, word] = direction(device, watts);
  if (watts === undefined) return h("div", { class: "figure" }, h("h1", { class: "word" }, word));
  const [number, unit] = words.power(signed(device.type) ? Math.abs(watts) : watts);
  return h("div", { class: `figure ${way} ${fresh(device) ? "" : "old"}` },
    h("h1", { class: "word" }, word),
    h("p", { class: "big" }, h("data", { id: "power", value: watts }, number),
      h("span", { class: "unit" }, ` ${unit}`)),
    h("p", { class: "note" }, note(name, device, now)),
    fresh(device) ? costing(watts, rates) : null);
}

/** What an hour of this power costs, or brings. */
function costing(watts, rates) {
  const rate = watts >= 0 ? rates?.import : rates?.export;
  if (rate === undefined || rate === null) return null;
  const hourly = Math.abs((watts / 1000) * rate);
  const key = (watts >= 0) === (rate >= 0) ? "now.costs" : "now.brings";
  return h("p", { class: "hourly" }, h("b", {}, t(key, { money: words.euro(hourly) })),
    h("span", { class: "note" }, ` ${words.rate(rate)}`));
}

function direction({ type, health }, watts) {
  if (watts === undefined && health.state === "failed") return ["idle", t("now.no_power")];
  if (watts === undefined) return ["idle", t("now.waiting")];
  if (!signed(type)) return ["import", t("now.in_use")];
  if (Math.round(watts) === 0) return ["idle", t("now.nothing")];
  return watts > 0 ? ["import", t("now.importing")] : ["export", t("now.exporting")];
}

/** Whether a device of this type tells the direction of power. */
export function signed(type) {
  return ["p1", "modbus", "adc", "remote"].includes(type);
}

function note(name, device, now) {
  const told = newest(device);
  if (!fresh(device) && told) return t("now.old", { age: words.age(told, now) });
  const tariff = { high: t("tariff.high"), low: t("tariff.low") }[device.labels.tariff];
  return [words.title(name), tariff, words.clock(told ?? now)].filter(Boolean).join(" · ");
}

function card({ name, device, now }, { title, body }, first) {
  const told = newest(device);
  const old = !fresh(device) && told !== null;
  return h("section", { class: `card ${old ? "old" : ""}` },
    h("header", {}, h("h2", {}, title ?? words.title(name)),
      h("span", { class: "kind" }, title ? words.title(name) : words.kind(name, device.type))),
    old ? h("p", { class: "age" },
      t("card.old", { time: words.moment(told, now), age: words.age(told, now) })) : null,
    first ? warnings(device) : null,
    body,
    first ? everything(device, now) : null);
}

function waiting({ health }) {
  const text = health.state === "failed" ? t("card.no_value") : t("card.waiting");
  return { body: h("p", { class: "note" }, text) };
}

function energy(device) {
  const rows = [["_high", t("energy.high"), "high"], ["_low", t("energy.low"), "low"], ["", t("energy.total"), null]]
    .map(([suffix, label, tariff]) => [label, tariff,
      device.values[`energy_import${suffix}`], device.values[`energy_export${suffix}`]])
    .filter(([, , ...values]) => values.some(Boolean));
  if (!rows.length) return null;
  const exports = rows.some((row) => row[3]);
  return { title: t("card.energy"), body: h("table", {},
    head("", t("energy.imported_kwh"), exports ? t("energy.exported_kwh") : null),
    h("tbody", {}, rows.map(([label, tariff, taken, given]) => h("tr", { class: tariff ? "" : "sum" },
      h("th", { scope: "row" }, label,
        tariff && device.labels.tariff === tariff ? h("span", { class: "chip" }, t("card.now")) : null),
      cell("energy_import", taken), exports ? cell("energy_export", given) : null)))) };
}

export function phases(device) {
  const kinds = ["power", "voltage", "current"]
    .filter((kind) => PHASES.some((phase) => device.values[`${kind}_${phase}`]));
  const rows = PHASES.filter((phase) => kinds.some((kind) => device.values[`${kind}_${phase}`]));
  if (!rows.length) return null;
  const heads = kinds.map((kind) => `${t(`quantity.${kind}`)} ${VOCABULARY[kind].unit}`);
  return { title: t(rows.length > 1 ? "card.phases" : "card.phase"), body: h("table", {},
    head("", ...heads),
    h("tbody", {}, rows.map((phase) => h("tr", {},
      h("th", { scope: "row" }, phase.toUpperCase()),
      kinds.map((kind) => cell(kind, device.values[`${kind}_${phase}`])))))) };
}

function wires(device, now, parts) {
  const kinds = ["power", "voltage", "current", "power_factor"]
    .filter((kind) => parts.some(([, { values }]) => values[kind]));
  if (!kinds.length) return null;
  const heads = kinds.map((kind) =>
    `${t(`quantity.${kind}`)} ${VOCABULARY[kind].unit}`.trim());
  return { title: t("card.wires"), body: h("table", {},
    head("", ...heads),
    h("tbody", {}, parts.map(([name, { values }]) => h("tr", {},
      h("th", { scope: "row" }, words.title(name)),
      kinds.map((kind) => cell(kind, values[kind])))))) };
}

function quarter(device, now) {
  const { demand, peak } = device.values;
  if (!demand && !peak) return null;
  const most = Math.max(peak?.value ?? 0, demand?.value ?? 0, 1);
  return { title: t("peak.title"), body: h("div", {},
    demand ? h("p", { class: "line" }, h("span", {}, t("peak.demand")),
      h("b", {}, words.powerText(demand.value))) : null,
    demand && peak ? h("meter", { min: 0, max: most, low: most * 0.75, high: most * 0.95, optimum: 0,
      value: demand.value, "aria-label": t("peak.title") }) : null,
    peak ? h("p", { class: "line" }, h("span", {}, t("peak.month"),
      h("small", {}, words.moment(new Date(peak.time), now))),
      h("b", {}, words.powerText(peak.value))) : null,
    history(JSON.parse(device.labels.peak_history ?? "[]"))) };
}

function history(months) {
  if (!months.length) return null;
  const most = Math.max(...months.map((month) => month.power), 1);
  return h("details", {}, h("summary", {}, t("peak.earlier")),
    h("table", {}, h("tbody", {}, months.toReversed().map(({ month, power }) =>
      h("tr", {}, h("th", { scope: "row" }, words.month(month)),
        h("td", { class: "bar" }, h("meter", { min: 0, max: most, value: power, "aria-hidden": "true" })),
        h("td", {}, words.powerText(power)))))));
}

function meter(device, now) {
  const { power, energy_import, energy_export } = device.values;
  if (!power) return counter(device, now);
  const way = Math.round(power.value) > 0 ? t("card.importing") : Math.round(power.value) < 0 ? t("card.exporting") : t("card.no_power");
  const [number, unit] = words.power(Math.abs(power.value));
  const rows = [[t("energy.imported"), "energy_import", energy_import], [t("energy.exported"), "energy_export", energy_export]];
  return { body: h("div", {},
    h("p", { class: "total" }, number, h("span", { class: "unit" }, ` ${unit}`)),
    h("p", { class: "line" }, h("span", {}, way),
      h("b", {}, words.moment(new Date(power.time), now))),
    rows.filter(([, , value]) => value).map(([label, quantity, value]) =>
      h("p", { class: "line" }, h("span", {}, label), h("b", {}, told(quantity, value))))) };
}

function counter(device, now) {
  const { power, energy_import, energy_export, volume, heat, flow, pulse_interval, pulses } = device.values;
  const total = energy_import ?? volume ?? heat;
  if (!total && !power) return waiting(device);
  const register = energy_import ? "energy_import" : volume ? "volume" : "heat";
  const last = pulse_interval ? [t("card.last_pulse"), words.moment(new Date(pulses.time), now)] : null;
  const read = pulses || !total ? null : [t("card.read"), words.moment(new Date(total.time), now)];
  const rows = [
    energy_import && power ? [t("card.power_now"), words.powerText(power.value)] : null,
    energy_export ? [t("energy.exported"), told("energy_export", energy_export)] : null,
    flow ? [t("card.flow_now"), told("flow", flow)] : null,
    last,
    read,
  ];
  return { body: h("div", {},
    total ? h("p", { class: "total" }, words.number(total.value, VOCABULARY[register].digits),
      h("span", { class: "unit" }, ` ${words.unit(total.unit)}`)) : null,
    rows.filter(Boolean).map(([label, text]) =>
      h("p", { class: "line" }, h("span", {}, label), h("b", {}, text)))) };
}

/** What a switch, or what is derived, says: its latest values as they are. */
function listed(device) {
  const rows = Object.keys(device.values).slice(0, 4);
  if (!rows.length) return device.type === "derived" ? null : waiting(device);
  return { body: h("div", {}, device.labels.reason ? h("p", {}, words.sentence(device.labels.reason)) : null,
    rows.map((name) => h("p", { class: "line" },
      h("span", {}, meaning(name)),
      h("b", {}, told(name, device.values[name]))))) };
}

function warnings(device) {
  const { breaker, valve } = device.values;
  const texts = [
    breaker?.value === 0 ? t("card.breaker") : null,
    valve?.value === 0 ? t("card.valve") : null,
    device.labels.message ? t("card.message", { text: device.labels.message }) : null,
    device.labels.assumed ? t("card.assumed", { text: said(device.labels.assumed) }) : null,
  ].filter(Boolean);
  return texts.length ? h("p", { class: "warning" }, texts.join(" ")) : null;
}

function everything(device, now) {
  const names = Object.keys(device.values);
  if (!names.length) return null;
  return h("details", {}, h("summary", {}, t("card.everything")),
    h("table", { class: "all" }, h("tbody", {}, names.map((name) => h("tr", {},
      h("th", { scope: "row" }, meaning(name)),
      h("td", {}, told(name, device.values[name])),
      h("td", { class: "when" }, words.moment(new Date(device.values[name].time), now)))))));
}

function meaning(name) {
  return words.title(said(VOCABULARY[name]?.meaning ?? name));
}

function head(...labels) {
  return h("thead", {}, h("tr", {}, labels.filter((label) => label !== null)
    .map((label) => (label ? h("th", { scope: "col" }, label) : h("td")))));
}

function cell(quantity, value) {
  return h("td", {}, value ? words.number(value.value, VOCABULARY[quantity].digits) : "–");
}

function told(quantity, { value, unit }) {
  return `${words.number(value, VOCABULARY[quantity]?.digits ?? 3)} ${words.unit(unit)}`.trim();
}

/** Whether the latest values of a device are of now. */
export function fresh(device) {
  return device.health.state === "ok" || device.health.kind === "lag" || device.health.kind === "led";
}

/** When the device told last, or null. */
export function newest(device) {
  const times = Object.values(device.values).map((value) => Date.parse(value.time));
  return times.length ? new Date(Math.max(...times)) : null;
}
