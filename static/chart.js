// The chart of power over time: uPlot, with zero always in view; the grid meter's line is coloured
// by direction. Times are epoch seconds, powers W.

import * as words from "./words.js";

const SHORTEST = 600; // s, the least span shown while there is little to show
const LINES = ["--line-1", "--line-2", "--line-3", "--line-4", "--line-5", "--line-6"];
const { uPlot } = window;

export class Chart {
  #holder;
  #plot = null;
  #series = []; // {device, label, signed}
  #data = [[]];
  #span = 86_400; // s

  constructor(holder) {
    this.#holder = holder;
    new ResizeObserver(() => this.#plot?.setSize(this.#size())).observe(holder);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.#draw());
  }

  /** Show these means: [{device, label, signed, start, step, values}] of the last `span` seconds;
   *  the first is drawn on top. */
  show(told, span) {
    const series = told.toReversed();
    const same = JSON.stringify(series.map(key)) === JSON.stringify(this.#series.map(key));
    this.#series = series.map(({ device, label, signed }) => ({ device, label, signed }));
    this.#data = joined(series);
    this.#span = span;
    if (same && this.#plot) this.#put();
    else this.#draw();
  }

  /** Add the newest value of each device; undefined where there is none. */
  append(time, values) {
    if (!this.#plot || !(time > (this.#data[0].at(-1) ?? 0))) return;
    this.#data[0].push(time);
    this.#series.forEach(({ device }, index) => this.#data[index + 1].push(values[device] ?? null));
    this.#put();
  }

  #put() {
    this.#plot.setData(this.#data);
    this.#plot.setLegend({ idx: this.#plot.cursor.idx ?? null });
  }

  #draw() {
    this.#plot?.destroy();
    this.#plot = null;
    if (!this.#series.length) return;
    const colour = colours(this.#holder);
    this.#plot = new uPlot(this.#options(colour), this.#data, this.#holder);
    this.#plot.setLegend({ idx: null });
    this.#holder.querySelector("canvas").setAttribute("role", "img");
    this.#holder.querySelector("canvas").setAttribute("aria-label", words.t("chart.label"));
  }

  #size() {
    const width = Math.max(200, this.#holder.clientWidth);
    return { width, height: width < 500 ? 210 : 280 };
  }

  #options(colour) {
    const axis = {
      stroke: colour("--muted"), font: `12px ${getComputedStyle(this.#holder).fontFamily}`,
      grid: { stroke: colour("--line"), width: 1 }, ticks: { show: false },
    };
    return {
      ...this.#size(),
      padding: [10, 6, 0, 0],
      cursor: { drag: { x: false, y: false }, y: false, points: { size: 7 } },
      legend: { markers: { width: 0, fill: (_, index) => colour(this.#name(index)) } },
      scales: { x: { range: (plot) => this.#shown(plot.data) }, y: { range: zeroIn } },
      axes: [
        { ...axis, size: 30, space: 56, values: (_, splits) => splits.map(timeLabel) },
        { ...axis, size: 58, values: (_, splits) => powerLabels(splits) },
      ],
      series: [
        { label: words.t("chart.time"), value: (plot, time) => timeValue(plot, time) },
        ...this.#series.map((one, index) => this.#line(one, index, colour)),
      ],
      hooks: { drawAxes: [(plot) => zeroLine(plot, colour("--muted"))] },
    };
  }

  #line({ label, signed }, index, colour) {
    const [above, below] = [colour("--import"), colour("--export")];
    const look = signed
      ? { stroke: (plot) => split(plot, above, below),
          fill: (plot) => split(plot, `${above}38`, `${below}38`), fillTo: 0 }
      : { stroke: colour(this.#name(index + 1)) };
    return { label, width: 1.5, points: { show: false }, ...look,
      value: (plot, watts, at, position) => {
        const shown = position === null ? lastKnown(plot.data[at]) : watts;
        return shown === null || shown === undefined ? "–" : words.powerText(shown);
      } };
  }

  #name(index) {
    if (index < 1 || this.#series[index - 1].signed) return "--import";
    const before = this.#series.slice(0, index - 1).filter((one) => !one.signed).length;
    return LINES[before % LINES.length];
  }

  /** The span on the time axis: what was asked for, shorter while less is known. */
  #shown([times, ...lines]) {
    const now = times.at(-1) ?? Date.now() / 1000;
    const known = times.findIndex((_, index) => lines.some((line) => line[index] !== null));
    const first = known < 0 ? now : times[known];
    return [Math.max(now - this.#span, Math.min(first, now - SHORTEST)), now];
  }
}

function key({ device, label, signed }) {
  return [device, label, signed];
}

/** Series of equal step as uPlot wants them: all times, then the values of each at these times. */
function joined(series) {
  const told = series.filter((one) => one.values.length);
  if (!told.length) return [[], ...series.map(() => [])];
  const { step } = told[0];
  const start = Math.min(...told.map((one) => one.start));
  const end = Math.max(...told.map((one) => one.start + one.values.length * step));
  const times = Array.from({ length: (end - start) / step }, (_, index) => start + index * step);
  return [times, ...series.map((one) => times.map((time) =>
    one.values[(time - one.start) / step] ?? null))];
}

function lastKnown(values) {
  return values.findLast((value) => value !== null);
}

function zeroIn(_, low, high) {
  const [least, most] = [Math.min(0, low ?? 0), Math.max(0, high ?? 0)];
  const room = Math.max(100, most - least) * 0.08;
  return [least < 0 ? least - room : 0, most > 0 || least === 0 ? Math.max(most, 100) + room : room];
}

function colours(element) {
  const style = getComputedStyle(element);
  return (name) => style.getPropertyValue(name).trim();
}

/** One colour above zero, another below it. */
function split(plot, above, below) {
  const { top, height } = plot.bbox;
  const zero = (plot.valToPos(0, "y", true) - top) / height;
  if (!(zero >= 0 && zero <= 1)) return above;
  const gradient = plot.ctx.createLinearGradient(0, top, 0, top + height);
  [[0, above], [zero, above], [zero, below], [1, below]].forEach(([at, colour]) =>
    gradient.addColorStop(at, colour));
  return gradient;
}

function zeroLine(plot, colour) {
  const { left, width } = plot.bbox;
  const y = Math.round(plot.valToPos(0, "y", true)) + 0.5;
  plot.ctx.save();
  plot.ctx.strokeStyle = colour;
  plot.ctx.lineWidth = devicePixelRatio;
  plot.ctx.beginPath();
  plot.ctx.moveTo(left, y);
  plot.ctx.lineTo(left + width, y);
  plot.ctx.stroke();
  plot.ctx.restore();
}

/** 14:00, and at midnight the day. */
function timeLabel(seconds) {
  const date = new Date(seconds * 1000);
  const time = date.toLocaleTimeString("sv-SE", { timeZone: words.timeZone });
  if (time !== "00:00:00") return words.minute(date);
  return date.toLocaleDateString(words.LOCALE,
    { weekday: "short", day: "numeric", timeZone: words.timeZone });
}

function timeValue(plot, time) {
  const shown = time ?? plot.data[0].at(-1);
  return shown === undefined ? "–" : words.clock(new Date(shown * 1000));
}

function powerLabels(splits) {
  const most = Math.max(...splits.map(Math.abs));
  if (most < 1000) return splits.map((watts) => `${words.number(watts)} W`);
  const whole = splits.every((watts) => watts % 1000 === 0);
  return splits.map((watts) => `${words.number(watts / 1000, whole ? 0 : 1)} kW`);
}
