// The picture of where power comes from and goes to: grid, sun, battery and car around the house.

import { s } from "./dom.js";
import * as words from "./words.js";

const { t } = words;
const LEAST = 10; // W; less is no flow
const [CX, CY, R] = [220, 180, 42];
const PLACES = {
  grid: [50, CY], solar: [CX, 48], battery: [CX, 312], car: [390, CY], house: [CX, CY],
};
const ICONS = {
  grid: "M-7 12 0-12 7 12M-11-5H11M-9 2H9M-4 4 5 12M4 4-5 12",
  solar: "M5 0A5 5 0 1 1-5 0 5 5 0 1 1 5 0ZM0-12V-8.500M0 8.500V12M-12 0H-8.500M8.500 0H12M-8.500-8.500-6-6M8.500 8.500 6 6M-8.500 8.500-6 6M8.500-8.500 6-6",
  battery: "M-11-6H9V6H-11ZM9-2H12V2H9M-7-2V2M-3-2V2M1-2V2",
  car: "M-12 5V0L-8-2-5-8H5L9-2 12 0V5ZM-5 5A2.500 2.500 0 1 0-9 5M9 5A2.500 2.500 0 1 0 5 5M-8-2H9",
  house: "M-12 1 0-10 12 1M-8-2V10H8V-2M-2.500 10V3H2.500V10",
};

/** The drawing; parts as `parts.js` tells them. */
export function flow(parts) {
  const names = ["solar", "grid", "battery", "car"].filter((name) => parts[name]);
  const top = parts.solar ? 0 : 130;
  const bottom = parts.battery ? 360 : 244;
  const right = parts.car ? 440 : 330;
  const said = [...names, "house"].filter((name) => parts[name])
    .map((name) => `${t(`flow.${name}`)} ${words.powerText(Math.abs(parts[name].watts))}${way(name, parts[name])}`);
  return s("svg", { viewBox: `0 ${top} ${right} ${bottom - top}`, class: "flow", role: "img",
    "aria-label": said.join(", ") },
    names.map((name) => line(name, parts[name].watts)),
    [...names, "house"].filter((name) => parts[name]).map((name) => node(name, parts[name], Boolean(parts.battery))));
}

function line(name, watts) {
  const [x, y] = PLACES[name];
  const moving = Math.abs(watts) >= LEAST;
  const pace = Math.abs(watts) > 3000 ? "fast" : Math.abs(watts) > 600 ? "brisk" : "slow";
  const course = watts > 0 ? `M${x} ${y}L${CX} ${CY}` : `M${CX} ${CY}L${x} ${y}`;
  const colour = name === "grid" ? (watts > 0 ? "import" : "export") : name;
  return s("g", { class: `course ${colour}` }, s("path", { d: course, class: "pipe" }),
    s("path", { d: course, class: moving ? `stream ${pace}` : "stream still" }));
}

function node(name, { watts, old }, battery) {
  const [x, y] = PLACES[name];
  const colour = name === "grid" && watts < -LEAST ? "export" : name === "grid" ? "import" : name;
  const below = name === "solar" ? y + R + 15 : y + R + 16;
  const [figure, unit] = words.power(Math.abs(watts));
  const side = name === "solar" || name === "battery"; // beside, where the lines leave room
  const corner = name === "house" && battery;
  return s("g", { class: `node ${colour} ${old ? "old" : ""}` },
    s("circle", { cx: x, cy: y, r: R }),
    s("path", { d: ICONS[name], transform: `translate(${x} ${y - 15})`, class: "icon" }),
    s("text", { x, y: y + 14, class: "watts" }, figure),
    s("text", { x, y: y + 29, class: "unit" }, unit),
    s("text", corner ? { x: x + R - 6, y: y - R + 4, class: "name beside" }
      : side ? { x: x + R + 8, y: y + 4, class: "name beside" } : { x, y: below, class: "name" },
      t(`flow.${name}`)));
}

function way(name, { watts }) {
  if (Math.abs(watts) < LEAST) return "";
  if (name === "grid") return ` (${t(watts > 0 ? "flow.in" : "flow.out")})`;
  if (name === "battery") return ` (${t(watts > 0 ? "flow.discharging" : "flow.charging")})`;
  return "";
}
