// Asks the server how it is, again and again, and shows its words as they are. Nothing is asked of anybody else.
const EVERY_MS = 1200;
const PATIENCE_MS = 1200; // readiness answers within 900 ms whatever hangs behind it
const KEPT = 50; // answers in the trail: about a minute

const page = document.querySelector("main");
const state = document.getElementById("state");
const verdict = document.getElementById("verdict");
const checks = document.getElementById("checks");
const trails = new Map();

function cell(content, className) {
  const td = document.createElement("td");
  td.append(content);
  if (className) td.className = className;
  return td;
}

// One bar an answer, as high as it took long on a logarithmic scale: 0.1 ms is the floor, a second the ceiling.
function trail(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", `0 0 ${KEPT} 10`);
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("aria-hidden", "true");
  const seen = trails.get(name);
  seen.forEach(({ ok, took }, index) => {
    const height = Math.min(10, Math.max(1, 2.25 * (Math.log10(Math.max(took, 0.1)) + 1) + 1));
    const bar = document.createElementNS(svg.namespaceURI, "rect");
    bar.setAttribute("x", KEPT - seen.length + index);
    bar.setAttribute("y", 10 - (ok ? height : 10));
    bar.setAttribute("width", 0.6);
    bar.setAttribute("height", ok ? height : 10);
    bar.setAttribute("fill", ok ? "currentColor" : "var(--bad)");
    svg.append(bar);
  });
  return svg;
}

function remember(check) {
  const seen = trails.get(check.name) ?? [];
  trails.set(check.name, [...seen, { ok: check.ok, took: check.duration_ms }].slice(-KEPT));
}

function row(check) {
  const tr = document.createElement("tr");
  const said = cell(check.ok ? "ok" : check.error ?? "failing");
  said.dataset.ok = String(check.ok);
  tr.append(cell(check.name), said, cell(trail(check.name), "trail"), cell(`${check.duration_ms.toFixed(1)} ms`, "number"));
  return tr;
}

function show(name, words) {
  state.dataset.state = name;
  if (verdict.textContent !== words) verdict.textContent = words; // a status that is written anew is read out anew
  document.title = `Stoa: ${words}`;
  page.classList.toggle("stale", words === "not reachable");
}

async function ask() {
  try {
    const answer = await fetch("/health/ready", { cache: "no-store", signal: AbortSignal.timeout(PATIENCE_MS) });
    const body = await answer.json();
    body.checks.forEach(remember);
    checks.replaceChildren(...body.checks.map(row));
    show(answer.ok ? "ok" : "bad", answer.ok ? "ready" : "not ready");
  } catch {
    show("bad", "not reachable");
  }
}

async function keepAsking() {
  if (!document.hidden) await ask();
  setTimeout(keepAsking, EVERY_MS);
}

async function firstRequest() {
  const place = document.getElementById("answer");
  try {
    const answer = await fetch("/api/v1/system/health");
    place.textContent = JSON.stringify(await answer.json(), null, 2);
  } catch {
    place.textContent = "no answer";
  }
}

async function copy(button) {
  const code = button.previousElementSibling;
  try {
    await navigator.clipboard.writeText(code.textContent);
    button.textContent = "copied";
  } catch {
    // No clipboard without HTTPS: the text is marked, and Ctrl-C copies it.
    getSelection().selectAllChildren(code);
    button.textContent = "marked";
  }
  setTimeout(() => (button.textContent = "copy"), 1500);
}

document.querySelectorAll("[data-copy]").forEach((button) => button.addEventListener("click", () => copy(button)));
document.addEventListener("visibilitychange", () => document.hidden || ask());
keepAsking();
firstRequest();
