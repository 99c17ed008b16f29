// The page Devices: everything each device says, how sources and sinks are, what servers refused, and
// the backup.

import { asked, get, post, watch } from "./api.js";
import { cards } from "./cards.js";
import { fill, h } from "./dom.js";
import { sources } from "./sources.js";
import { empty, health, readings } from "./station.js";
import * as words from "./words.js";

const { t } = words;
const page = Object.fromEntries(["page", "cards", "sources", "rejected"]
  .map((id) => [id, document.getElementById(id)]));
const house = JSON.parse(page.page.dataset.house);
const rejected = asked("rejected", 30_000);
const backup = document.getElementById("backup");
const BEGUN = "s0web_backup"; // the cookie that comes with a backup
let answer = ""; // to the last wish

async function turn() {
  const told = await readings();
  if (!told) return;
  const { devices } = told;
  const now = new Date(told.time);
  const names = inOrder(devices);
  const status = await health();
  const none = !names.length && status?.station.state === "running";
  fill(page.cards, ...(none ? [empty()] : names.flatMap((name) => cards(name, devices, now))));
  page.sources.hidden = !names.length;
  fill(page.sources, ...sources(names, devices, status?.workers ?? {}, now));
  refused((await rejected())?.rejected ?? [], now);
}

/** The grid meter, what hangs on it, then the others as they are in the settings. */
function inOrder(devices) {
  const rank = (name) => (name === house.grid ? 0 : name.startsWith(`${house.grid}.`) ? 1 : 2);
  return Object.keys(devices).sort((a, b) => rank(a) - rank(b));
}

function refused(groups, now) {
  page.rejected.hidden = !groups.length && !answer;
  const sinks = [...new Set(groups.map(({ sink }) => sink))];
  fill(page.rejected, h("h2", { id: "rejected-title" }, t("rejected.title")),
    h("p", { class: "note" }, t("rejected.text")),
    answer ? h("p", { role: "status" }, answer) : null,
    h("div", { class: "wide", tabindex: 0, role: "region", "aria-label": t("rejected.title") },
      h("table", {}, h("thead", {}, h("tr", {},
        ["rejected.sink", "rejected.since", "rejected.values", "rejected.reason"].map((key) =>
          h("th", { scope: "col" }, t(key))))),
      h("tbody", {}, groups.map(({ sink, time, reason, values }) => h("tr", {},
        h("th", { scope: "row" }, words.title(sink)),
        h("td", {}, words.moment(new Date(time), now)),
        h("td", {}, words.number(Array.isArray(values) ? values.length : Number(values))),
        h("td", { class: "text" }, words.sentence(reason))))))),
    sinks.map((sink) => h("button", { type: "button", class: "button plain", "data-again": sink },
      t("rejected.again", { sink: words.title(sink) }))));
}

page.rejected.addEventListener("click", async ({ target }) => {
  const { again } = target.dataset;
  if (!again) return;
  answer = words.sentence(await post(`rejected/${encodeURIComponent(again)}`, {})) || t("rejected.asked");
  refused((await get("rejected"))?.rejected ?? [], new Date());
});

// The browser fetches the backup by itself, so that it goes to the disk and never through this page.
function waiting(yes, key) {
  backup.querySelector("fieldset").disabled = yes;
  document.getElementById("backup-state").textContent = t(key);
}

backup.addEventListener("submit", () => {
  const { pathname } = new URL(".", backup.action);
  document.cookie = `${BEGUN}=; max-age=0; path=${pathname}`;
  waiting(true, "backup.making");
});
window.addEventListener("pageshow", ({ persisted }) => { // back from a page that said no
  if (persisted) waiting(false, "backup.patience");
});

watch(async () => {
  if (document.cookie.includes(`${BEGUN}=begun`) && backup.querySelector(":disabled")) {
    waiting(false, "backup.begun");
  }
  await turn();
}, 2_000);
