// The live page: asks the station every 2 s and shows what it says; asks nothing while hidden.

import { cards, figure, fresh, signed } from "./cards.js";
import { Chart } from "./chart.js";
import { fill } from "./dom.js";
import { banners, empty, sources } from "./sources.js";
import * as words from "./words.js";

const API = new URL("../api/v1/", import.meta.url);
const READINGS = 2_000; // ms between two questions
const STATUS = 10_000; // ms
const RECENT = 60_000; // ms
const PATIENCE = 5_000; // ms to wait for an answer
const MISSES = 2; // questions without an answer until the connection counts as lost

const page = Object.fromEntries(["live", "banners", "now", "figure", "history", "chart", "cards",
  "sources"].map((id) => [id, document.getElementById(id)]));
const chart = new Chart(page.chart);
const asked = { status: -Infinity, recent: -Infinity };
let hours = 24;
let charted = ""; // names of the devices in the chart
let status = null;
let readings = null;
let misses = 0;
let asking = false;
let timer = 0;

/** A document of the API, or null when there is no answer. */
async function get(path) {
  try {
    const answer = await fetch(new URL(path, API), { signal: AbortSignal.timeout(PATIENCE) });
    return answer.ok ? await answer.json() : null;
  } catch {
    return null;
  }
}

async function turn() {
  clearTimeout(timer);
  if (asking) return;
  asking = true;
  try {
    const told = await get("readings");
    misses = told ? 0 : misses + 1;
    if (told) {
      readings = told;
      if (due("status", STATUS)) status = (await get("status")) ?? status;
      if (due("recent", RECENT) || powered().join() !== charted) await drawHistory();
      show();
    }
    showBanners();
  } finally {
    asking = false;
    if (!document.hidden) timer = setTimeout(turn, READINGS);
  }
}

function due(what, milliseconds) {
  const now = performance.now();
  if (now - asked[what] < milliseconds) return false;
  asked[what] = now;
  return true;
}

function show() {
  const now = new Date(readings.time);
  const { devices } = readings;
  const first = leading(devices);
  const names = inOrder(devices, first);
  page.now.hidden = !first;
  if (first) fill(page.figure, figure(first, devices[first], now));
  const none = !names.length && status?.station.state === "running";
  fill(page.cards, ...(none ? [empty(page.live.dataset.settings)]
    : names.flatMap((name) => cards(name, devices, now))));
  page.sources.hidden = !names.length;
  fill(page.sources, ...sources(names, devices, status?.workers ?? {}, now));
  chart.append(now / 1000, Object.fromEntries(names.map((name) =>
    [name, fresh(devices[name]) ? devices[name].values.power?.value : undefined])));
}

/** Whose power is the big figure: the grid meter's, else the first other's. */
function leading(devices) {
  const names = Object.keys(devices);
  const first = ["p1", "s0", "modbus", "adc"]
    .map((type) => names.find((name) => devices[name].type === type)).find(Boolean);
  return first ?? names.find((name) => devices[name].values.power);
}

/** The leading device, what hangs on it, then the others as they are in the settings. */
function inOrder(devices, first) {
  const rank = (name) => (name === first ? 0 : name.startsWith(`${first}.`) ? 1 : 2);
  return Object.keys(devices).sort((a, b) => rank(a) - rank(b));
}

/** The devices that have a power to chart. */
function powered() {
  const { devices } = readings;
  return inOrder(devices, leading(devices))
    .filter((name) => devices[name].values.power && devices[name].type !== "wire");
}

function showBanners() {
  const lost = misses >= MISSES ? new Date(readings?.time ?? Date.now()) : null;
  document.body.classList.toggle("lost", lost !== null);
  fill(page.banners, ...banners(status, lost, page.live.dataset.settings));
}

async function drawHistory() {
  const { devices } = readings;
  const [names, wanted] = [powered(), hours];
  const span = `quantity=power&seconds=${hours * 3600}&step=${hours > 1 ? 60 : 10}`;
  const series = (await Promise.all(
    names.map((name) => get(`recent/${encodeURIComponent(name)}?${span}`)))).filter(Boolean);
  if (wanted !== hours) return; // another span was chosen meanwhile
  charted = names.join();
  page.history.hidden = !names.length;
  chart.show(series.map((one) => ({ ...one, label: words.title(one.device),
    signed: one.device === leading(devices) && signed(devices[one.device].type) })), hours * 3600);
}

for (const button of document.querySelectorAll("[data-hours]")) {
  button.addEventListener("click", () => {
    hours = Number(button.dataset.hours);
    for (const other of document.querySelectorAll("[data-hours]")) {
      other.setAttribute("aria-pressed", String(other === button));
    }
    if (readings) drawHistory();
  });
}
document.addEventListener("visibilitychange", () => {
  if (document.hidden) clearTimeout(timer);
  else turn();
});
turn();
