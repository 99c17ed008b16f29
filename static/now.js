// The page Now: asks the station every 2 s and shows what it says; asks nothing while hidden.

import { asked, get, watch } from "./api.js";
import { figure, fresh, phases, signed } from "./cards.js";
import { Chart } from "./chart.js";
import { fill, h } from "./dom.js";
import { flow } from "./flow.js";
import { part } from "./parts.js";
import { quarter } from "./quarter.js";
import { empty, health, readings } from "./station.js";
import * as small from "./today.js";
import * as words from "./words.js";

const { t } = words;
const RECENT = 60_000; // ms between two questions for the chart
const page = Object.fromEntries(["page", "now", "figure", "flow", "cards", "history", "chart"]
  .map((id) => [id, document.getElementById(id)]));
const house = JSON.parse(page.page.dataset.house);
const chart = new Chart(page.chart);
const nothing = async () => null;
const quarters = asked("peak", 4_000);
const peak = async () => (devices.peak?.values.demand_forecast ? quarters() : null);
const costs = house.asks.costs
  ? asked(() => `costs?period=day&from=${today}`, 30_000) : nothing;
const prices = house.asks.prices ? asked("prices", 300_000) : nothing;
const switches = house.asks.switches ? asked("switches", 10_000) : nothing;
const energies = [house.grid, ...house.solar, house.gas, house.water].filter(Boolean)
  .map((device) => asked(() => `energy/${encodeURIComponent(device)}?period=day&from=${today}`, 60_000));

let hours = 24;
let today = ""; // by the clock of the station
let charted = ""; // names of the devices in the chart
let drawn = -Infinity; // when
let devices = {};

async function turn() {
  const told = await readings();
  if (!told) return;
  devices = told.devices;
  const now = new Date(told.time);
  today = words.day(now);
  if (page.now.hidden) live(now);
  show(now, await Promise.all([peak(), costs(), prices(), switches(), health()]));
  if (performance.now() - drawn > RECENT || powered().join() !== charted) await drawHistory();
  show(now, await Promise.all([peak(), costs(), prices(), switches(), health()]),
    await Promise.all(energies.map((ask) => ask())));
}

/** The figure and the flow, which wait for nothing else. */
function live(now, cost) {
  const first = leading();
  const parts = part(house, first, devices);
  page.now.hidden = !first;
  if (first) fill(page.figure, figure(first, devices[first], now, cost?.now));
  fill(page.flow, flow(parts));
  page.flow.hidden = !parts.grid || !parts.solar && !parts.battery && !parts.car;
}

let flowed = [];
function show(now, [peaked, cost, priced, switched, status], energy = flowed) {
  flowed = energy;
  const first = leading();
  live(now, cost);
  const none = !Object.keys(devices).length && status?.station.state === "running";
  fill(page.cards, ...(none ? [empty()] : [
    quarter(peaked, now, house),
    small.card(house, flowed, cost),
    small.prices(priced),
    phased(first),
    small.switches(switched),
  ].filter(Boolean)));
  chart.append(now / 1000, Object.fromEntries(powered().map((name) =>
    [name, fresh(devices[name]) ? devices[name].values.power?.value : undefined])));
}

function phased(first) {
  const block = first && phases(devices[first]);
  return block && h("section", { class: "card" }, h("header", {}, h("h2", {}, block.title),
    h("span", { class: "kind" }, words.title(first))), block.body);
}

/** Whose power is the big figure: the grid meter's, else the first other's. */
function leading() {
  if (devices[house.grid]) return house.grid;
  const names = Object.keys(devices);
  const first = ["p1", "s0", "modbus", "adc"]
    .map((type) => names.find((name) => devices[name].type === type)).find(Boolean);
  return first ?? names.find((name) => devices[name].values.power);
}

/** The devices that have a power to chart, the leading one first. */
function powered() {
  const first = leading();
  return Object.keys(devices).sort((a, b) => (b === first) - (a === first))
    .filter((name) => devices[name].values.power && devices[name].type !== "wire");
}

async function drawHistory() {
  drawn = performance.now();
  const [names, wanted] = [powered(), hours];
  const span = `quantity=power&seconds=${hours * 3600}&step=${hours > 1 ? 60 : 10}`;
  const series = (await Promise.all(
    names.map((name) => get(`recent/${encodeURIComponent(name)}?${span}`)))).filter(Boolean);
  if (wanted !== hours) return; // another span was chosen meanwhile
  charted = names.join();
  page.history.hidden = !names.length;
  chart.show(series.map((one) => ({ ...one, label: words.title(one.device),
    signed: one.device === leading() && signed(devices[one.device].type) })), hours * 3600);
}

for (const button of document.querySelectorAll("[data-hours]")) {
  button.addEventListener("click", () => {
    hours = Number(button.dataset.hours);
    for (const other of document.querySelectorAll("[data-hours]")) {
      other.setAttribute("aria-pressed", String(other === button));
    }
    drawHistory();
  });
}
watch(turn, 2_000);
