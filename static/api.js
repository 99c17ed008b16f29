// Asking the station: documents of its API, again and again while somebody looks.

import { t } from "./words.js";

const API = new URL("../api/v1/", import.meta.url);
const PATIENCE = 8_000; // ms to wait for an answer
const PAGES = 20; // of a long answer

/** A document of the API, or null when there is no answer. */
export async function get(path) {
  try {
    const answer = await fetch(new URL(path, API), { signal: AbortSignal.timeout(PATIENCE) });
    return answer.ok ? await answer.json() : null;
  } catch {
    return null;
  }
}

/** A document whose list `name` may be told in pages: all of them in one. */
export async function whole(path, name) {
  const first = await get(path);
  let next = first?.next;
  for (let page = 1; next && page < PAGES; page += 1) {
    const more = await get(new URL(next, API));
    first[name].push(...(more?.[name] ?? []));
    next = more?.next;
  }
  return first;
}

/** Change something; the browser asks for the password. Returns the refusal as a sentence, or "". */
export async function post(path, body) {
  try {
    const answer = await fetch(new URL(path, API), { method: "POST",
      headers: { "Content-Type": "application/json", Accept: "application/json" },
      body: JSON.stringify(body) });
    if (answer.ok) return "";
    const text = await answer.text();
    try {
      return JSON.parse(text).message ?? text;
    } catch {
      return text;
    }
  } catch {
    return t("banner.unanswered");
  }
}

/** A question that is asked at most each so many ms; otherwise its last answer. */
export function asked(path, milliseconds) {
  let at = -Infinity;
  let last = null;
  return async () => {
    if (performance.now() - at < milliseconds) return last;
    at = performance.now();
    last = (await get(typeof path === "function" ? path() : path)) ?? last;
    return last;
  };
}

/** Take a step now and each so many ms, one at a time, none while the page is hidden. */
export function watch(step, milliseconds) {
  let timer = 0;
  let busy = false;
  async function turn() {
    clearTimeout(timer);
    if (busy) return;
    busy = true;
    try {
      await step();
    } finally {
      busy = false;
      if (!document.hidden) timer = setTimeout(turn, milliseconds);
    }
  }
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) clearTimeout(timer);
    else turn();
  });
  turn();
  return turn;
}
