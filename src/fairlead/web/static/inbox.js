// The inbox: which row is selected, what a refresh must not take away, and the next row after a decision.
const list = () => document.getElementById("inbox-list");
const narrow = matchMedia("(max-width: 720px)");

function select(row) {
  for (const one of document.querySelectorAll("#inbox-list [data-row]")) {
    one.classList.toggle("is-sel", one === row);
    const link = one.querySelector("a");
    if (one === row) link?.setAttribute("aria-current", "true");
    else link?.removeAttribute("aria-current");
  }
}

document.addEventListener("click", (event) => {
  const link = event.target.closest("#inbox-list [data-row] a.cut");
  if (!link) return;
  if (narrow.matches && link.dataset.phone) {
    // on a phone the decision has a page of its own
    event.preventDefault();
    event.stopPropagation();
    location.assign(link.dataset.phone);
    return;
  }
  select(link.closest("[data-row]"));
}, true);

// Choosing a way puts the cursor into the reason; nothing is sent by it.
document.addEventListener("change", (event) => {
  if (!event.target.matches("input[type=radio][name=decision]")) return;
  event.target.form.querySelector("[data-reason]")?.focus();
});
document.addEventListener("click", (event) => {
  const label = event.target.closest(".wl-act label[data-key]");
  if (label) label.closest("form").querySelector("[data-reason]")?.focus();
});

// A refresh waits while somebody types in the list or has rows selected; and it keeps the selected row.
document.addEventListener("htmx:beforeRequest", (event) => {
  const it = list();
  if (event.detail.elt !== it) return;
  const busy = it.querySelector("input[type=text]:focus, select:focus, [data-pick]:checked, .note[role=alert]");
  if (busy) event.preventDefault();
});
document.addEventListener("htmx:configRequest", (event) => {
  const selected = document.querySelector("#inbox-list .is-sel");
  if (event.detail.elt === list() && selected) event.detail.parameters.item = selected.id;
});
// Who moved on while it was under way stays where they are.
let kept = null;
document.addEventListener("htmx:beforeSwap", (event) => {
  const refreshed = event.detail.target === list() && event.detail.requestConfig.elt === list();
  kept = refreshed ? document.querySelector("#inbox-list .is-sel")?.id : null;
});
document.addEventListener("htmx:afterSettle", () => {
  const row = kept && document.querySelector(`#inbox-list [data-row][id="${CSS.escape(kept)}"]`);
  kept = null;
  if (row) select(row);
});

// The pane shows the row that is selected. Whoever moves on fast was seen to keep an earlier row's
// answer in it; then the selected row is asked for again.
document.addEventListener("htmx:afterSettle", () => {
  const shown = document.getElementById("pane")?.dataset.item;
  const row = document.querySelector("#inbox-list [data-row].is-sel");
  if (narrow.matches || !shown || !row || row.hasAttribute("data-decided") || shown === row.id) return;
  row.querySelector("a.cut")?.click();
});

// After a decision: the next row. The pane follows.
document.addEventListener("htmx:afterSettle", (event) => {
  const row = document.querySelector("#inbox-list [data-decided].is-sel");
  if (!row || row.querySelector(".note[role=alert]")) {
    if (narrow.matches && event.target.id === "pane") event.target.scrollIntoView({ block: "start" });
    return;
  }
  const rows = Array.from(document.querySelectorAll("#inbox-list [data-row]"));
  const next = rows.slice(rows.indexOf(row) + 1).find((one) => !one.hasAttribute("data-decided"))
    ?? rows.find((one) => !one.hasAttribute("data-decided"));
  row.classList.remove("is-sel");
  const link = next?.querySelector("a.cut");
  link?.focus({ preventScroll: true });
  link?.click();
});
