// The page Switches: state and reason of every load, and a person's word that goes before the rules.

import { get, post, watch } from "./api.js";
import { fill, h } from "./dom.js";
import { health, heard, invitation } from "./station.js";
import * as words from "./words.js";

const { t } = words;
const cards = document.getElementById("cards");
const answer = document.getElementById("answer");
const minutes = document.getElementById("minutes");

const again = watch(async () => {
  const told = await get("switches");
  await heard(told);
  if (!told) return;
  const { switches } = told;
  const now = new Date((await health())?.station.time ?? Date.now());
  fill(cards, ...(switches.length ? switches.map((one) => card(one, now))
    : [h("section", { class: "card message" }, h("h2", {}, t("switch.none")),
      invitation(t("switch.invite"), "section-add-switch-shelly"))]));
}, 3_000);

function card(one, now) {
  const { name, on, since, reason, power, run_time_today: ran, override, health, rule } = one;
  const state = on === null ? "unknown" : on ? "on" : "off";
  const until = override?.until ? t("switch.until", { time: words.moment(new Date(override.until), now) }) : "";
  return h("section", { class: "card switching", "aria-labelledby": `switch-${name}` },
    h("header", {}, h("h2", { id: `switch-${name}` }, words.title(name)),
      h("span", { class: "kind" }, t(`rule.${rule}`))),
    h("p", { class: `total state-${state}` }, t(`switch.${state}`)),
    reason ? h("p", {}, words.sentence(reason)) : null,
    health && health.state !== "ok" && health.text
      ? h("p", { class: "warning" }, [health.text, health.remedy].map(words.sentence).join(" ")) : null,
    line(t("switch.since"), since ? words.moment(new Date(since), now) : null),
    line(t("switch.today"), ran === null || ran === undefined ? null : words.duration(ran)),
    line(t("switch.power"), power ? words.powerText(power) : null),
    override ? h("p", { class: "chip-line" }, h("span", { class: "chip" },
      [t(override.on ? "switch.byhand_on" : "switch.byhand_off"), until].filter(Boolean).join(" "))) : null,
    h("div", { class: "choice", role: "group", "aria-label": t("switch.group", { name: words.title(name) }) },
      ["on", "off", "auto"].map((wish) => h("button", { type: "button", "data-switch": name, value: wish,
        "aria-pressed": String(wish === (override ? (override.on ? "on" : "off") : "auto")) },
      t(`switch.wish_${wish}`)))));
}

function line(label, text) {
  return text === null ? null
    : h("p", { class: "line" }, h("span", {}, label), h("b", {}, text));
}

cards.addEventListener("click", async ({ target }) => {
  const { switch: name } = target.dataset;
  if (!name) return;
  const wish = { state: target.value };
  if (wish.state !== "auto" && minutes.value) wish.minutes = Number(minutes.value);
  const refusal = await post(`switches/${encodeURIComponent(name)}`, wish);
  answer.hidden = false;
  answer.className = `banner ${refusal ? "bad" : "calm"}`;
  answer.textContent = words.sentence(refusal) || t("switch.told", { name: words.title(name) });
  again();
});
