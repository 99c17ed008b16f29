// The running quarter-hour against the month's peak: a bar with what was, what is to come, and the
// peak; and what it would cost to exceed it.

import { h, s } from "./dom.js";
import { invitation } from "./station.js";
import * as words from "./words.js";

const { t } = words;
const WIDE = 300; // units of the drawing

/** The card; an invitation where the grid connection is not known. */
export function quarter(told, now, house) {
  if (!told) return house.said.grid ? null : card(invitation(t("peak.invite"), "section-house"));
  const { month, alarm, floor, cost } = told;
  const { demand, forecast, elapsed } = told.quarter ?? {};
  if (demand === undefined || demand === null) return null;
  const limit = Math.max(month?.peak ?? 0, floor ?? 0);
  const left = Math.max(0, Math.round((1 - (elapsed ?? 0)) * 15));
  return card(
    alarm && alarm !== "none" ? h("p", { class: "warning", role: "status" }, t(`peak.${alarm}`)) : null,
    bar(demand, forecast ?? demand, limit, elapsed ?? 0, alarm),
    line(t("peak.demand"), words.powerText(demand), t("peak.left", { minutes: left })),
    line(t("peak.forecast"), words.powerText(forecast ?? demand)),
    month ? line(t("peak.month"), words.powerText(month.peak),
      [month.time ? words.moment(new Date(month.time), now) : "",
        month.from === "computed" ? t("peak.computed") : ""].filter(Boolean).join(", ")) : null,
    told.gap === undefined || told.gap === null ? null
      : line(t("peak.gap"), words.powerText(told.gap)),
    cost ? h("p", { class: "note" }, t("peak.cost", { month: words.euro(cost.per_kw_month),
      year: words.euro(cost.year) })) : null);
}

function card(...body) {
  return h("section", { class: "card" }, h("header", {}, h("h2", {}, t("peak.title"))), ...body);
}

function line(label, value, more = "") {
  return h("p", { class: "line" }, h("span", {}, label, more ? h("small", {}, more) : null),
    h("b", {}, value));
}

function bar(demand, forecast, limit, elapsed, alarm) {
  const most = Math.max(limit, forecast, demand, 1) * 1.08;
  const at = (watts) => Math.max(0, Math.min(WIDE, (watts / most) * WIDE)).toFixed(1);
  const text = t("peak.bar", { demand: words.powerText(demand), forecast: words.powerText(forecast),
    limit: words.powerText(limit) });
  return s("svg", { viewBox: `0 0 ${WIDE} 26`, class: `quarter ${alarm ?? "none"}`, role: "img",
    "aria-label": text },
    s("rect", { x: 0, y: 5, width: WIDE, height: 16, rx: 4, class: "track" }),
    s("rect", { x: 0, y: 5, width: at(forecast), height: 16, rx: 4, class: "forecast" }),
    s("rect", { x: 0, y: 5, width: at(demand), height: 16, rx: 4, class: "demand" }),
    s("path", { d: `M${at(limit)} 0V26`, class: "limit" }));
}
