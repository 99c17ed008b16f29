// Words, numbers and times as people write them: in the language of the page and the time zone of
// the station (that of the browser where the settings name none).

import { said } from "./sentences.js";

const html = document.documentElement;
const table = await (await fetch(html.dataset.words)).json();
const own = Intl.DateTimeFormat().resolvedOptions().locale;
const UNITS = { m3: "m³", "m3/h": "m³/h", deg: "°" };

export const LOCALE = own.split("-")[0] === html.lang ? own : html.lang;
export const timeZone = html.dataset.zone || undefined;

/** The words of a key, with {names} filled in. */
export function t(key, names = {}) {
  return (table[key] ?? key).replace(/\{(\w+)\}/g, (whole, name) => names[name] ?? whole);
}

export function number(value, digits = 0) {
  const rounded = Number(value.toFixed(digits)) + 0; // no "-0"
  const options = { minimumFractionDigits: digits, maximumFractionDigits: digits };
  return rounded.toLocaleString(LOCALE, options).replace("-", "−");
}

export function unit(name) {
  return UNITS[name] ?? name;
}

export function euro(value, digits = 2) {
  const rounded = Number(value.toFixed(digits)) + 0;
  const options = { style: "currency", currency: "EUR", minimumFractionDigits: digits,
    maximumFractionDigits: digits };
  return rounded.toLocaleString(LOCALE, options).replace("-", "−");
}

/** 0.312 -> 31.20 ct/kWh */
export function rate(value) {
  return `${number(value * 100, 2)} ct/kWh`;
}

/** Watts as [number, unit]: 840 W, 3.06 kW, 12.4 kW. */
export function power(watts) {
  const size = Math.abs(watts);
  if (size < 999.5) return [number(watts), "W"];
  return [number(watts / 1000, size < 9995 ? 2 : 1), "kW"];
}

export function powerText(watts) {
  return power(watts).join("\u00a0");
}

export function clock(date) {
  return date.toLocaleTimeString(LOCALE,
    { hour: "2-digit", minute: "2-digit", second: "2-digit", timeZone });
}

/** 12:31 */
export function minute(date) {
  return date.toLocaleTimeString(LOCALE, { hour: "2-digit", minute: "2-digit", timeZone });
}

/** 12 */
export function hour(date) {
  return date.toLocaleTimeString("sv-SE", { hour: "2-digit", timeZone });
}

/** 12:31, and on another day 7 Nov 19:30. */
export function moment(date, now) {
  if (day(date) === day(now)) return minute(date);
  const form = { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", timeZone };
  return date.toLocaleString(LOCALE, form);
}

/** The local day as 2026-11-07. */
export function day(date) {
  return date.toLocaleDateString("sv-SE", { timeZone });
}

/** A day 2026-11-07 in words; `form` as for toLocaleDateString. */
export function dayText(iso, form) {
  return new Date(`${iso}T12:00:00Z`).toLocaleDateString(LOCALE, { ...form, timeZone: "UTC" });
}

/** 2026-11 -> November 2026 */
export function month(text, form = { month: "long", year: "numeric" }) {
  return dayText(`${text}-01`, form);
}

/** How long, in one unit: 3 s, 5 min, 2 h, 4 days. */
export function duration(seconds) {
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.round(seconds / 3600)} h`;
  return t("time.days", { days: Math.round(seconds / 86_400) });
}

/** How long ago. */
export function age(date, now) {
  return duration(Math.max(0, (now - date) / 1000));
}

/** grid -> Grid; grid.gas -> Gas, in the language of the page; costs.gas -> Costs: Gas; heat_pump -> Heat pump */
export function title(device) {
  if (device.startsWith("costs.")) return `${t("device.costs")}: ${title(device.slice("costs.".length))}`;
  const name = device.slice(device.lastIndexOf(".") + 1);
  if (table[`device.${name}`] && device !== "main") return table[`device.${name}`];
  const words = name.replaceAll("_", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** What a device is, and on which meter it hangs. */
export function kind(device, type) {
  const what = table[`kind.${type}`] ?? t("kind.other");
  const at = device.lastIndexOf(".");
  return at < 0 || type === "derived" ? what : t("kind.on", { what, device: title(device.slice(0, at)) });
}

export function state(name) {
  return table[`state.${name}`] ?? name;
}

/** A sentence of the station as people of this language write it: without the worker's name, with a
 * full stop. */
export function sentence(text) {
  const trimmed = said(text.trim().replace(/^(source|sink):[\w-]+: /, ""));
  if (!trimmed) return "";
  const begun = /^[\p{Ll}']+([ ,]|$)/u.test(trimmed) ? trimmed[0].toUpperCase() + trimmed.slice(1) : trimmed;
  return /[.!?]$/.test(begun) ? begun : `${begun}.`;
}
