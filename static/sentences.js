// What the station says of itself (how its parts are, why a switch is on), in the language of the page.
// A catalogue has the pieces of its English sentences: {0} is filled in, … stands for who is spoken of.

const { lang } = document.documentElement;
const CLOSE = lang === "fr" ? / ?([:;])$/ : null; // French puts a blank before them
const MOST = 500; // sentences kept
const LONGEST = 300; // letters of a piece that is looked for: with each more it takes far longer
const PATIENCE = 8_000; // ms to wait for the catalogue

let exact = new Map();
let patterns = []; // the most specific first
const known = new Map();

async function load() {
  if (lang === "en") return;
  const answer = await fetch(new URL(`words/sentences.${lang}.json`, import.meta.url),
    { signal: AbortSignal.timeout(PATIENCE) });
  const catalogue = Object.entries(await answer.json());
  exact = new Map(catalogue);
  patterns = catalogue.filter(([english]) => /^… |\{\d\}/.test(english)).map(pattern)
    .sort((a, b) => b.weight - a.weight);
}

function pattern([english, words]) {
  const bare = english.replace(/^… /, "");
  const source = bare.replace(/[.*+?^$()|[\]\\]/g, "\\$&").replace(/\{\d\}/g, "(.*?)");
  return { is: new RegExp(`^${bare === english ? "()" : "(?:(.*) )?"}${source}$`, "s"),
    words: words.replace(/^… /, ""), weight: bare.replace(/\{\d\}/g, "").length };
}

/** A text of the station in the language of the page; what is not known stays as it is. */
export function said(text) {
  if (!patterns.length) return text;
  if (known.size > MOST) known.clear();
  if (!known.has(text)) known.set(text, pieces(text).map(whole).join(" "));
  return known.get(text);
}

/** Cut behind . : ; and ?, but not within brackets. */
function pieces(text) {
  const found = [""];
  let depth = 0;
  for (const word of text.split(" ")) {
    found.push(`${found.pop()} ${word}`);
    depth = Math.max(0, depth + word.split("(").length - word.split(")").length);
    if (depth === 0 && /[.:;?]$/.test(word)) found.push("");
  }
  return found.map((piece) => piece.slice(1)).filter((piece, index) => piece || index === 0);
}

function whole(piece) {
  const [, core, end] = /^(.*?)([.:;,]*)$/s.exec(piece);
  const words = translated(core) ?? core.split(", ").map((part) => translated(part) ?? part).join(", ");
  return CLOSE && words !== core ? `${words}${end}`.replace(CLOSE, " $1") : words + end;
}

function translated(core) {
  if (exact.has(core)) return exact.get(core);
  if (core.length > LONGEST) return undefined;
  for (const { is, words } of patterns) {
    const [match, who, ...holes] = is.exec(core) ?? [];
    if (match === undefined) continue;
    return (who ? `${subject(who)} ` : "")
      + words.replace(/\{(\d)\}/g, (_, number) => filled(holes[Number(number)]));
  }
  return undefined;
}

/** What is filled in may be words of the station, too, with the blank that stands before them. */
function filled(hole) {
  const text = hole.trimStart();
  return hole.slice(0, hole.length - text.length) + said(text);
}

/** Who is spoken of: one or two names, or "the broker db1:1883". */
function subject(who) {
  const and = exact.get("and") ?? "and";
  return said(who).replace(/(^| )and /g, `$1${and} `);
}

/** Wait for the catalogue; without it the sentences stay English. */
export const ready = load().catch(() => {});
