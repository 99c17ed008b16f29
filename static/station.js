// What every page asks the station: its readings or its status, and the banners that tell of
// trouble.

import { asked, get } from "./api.js";
import { fill, h } from "./dom.js";
import { ready } from "./sentences.js";
import * as words from "./words.js";

const { t } = words;
const MISSES = 2; // questions without an answer until the connection counts as lost
const STATUS = 10_000; // ms

const page = document.getElementById("page");
const place = document.getElementById("banners");
const { settings } = page.dataset;
const status = asked("status", STATUS);
let misses = 0;
let last = null;

/** The readings of all devices, or null when there is no answer. */
export async function readings() {
  const told = await get("readings");
  heard(told);
  return told;
}

/** How the station is, once its sentences can be told in the language of the page. */
export async function health() {
  await ready;
  return status();
}

/** Take note of an answer, or of none, and show the banners. */
export async function heard(told) {
  misses = told ? 0 : misses + 1;
  last = told ?? last;
  const lost = misses >= MISSES ? new Date(last?.time ?? Date.now()) : null;
  document.body.classList.toggle("lost", lost !== null);
  fill(place, ...banners(lost ? null : await health(), lost));
}

/** What concerns the whole page: lost connection, a station in trouble, a house that is simulated. */
function banners(said, lost) {
  const told = [];
  if (lost) told.push(["bad", t("banner.lost", { time: words.clock(lost) })]);
  if (said && said.station.state !== "running") told.push(["warn", words.sentence(said.station.text)]);
  else if (said?.config.problem) {
    told.push(["warn", `${t("banner.mistake")} `, h("a", { href: settings }, t("nav.settings")),
      h("pre", {}, said.config.problem)]);
  }
  if (said?.station.simulated) {
    told.push(["calm", [t("banner.simulated"), words.sentence(said.workers["sink:archive"]?.text ?? "")].join(" ")]);
  }
  return told.map(([kind, ...content]) => h("p", { class: `banner ${kind}` }, ...content));
}

/** What a house without a meter is told. */
export function empty() {
  return h("section", { class: "card message" }, h("h2", {}, t("empty.title")),
    h("p", {}, t("empty.text")),
    h("p", {}, h("a", { class: "button", href: settings }, t("empty.add"))));
}

/** What is not set up yet, and where to do it. */
export function invitation(text, section = "") {
  return h("p", { class: "note invite" }, text, " ",
    h("a", { href: settings + (section && `#${section}`) }, t("invite.settings")));
}
