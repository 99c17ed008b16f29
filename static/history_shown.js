// How a span of the past is written: its name, its totals, its table, its CSV file.

import { h } from "./dom.js";
import { total } from "./past.js";
import { later, plus } from "./periods.js";
import { invitation } from "./station.js";
import * as words from "./words.js";

const { t } = words;
const FORMS = { day: { weekday: "long", day: "numeric", month: "long", year: "numeric" },
  month: { month: "long", year: "numeric" }, year: { year: "numeric" } };

export function spanText(span, day) {
  if (span !== "week") return words.dayText(day, FORMS[span]);
  const form = { day: "numeric", month: "short" };
  return `${words.dayText(day, form)} – ${words.dayText(plus(day, 6), { ...form, year: "numeric" })}`;
}

/** Rows as the drawing, the table and the file want them, each beside that of the other span. */
export function table({ rows, columns }, then, state) {
  const before = then?.rows.length ? then.rows : null;
  return {
    columns, before,
    format: (value) => (state.unit === "euro" ? words.euro(value, Number.isInteger(value) ? 0 : 2)
      : `${words.number(value, Number.isInteger(value) ? 0 : Math.abs(value) < 1 ? 2 : 1)} ${flowed(state.carrier)}`),
    rows: rows.map((row, index) => {
      const day = words.day(new Date(row.start));
      const label = labelOf(state.span, new Date(row.start), day);
      const matched = before?.[index];
      return { ...row, day, label: label.short, name: label.long, marked: row.partial ? "partial" : "",
        then: matched ? total(matched.values, state.unit) : undefined,
        text: `${label.long}: ${written(row.values, columns, state)}` };
    }),
  };
}

function labelOf(span, start, day) {
  if (span === "day") return { short: words.hour(start), long: words.minute(start) };
  if (span === "year") {
    return { short: words.month(day.slice(0, 7), { month: "short" }), long: words.month(day.slice(0, 7)) };
  }
  const short = span === "week" ? { weekday: "short" } : { day: "numeric" };
  return { short: words.dayText(day, short), long: words.dayText(day, { weekday: "short", day: "numeric", month: "short" }) };
}

function written(values, columns, state) {
  return columns.filter(({ key }) => values[key] !== undefined)
    .map(({ key }) => `${name(key, state)} ${amount(shownAs(key, values[key], state), state)}`).join(", ");
}

/** Energy given to the grid is below zero in the drawing only. */
function shownAs(key, value, { unit }) {
  return key === "export" && unit === "amount" ? -value : value;
}

function amount(value, { unit, carrier }) {
  if (unit === "euro") return words.euro(value);
  return `${words.number(value, carrier === "electricity" ? 2 : 3)} ${flowed(carrier)}`;
}

/** The unit of what flowed. */
function flowed(carrier) {
  return carrier === "electricity" ? "kWh" : "m³";
}

function name(key, { unit, carrier }) {
  if (key === "volume") return t(`carrier.${carrier}`);
  return t(`${unit === "euro" ? "cost" : "energy"}.${key}`);
}

function sums({ rows, columns }) {
  return Object.fromEntries(columns.map(({ key }) =>
    [key, rows.reduce((sum, { values }) => sum + (values[key] ?? 0), 0)]));
}

/** The totals as tiles, with the difference to the other span. */
export function totals(told, state) {
  const all = sums(told);
  const whole = total(all, state.unit);
  const then = told.before?.reduce((sum, { values }) => sum + (total(values, state.unit) ?? 0), 0);
  const tiles = told.columns.map(({ key, colour }) => tile(name(key, state), amount(shownAs(key, all[key], state), state), colour));
  const several = told.columns.filter(({ key }) => state.unit === "euro" || key !== "export").length > 1;
  if (several && whole !== undefined) tiles.push(tile(t(state.unit === "euro" ? "cost.total" : "energy.import"), amount(whole, state), "sum"));
  if (then !== undefined && whole !== undefined) {
    const percent = then && isWhole(told.rows) && isWhole(told.before)
      ? ` (${whole >= then ? "+" : ""}${words.number(((whole - then) / Math.abs(then)) * 100)} %)` : "";
    tiles.push(tile(spanText(state.span, told.other), amount(then, state) + percent, "then"));
  }
  return tiles;
}

/** Whether all of a span is known: a part is no more or less than a whole. */
function isWhole(rows) {
  return rows.every(({ values, partial }) => !partial && Object.keys(values).length);
}

function tile(label, text, colour) {
  return h("p", { class: "tile" }, h("span", { class: `key ${colour}` }, label), h("b", {}, text));
}

export function summary(told, state) {
  return written(sums(told), told.columns, state);
}

/** What is said where there is nothing to draw. */
export function nothing({ unit, carrier }, told) {
  if (!told && unit === "amount") return h("p", { class: "note" }, t("history.unanswered"));
  if (unit === "euro") return invitation(t("history.no_costs"), `section-add-contract-${carrier}`);
  return h("p", { class: "note" }, t("history.empty"));
}

export function tableOf(told, state) {
  const heads = told.columns.map(({ key }) => name(key, state));
  const inner = { week: "day", month: "day", year: "month" }[state.span];
  return h("table", {}, h("thead", {}, h("tr", {}, h("th", { scope: "col" }, t("table.when")),
    heads.map((head) => h("th", { scope: "col" }, head)),
    told.before ? h("th", { scope: "col" }, spanText(state.span, told.other)) : null)),
  h("tbody", {}, told.rows.map((row) => h("tr", {},
    h("th", { scope: "row" }, inner ? h("button", { type: "button", class: "link", "data-day": row.day,
      "data-span": inner }, row.name) : row.name, row.partial ? h("small", {}, ` ${t("table.partial")}`) : null),
    told.columns.map(({ key }) => h("td", {}, row.values[key] === undefined ? "–"
      : amount(shownAs(key, row.values[key], state), state))),
    told.before ? h("td", {}, row.then === undefined ? "–" : amount(row.then, state)) : null))));
}

/** A file for spreadsheets of what is shown. */
export function save(told, state) {
  const unit = state.unit === "euro" ? "EUR" : state.carrier === "electricity" ? "kWh" : "m3";
  const head = ["start", ...told.columns.map(({ key }) => `${key} [${unit}]`),
    ...(told.before ? [`compared with ${told.other} [${unit}]`] : [])];
  const lines = told.rows.map((row) => [state.span === "day" ? `${row.day} ${row.label}:00` : row.day,
    ...told.columns.map(({ key }) => plain(row.values[key] === undefined ? undefined : shownAs(key, row.values[key], state))),
    ...(told.before ? [plain(row.then)] : [])]);
  const text = [head, ...lines].map((line) => line.join(",")).join("\n");
  const link = h("a", { download: `${state.carrier}_${state.span}_${state.day}_${later(state.span, state.day)}.csv`,
    href: URL.createObjectURL(new Blob([`${text}\n`], { type: "text/csv" })) });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

/** With no more digits than are known: sums of binary fractions have a tail. */
function plain(value) {
  return value === undefined ? "" : String(Number(value.toFixed(6)));
}
