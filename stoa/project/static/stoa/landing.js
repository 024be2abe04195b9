// Shows the readiness checks as they are, every two seconds, and the answer to the first request once.
const state = document.getElementById("state");
const checks = document.getElementById("checks");

function cell(text, className) {
  const td = document.createElement("td");
  td.textContent = text;
  if (className) td.className = className;
  return td;
}

function row(check) {
  const tr = document.createElement("tr");
  const verdict = cell(check.ok ? "ok" : check.error || "failing");
  verdict.dataset.ok = String(check.ok);
  const took = check.duration_ms === undefined ? "" : `${check.duration_ms.toFixed(1)} ms`;
  tr.append(cell(check.name), verdict, cell(took, "number"));
  return tr;
}

function show(name, text) {
  state.dataset.state = name;
  state.textContent = text;
}

async function ask() {
  try {
    const answer = await fetch("/health/ready", { cache: "no-store" });
    const body = await answer.json();
    checks.replaceChildren(...body.checks.map(row));
    show(answer.ok ? "ok" : "bad", answer.ok ? "ready" : "not ready");
  } catch {
    show("bad", "not reachable");
  }
}

async function firstRequest() {
  const answer = await fetch("/api/v1/system/health");
  document.getElementById("answer").textContent = JSON.stringify(await answer.json(), null, 2);
}

ask();
setInterval(ask, 2000);
firstRequest();
