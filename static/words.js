// Numbers, times and sentences as people write them, in the language and time zone of the browser.

const UNITS = { m3: "m³", "m3/h": "m³/h" };

export function number(value, digits = 0) {
  const rounded = Number(value.toFixed(digits)) + 0; // no "-0"
  const options = { minimumFractionDigits: digits, maximumFractionDigits: digits };
  return rounded.toLocaleString(undefined, options).replace("-", "−");
}

export function unit(name) {
  return UNITS[name] ?? name;
}

/** Watts as [number, unit]: 840 W, 3.06 kW, 12.4 kW. */
export function power(watts) {
  const size = Math.abs(watts);
  if (size < 999.5) return [number(watts), "W"];
  return [number(watts / 1000, size < 9995 ? 2 : 1), "kW"];
}

export function powerText(watts) {
  return power(watts).join(" ");
}

export function clock(date) {
  return date.toLocaleTimeString(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit" });
}

/** 12:31, and on another day 7 Nov 19:30. */
export function moment(date, now) {
  const time = { hour: "2-digit", minute: "2-digit" };
  if (date.toDateString() === now.toDateString()) return date.toLocaleTimeString(undefined, time);
  return date.toLocaleString(undefined, { day: "numeric", month: "short", ...time });
}

export function month(year, index) {
  return new Date(year, index).toLocaleDateString(undefined, { month: "long", year: "numeric" });
}

/** How long ago, in one unit: 3 s, 5 min, 2 h, 4 days. */
export function age(date, now) {
  const seconds = Math.max(0, Math.round((now - date) / 1000));
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86_400)} days`;
}

/** grid -> Grid; grid.gas -> Gas; heat_pump -> Heat pump */
export function title(device) {
  const own = device.slice(device.lastIndexOf(".") + 1).replaceAll("_", " ");
  return own.charAt(0).toUpperCase() + own.slice(1);
}

const KINDS = {
  p1: "Digital meter",
  s0: "Pulse counter",
  modbus: "Modbus meter",
  adc: "Current sensors",
  remote: "Another station",
  wire: "Wire",
  gas: "Gas meter",
  water: "Water meter",
  heat: "Heat meter",
};

/** What a device is, and on which meter it hangs. */
export function kind(device, type) {
  const what = KINDS[type] ?? "Meter";
  const at = device.lastIndexOf(".");
  return at < 0 ? what : `${what} on ${device.slice(0, at)}`;
}

const STATES = { ok: "Working", starting: "Starting", stale: "Old", failed: "Failed", stopped: "Stopped" };

export function state(name) {
  return STATES[name] ?? name;
}

/** A sentence of the station as people write it: without the worker's name, with a full stop. */
export function sentence(text) {
  const trimmed = text.trim().replace(/^(source|sink):[\w-]+: /, "");
  if (!trimmed) return "";
  const begun = /^[a-z]+( |$)/.test(trimmed) ? trimmed[0].toUpperCase() + trimmed.slice(1) : trimmed;
  return /[.!?]$/.test(begun) ? begun : `${begun}.`;
}
