// The page History: a span in bars, with arrows, compared with another; peaks and prices below it.
// What is chosen stands in the address.

import { get, watch } from "./api.js";
import { bars } from "./bars.js";
import { Chart } from "./chart.js";
import { fill, h } from "./dom.js";
import * as below from "./history_below.js";
import * as shown from "./history_shown.js";
import { past, powers } from "./past.js";
import { begin, compared, later } from "./periods.js";
import { health, heard } from "./station.js";
import * as words from "./words.js";

const { t } = words;
fill(document.getElementById("totals"), h("p", { class: "note" }, t("page.wait")));
const page = Object.fromEntries(["page", "back", "forth", "span-title", "totals", "bars", "lines", "chart",
  "table", "csv", "compare", "peaks", "prices"].map((id) => [id, document.getElementById(id)]));
const house = JSON.parse(page.page.dataset.house);
const chart = new Chart(page.chart);
const choices = { span: ["day", "week", "month", "year"], carrier: ["electricity", "gas", "water"],
  unit: ["amount", "euro"], compare: ["", "before", "year"] };
const asked = new URLSearchParams(location.search);
const started = await health();
const today = words.day(new Date(started?.station.time ?? Date.now())); // by the clock of the station
const state = Object.fromEntries(Object.entries(choices).map(([name, values]) =>
  [name, values.includes(asked.get(name)) ? asked.get(name) : values[0]]));
state.day = begin(state.span, /^\d{4}-\d\d-\d\d$/.test(asked.get("day")) && !Number.isNaN(Date.parse(asked.get("day")))
  ? asked.get("day") : today);
let told = null; // what is shown now
let turn = 0; // of the last question

async function choose(change) {
  Object.assign(state, change);
  state.day = begin(state.span, state.day > today ? today : state.day);
  if (state.day < "1990-01-01") state.day = begin(state.span, "1990-01-01");
  history.replaceState(null, "", `?${new URLSearchParams(state)}`);
  for (const group of document.querySelectorAll("[data-choice]")) {
    for (const button of group.querySelectorAll("button")) {
      button.setAttribute("aria-pressed", String(state[group.dataset.choice] === button.value));
    }
  }
  page.compare.value = state.compare;
  page.forth.disabled = later(state.span, state.day) > today;
  page["span-title"].textContent = shown.spanText(state.span, state.day);
  await ask();
}

async function ask() {
  turn += 1;
  const mine = turn;
  const other = state.compare ? compared(state.span, state.day, state.compare) : "";
  const [now, then, lines] = await Promise.all([past(state, house),
    other ? past({ ...state, day: other }, house) : null,
    state.span === "day" && state.carrier === "electricity" ? powers(state.day, house) : []]);
  if (mine !== turn) return; // something else was chosen meanwhile
  told = now && { ...shown.table(now, then, state), other };
  show(lines);
}

function show(lines) {
  const rows = told?.rows ?? [];
  fill(page.totals, ...(rows.length ? shown.totals(told, state) : [shown.nothing(state, told)]));
  page.bars.hidden = !rows.length;
  page.table.hidden = !rows.length;
  page.csv.hidden = !rows.length;
  if (rows.length) {
    draw();
    fill(page.table.querySelector("div"), shown.tableOf(told, state));
  }
  page.lines.hidden = !lines.length;
  if (lines.length) {
    chart.show(lines.map((one) => ({ ...one, label: words.title(one.device), signed: one.device === house.grid })), 90_000);
  }
}

function draw() {
  const inner = { week: "day", month: "day", year: "month" }[state.span];
  bars(page.bars, { ...told, title: `${page["span-title"].textContent}: ${shown.summary(told, state)}`,
    pick: inner ? (index) => choose({ span: inner, day: told.rows[index].day }) : null });
}

for (const group of document.querySelectorAll("[data-choice]")) {
  group.addEventListener("click", ({ target }) => {
    if (target.value) choose({ [group.dataset.choice]: target.value });
  });
}
page.compare.addEventListener("change", () => choose({ compare: page.compare.value }));
page.back.addEventListener("click", () => choose({ day: later(state.span, state.day, -1) }));
page.forth.addEventListener("click", () => choose({ day: later(state.span, state.day) }));
page.table.addEventListener("click", ({ target }) => {
  if (target.dataset.day) choose({ span: target.dataset.span, day: target.dataset.day });
});
page.csv.addEventListener("click", () => shown.save(told, state));
let width = 0;
new ResizeObserver(() => {
  if (page.bars.clientWidth === width) return;
  width = page.bars.clientWidth;
  if (told?.rows.length) draw();
  below.redraw();
}).observe(page.page);

choose({});
watch(async () => {
  await heard(await health());
  const [peak, prices] = await Promise.all([house.asks.peak ? get("peak") : null, house.asks.prices ? get("prices") : null]);
  below.peaks(page.peaks.lastElementChild, peak, house);
  below.prices(page.prices.lastElementChild, prices);
  if (later(state.span, state.day) > today) await ask();
}, 60_000);
