// Bars of periods: what is positive stacked above zero, what is negative below it; a mark on each for
// the period it is compared with. The numbers themselves are in the table beside it.

import { fill, s } from "./dom.js";

const [LEFT, RIGHT, TOP, FOOT] = [66, 8, 10, 26];

/** Draw into `place`. rows: {values, label, text, marked, then}; columns: {key, colour}; `format`
 *  writes a number of the axis. `pick(index)` is called for a bar that is pressed. */
export function bars(place, { rows, columns, format, title, pick }) {
  const width = Math.max(280, place.clientWidth || 280);
  const height = width < 500 ? 220 : 260;
  const sums = rows.map(({ values }) => ends(values, columns));
  const marks = rows.map(({ then }) => then).filter((value) => value !== undefined);
  const { low, high, ticks } = scale(Math.min(0, ...sums.map(([least]) => least), ...marks),
    Math.max(0, ...sums.map(([, most]) => most), ...marks));
  const y = (value) => TOP + ((high - value) / (high - low)) * (height - TOP - FOOT);
  const step = (width - LEFT - RIGHT) / Math.max(1, rows.length);
  const each = Math.max(1, Math.ceil(40 / step)); // labels shall not touch
  const x = (index) => LEFT + index * step;
  const drawing = s("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "img",
    "aria-label": title },
    ticks.map((value) => [
      s("path", { d: `M${LEFT} ${y(value).toFixed(1)}H${width - RIGHT}`, class: value === 0 ? "zero" : "grid" }),
      s("text", { x: LEFT - 6, y: (y(value) + 4).toFixed(1), class: "tick left" }, format(value)),
    ]),
    rows.map((row, index) => s("g", { class: row.marked ? `period ${row.marked}` : "period",
      "data-index": index },
      s("title", {}, row.text),
      s("rect", { x: x(index).toFixed(1), y: TOP, width: step.toFixed(1), height: height - TOP - FOOT, class: "reach" }),
      stack(row.values, columns, y, x(index) + step * 0.12, step * 0.76),
      row.then === undefined ? null
        : s("path", { d: `M${x(index).toFixed(1)} ${y(row.then).toFixed(1)}h${step.toFixed(1)}`, class: "then" }),
      index % each ? null
        : s("text", { x: (x(index) + step / 2).toFixed(1), y: height - 8, class: "tick" }, row.label))));
  fill(place, drawing);
  const svg = place.firstElementChild;
  svg.classList.toggle("pickable", Boolean(pick));
  svg.onclick = pick ? ({ target }) => {
    const index = target.closest("[data-index]")?.dataset.index;
    if (index !== undefined) pick(Number(index));
  } : null;
}

function stack(values, columns, y, x, width) {
  let [above, below] = [0, 0];
  return columns.map(({ key, colour }) => {
    const value = values[key];
    if (!value) return null;
    const from = value > 0 ? above : below;
    const to = from + value;
    if (value > 0) above = to;
    else below = to;
    const [top, bottom] = [y(Math.max(from, to)), y(Math.min(from, to))];
    return s("rect", { x: x.toFixed(1), y: top.toFixed(1), width: Math.max(1, width).toFixed(1),
      height: Math.max(0.5, bottom - top).toFixed(1), class: `bar ${colour}` });
  });
}

function ends(values, columns) {
  const known = columns.map(({ key }) => values[key] ?? 0);
  return [known.filter((value) => value < 0).reduce((a, b) => a + b, 0),
    known.filter((value) => value > 0).reduce((a, b) => a + b, 0)];
}

/** A range of round steps around the values. */
function scale(least, most) {
  const reach = most - least || 1;
  const rough = reach / 4;
  const ten = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((part) => part * ten).find((part) => part >= rough);
  const [low, high] = [Math.floor(least / step) * step, Math.ceil(most / step) * step || step];
  const count = Math.round((high - low) / step);
  return { low, high, ticks: Array.from({ length: count + 1 }, (_, index) => low + index * step) };
}
