// Local days as texts 2026-11-07, and the spans of the page History that begin with them.

export const INNER = { day: "hour", week: "day", month: "day", year: "month" };

function utc(day) {
  return new Date(`${day}T12:00:00Z`);
}

function iso(date) {
  return date.toISOString().slice(0, 10);
}

export function plus(day, days) {
  const date = utc(day);
  date.setUTCDate(date.getUTCDate() + days);
  return iso(date);
}

/** The first day of the span that holds this one. */
export function begin(span, day) {
  if (span === "week") return plus(day, -((utc(day).getUTCDay() + 6) % 7));
  if (span === "month") return `${day.slice(0, 7)}-01`;
  return span === "year" ? `${day.slice(0, 4)}-01-01` : day;
}

/** The first day of the span so many spans later. */
export function later(span, day, count = 1) {
  const first = begin(span, day);
  if (span === "day") return plus(first, count);
  if (span === "week") return plus(first, 7 * count);
  const date = utc(first);
  if (span === "month") date.setUTCMonth(date.getUTCMonth() + count);
  else date.setUTCFullYear(date.getUTCFullYear() + count);
  return iso(date);
}

/** The first day of what a span is compared with: the one before, or that of the year before (the
 *  same weekdays, where the span is a day or a week). */
export function compared(span, day, how) {
  if (how === "before" || span === "year") return later(span, day, -1);
  if (span === "month") return later("month", day, -12);
  return plus(begin(span, day), -364);
}
