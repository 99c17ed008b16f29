// The settings dialog works without this; here are its comforts: whether a change is applied yet,
// a warning before unsaved changes are lost, the names of time zones, and links into folded parts.

const page = document.getElementById("page");
const options = document.getElementById("options");
const POLL = 500; // ms

/** Watch until what was saved is what is applied, or say why it is not. */
async function watch(done) {
  for (;;) {
    const config = await state();
    const problem = config?.problem;
    if (config?.is_applied) done.textContent = done.dataset.applied;
    else if (problem) done.textContent = `${done.dataset.problem} ${problem}`;
    done.classList.toggle("bad", Boolean(problem));
    if (config?.is_applied || problem) return;
    await new Promise((resolve) => setTimeout(resolve, POLL));
  }
}

async function state() {
  try {
    const answer = await fetch(page.dataset.status, { signal: AbortSignal.timeout(5_000) });
    return answer.ok ? (await answer.json()).config : null;
  } catch {
    return null; // the station may be on its way up: ask again
  }
}

const done = document.getElementById("done");
if (done) watch(done);

let saved = written();
function written() {
  return options ? new URLSearchParams(new FormData(options)).toString() : "";
}

function changed() {
  return written() !== saved;
}

options?.addEventListener("input", () => {
  document.getElementById("unsaved").hidden = !changed();
});
for (const form of document.forms) {
  form.addEventListener("submit", (event) => {
    const saves = event.submitter?.value === "save";
    if (!saves && changed() && !confirm(page.dataset.lost)) event.preventDefault();
    else saved = written();
  });
}
addEventListener("beforeunload", (event) => {
  if (changed()) event.preventDefault();
});

const zones = Intl.supportedValuesOf?.("timeZone") ?? [];
document.getElementById("zones").append(...zones.map((zone) => new Option(zone)));
document.querySelector("[aria-invalid]")?.focus();

/** What an address of another page points at is unfolded. */
function unfold() {
  const folded = document.getElementById(location.hash.slice(1));
  if (folded?.tagName !== "DETAILS") return;
  folded.open = true;
  folded.scrollIntoView();
}
addEventListener("hashchange", unfold);
unfold();
