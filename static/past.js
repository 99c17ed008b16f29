// What a span took and cost, made of /energy and /costs: rows of periods with named columns.

import { get, whole } from "./api.js";
import { INNER, later } from "./periods.js";
import * as words from "./words.js";

export const COLUMNS = {
  amount: {
    electricity: [["import_high", "high"], ["import_low", "low"], ["import", "high"], ["export", "export"]],
    gas: [["volume", "gas"]],
    water: [["volume", "water"]],
  },
  euro: {
    electricity: [["import_high", "high"], ["import_low", "low"], ["import", "high"], ["fixed", "fixed"],
      ["capacity", "capacity"], ["export", "export"]],
    gas: [["volume", "gas"], ["fixed", "fixed"]],
    water: [["volume", "water"], ["fixed", "fixed"]],
  },
};

/** {rows: [{start, values, partial}], columns: [{key, colour}]}, or null without an answer. */
export async function past({ span, day, carrier, unit }, house) {
  const range = `period=${INNER[span]}&from=${day}&to=${later(span, day)}`;
  const device = { electricity: house.grid, gas: house.gas, water: house.water }[carrier];
  const isThere = unit === "euro" ? house.asks.costs : device;
  if (!isThere) return { rows: [], columns: [] };
  const told = unit === "euro" ? await whole(`costs?${range}`, "periods")
    : await whole(`energy/${encodeURIComponent(device)}?${range}&register=${registers(carrier)}`, "periods");
  if (!told) return null;
  const booked = Date.parse(told.booked_until?.[carrier]); // what costs comes after is not in them yet
  const rows = all(told, span, day).map(({ start, period }) => ({ start,
    partial: period?.partial ?? Date.parse(period?.end) > booked,
    values: !period ? {} : unit === "euro" ? costs(period[carrier] ?? {}) : amounts(period.values) }));
  if (!rows.some(({ values }) => Object.keys(values).length)) return { rows: [], columns: [] };
  const columns = COLUMNS[unit][carrier].map(([key, colour]) => ({ key, colour }))
    .filter(({ key }) => rows.some(({ values }) => values[key] !== undefined));
  return { rows, columns };
}

/** Every period of the span, those without an answer too. */
function all(told, span, day) {
  const inner = INNER[span];
  const key = (start) => (inner === "hour" ? Math.floor(Date.parse(start) / 3_600_000)
    : words.day(new Date(start)).slice(0, inner === "month" ? 7 : 10));
  const known = new Map(told.periods.map((period) => [key(period.start), period]));
  const starts = [];
  if (inner === "hour") {
    const end = Date.parse(told.to);
    for (let at = Date.parse(told.from); at < end; at += 3_600_000) starts.push(new Date(at).toISOString());
  } else {
    const end = later(span, day);
    for (let at = day; at < end; at = later(inner, at)) starts.push(`${at}T12:00:00Z`);
  }
  return starts.map((start) => {
    const period = known.get(key(start));
    return { start: period?.start ?? start, period };
  });
}

function registers(carrier) {
  if (carrier !== "electricity") return "volume";
  return ["import", "export"].flatMap((way) => ["", "_high", "_low"].map((tariff) => `energy_${way}${tariff}`)).join();
}

/** Export is below zero; registers by tariff count before their sum. */
function amounts(values) {
  if (values.volume !== undefined) return { volume: values.volume };
  const [high, low] = [values.energy_import_high, values.energy_import_low];
  const given = [values.energy_export_high, values.energy_export_low].filter((one) => one !== undefined);
  const fed = given.length ? given.reduce((a, b) => a + b, 0) : values.energy_export;
  const split = high !== undefined || low !== undefined;
  return kept({ import_high: high, import_low: low, import: split ? undefined : values.energy_import,
    export: fed === undefined ? undefined : -fed });
}

function costs(told) {
  const split = told.import_high !== undefined || told.import_low !== undefined;
  return kept({ ...told, import: split ? undefined : told.import, cost: undefined });
}

function kept(values) {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined && value !== null));
}

/** The sum of one period: what it cost; of energy, what came in. */
export function total(values, unit) {
  const known = Object.entries(values).filter(([key]) => unit === "euro" || key !== "export")
    .map(([, value]) => value);
  return known.length ? known.reduce((a, b) => a + b, 0) : undefined;
}

/** The power of a day by quarter-hours, as the chart wants it. */
export async function powers(day, house) {
  const names = [house.grid, ...house.solar].filter(Boolean);
  const told = await Promise.all(names.map((name) =>
    get(`history/${encodeURIComponent(name)}?quantity=power&step=quarter&from=${day}&to=${later("day", day)}`)));
  return told.filter((one) => one?.series[0]?.points.length && one.step === "quarter").map((one) => {
    const { points } = one.series[0];
    const start = points[0][0];
    const values = Array((points.at(-1)[0] - start) / 900 + 1).fill(null);
    for (const [time, mean] of points) values[(time - start) / 900] = mean;
    return { device: one.device, start, step: 900, values };
  });
}
