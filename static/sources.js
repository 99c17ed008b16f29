// How sources and sinks are, in plain words: the list below the cards.

import { newest } from "./cards.js";
import { h } from "./dom.js";
import * as words from "./words.js";

const { t } = words;

const KEEPERS = ["sink:cache", "sink:recent", "sink:compare", "sink:archive"]; // the others are those of the settings
const LATE = 60; // s that a sink may be behind without a word about it

/** One row for each device in this order, for each sink of the settings, and for what else fails or
 * has something to say. */
export function sources(names, devices, workers, now) {
  const shown = names.filter((name) =>
    devices[name].type !== "wire" || devices[name].health.state === "failed");
  const rows = shown.map((name) =>
    row(words.title(name), words.kind(name, devices[name].type), devices[name].health,
      about(devices[name], workers[`source:${name}`], now)));
  const others = Object.entries(workers)
    .filter(([name, health]) => name.startsWith("sink:")
      && (!KEEPERS.includes(name) || health.state === "failed" || health.text))
    .map(([name, health]) => row(words.title(name.replace("sink:", "")),
      t(KEEPERS.includes(name) ? "source.keeps" : "source.tells"), health, delivery(health, now)));
  const compared = Object.entries(workers).filter(([name]) => name.startsWith("compare:"))
    .map(([name, health]) => row(words.title(name.slice("compare:".length).replaceAll("-", ` ${t("source.and")} `)),
      t("source.comparison"), health, health.state === "failed" ? trouble(health, now)
        : words.sentence(health.text)));
  return [h("h2", { id: "sources-title" }, t("source.title")), h("ul", {}, rows, compared, others)];
}

function row(title, kind, health, text) {
  return h("li", { class: health.state },
    h("p", {}, h("b", {}, title), h("span", { class: "kind" }, kind),
      h("span", { class: "state" }, words.state(health.state))),
    h("p", { class: "note" }, text));
}

function about(device, worker, now) {
  if (device.type === "remote" && device.health.state === "starting") {
    return words.sentence(device.health.text); // which address waits to be told, or whom it asks
  }
  if (device.health.state !== "ok") return trouble(device.health, now);
  const parts = [news(device, now), device.health.text,
    worker?.state === "ok" ? worker.text : ""];
  return parts.map(words.sentence).filter(Boolean).join(" ");
}

function news(device, now) {
  const { pulses } = device.values;
  const told = pulses ? new Date(pulses.time) : newest(device);
  if (!told) return "";
  if (pulses?.value === 0) return t("source.no_pulse", { time: words.moment(told, now) });
  const what = pulses ? "pulse" : device.type === "p1" ? "telegram" : "value";
  return t(`source.last_${what}`, { age: words.age(told, now) });
}

/** What a sink says of itself, and how far it is behind. */
function delivery(health, now) {
  const oldest = health.oldest ? new Date(health.oldest) : null;
  const late = oldest && now - oldest > LATE * 1000
    ? t("source.behind", { count: words.number(health.behind), time: words.moment(oldest, now) })
    : "";
  const said = health.state === "ok" ? words.sentence(health.text) : trouble(health, now);
  return [said, late].filter(Boolean).join(" ") || t("source.up_to_date");
}

function trouble(health, now) {
  if (health.state === "starting") return t("card.waiting");
  const since = health.since ? t("source.since", { time: words.moment(new Date(health.since), now) }) : "";
  return [since, health.text, health.remedy].map(words.sentence).filter(Boolean).join(" ");
}
