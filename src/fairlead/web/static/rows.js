// Lists: j, k and Enter move and open; x and Shift x select; the bulk bar tells count and sum.
import { lettersOn } from "./keys.js";

const rows = () => Array.from(document.querySelectorAll("[data-rows] [data-row]"));
const boxOf = (row) => row.querySelector("input[type=checkbox][data-pick]");
let last = null; // the box picked last, where a range begins

function go(by) {
  const all = rows();
  if (!all.length) return;
  const at = all.findIndex((row) => row.classList.contains("is-sel"));
  const to = all[Math.max(0, Math.min(all.length - 1, at + by))];
  for (const row of all) row.classList.toggle("is-sel", row === to);
  to.scrollIntoView({ block: "nearest" });
  const link = to.querySelector("a");
  link?.focus({ preventScroll: true });
  if (to.closest("[data-rows=follow]")) link?.click(); // where a pane shows the row
}

function pick(row, range) {
  const box = boxOf(row);
  if (!box) return;
  const all = rows();
  if (range && last) {
    const [from, to] = [all.indexOf(last), all.indexOf(row)].sort((a, b) => a - b);
    for (const one of all.slice(Math.max(from, 0), to + 1)) if (boxOf(one)) boxOf(one).checked = true;
  } else {
    box.checked = !box.checked;
  }
  last = row;
  tell();
}

export function tell() {
  const picked = rows().filter((row) => boxOf(row)?.checked);
  for (const dock of document.querySelectorAll(".bulk-dock")) {
    dock.hidden = picked.length === 0;
    const count = dock.querySelector("[data-bulk-count]");
    if (count) count.textContent = String(picked.length);
    const sum = dock.querySelector("[data-bulk-sum]");
    if (sum) sum.textContent = sums(picked);
  }
  for (const row of rows()) row.toggleAttribute("data-picked", Boolean(boxOf(row)?.checked));
}

// Hours, and one sum per currency. Amounts are whole minor units, so that nothing is lost.
function sums(picked) {
  const by = new Map();
  for (const row of picked) {
    if (!row.dataset.minor) continue;
    by.set(row.dataset.currency, (by.get(row.dataset.currency) ?? 0n) + BigInt(row.dataset.minor));
  }
  const minutes = picked.reduce((all, row) => all + Number(row.dataset.minutes ?? 0), 0);
  const hours = minutes ? [`${Math.floor(minutes / 60).toLocaleString("en-GB")}:${String(minutes % 60).padStart(2, "0")} h`] : [];
  return hours.concat(Array.from(by, ([currency, minor]) => {
    const places = BigInt(10) ** BigInt(new Intl.NumberFormat("en", { style: "currency", currency }).resolvedOptions().maximumFractionDigits);
    return `${currency} ${(minor / places).toLocaleString("en-GB")}`;
  })).join(", ");
}

document.addEventListener("keydown", (event) => {
  const field = event.target.closest?.("input:not([type=checkbox], [type=radio]), textarea, select");
  if (event.ctrlKey || event.metaKey || event.altKey || field || event.defaultPrevented) return;
  if (document.querySelector("dialog[open]") || !lettersOn()) return;
  const row = document.querySelector("[data-rows] .is-sel") ?? event.target.closest?.("[data-row]");
  if ((event.key === "j" || event.key === "k") && rows().length) {
    event.preventDefault();
    go(event.key === "j" ? 1 : -1);
  } else if (event.key.toLowerCase() === "x" && row) {
    event.preventDefault();
    pick(row, event.shiftKey);
  } else if (event.key === "Enter" && row && !event.target.closest("a, button, summary, label")) {
    event.preventDefault();
    row.querySelector("a")?.click();
  }
});

// The row that a pane shows is the selected one, also when its link is pressed.
document.addEventListener("click", (event) => {
  const row = event.target.closest?.("a[hx-get]")?.closest("[data-rows=follow] [data-row]");
  if (row) for (const one of rows()) one.classList.toggle("is-sel", one === row);
});

document.addEventListener("change", (event) => {
  if (event.target.matches("[data-pick-all]")) {
    for (const row of rows()) if (boxOf(row)) boxOf(row).checked = event.target.checked;
  } else if (event.target.matches("[data-pick]")) {
    last = event.target.closest("[data-row]");
  } else {
    return;
  }
  tell();
});
// A list that came anew shows again which of its rows the pane shows.
document.addEventListener("htmx:afterSettle", () => {
  const shown = document.querySelector(".split-pane [data-shows]")?.dataset.shows;
  const link = shown && document.getElementById(`open-${shown}`);
  if (link) for (const row of rows()) row.classList.toggle("is-sel", row.contains(link));
  tell();
});
tell();
