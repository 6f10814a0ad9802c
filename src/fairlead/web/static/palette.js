// Find or run: Ctrl K opens it, arrows move, Enter goes there or runs it.
const dialog = document.getElementById("find");
const field = dialog?.querySelector("input");
const results = () => document.getElementById("find-results");
const options = () => Array.from(dialog.querySelectorAll("[role=option]"));
let asked = 0;
let wait = 0;

async function ask() {
  const mine = ++asked;
  const answer = await fetch(`/find?q=${encodeURIComponent(field.value)}`, {
    headers: { "HX-Request": "true", "HX-Target": "find-results" },
  });
  if (mine !== asked || !answer.ok) return; // a later word was typed meanwhile
  const came = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("find-results");
  if (!came) return;
  results().replaceWith(came);
  choose(0);
}

function choose(at) {
  const all = options();
  all.forEach((one, index) => {
    one.classList.toggle("is-sel", index === at);
    one.setAttribute("aria-selected", String(index === at));
  });
  if (all[at]) {
    field.setAttribute("aria-activedescendant", all[at].id);
    all[at].scrollIntoView({ block: "nearest" });
  } else {
    field.removeAttribute("aria-activedescendant");
  }
}

function open() {
  if (!dialog || dialog.open) return;
  document.querySelector("dialog[open]")?.close();
  dialog.showModal();
  field.select();
  ask();
}

document.addEventListener("keydown", (event) => {
  if ((event.ctrlKey || event.metaKey) && !event.altKey && event.key.toLowerCase() === "k") {
    event.preventDefault();
    open();
  }
});
document.addEventListener("click", (event) => {
  if (event.target.closest("[data-open-find]")) open();
  else if (event.target === dialog) dialog.close(); // the backdrop
});
field?.addEventListener("input", () => {
  clearTimeout(wait);
  wait = setTimeout(ask, 120);
});
field?.addEventListener("keydown", (event) => {
  const all = options();
  const at = all.findIndex((one) => one.classList.contains("is-sel"));
  if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    event.preventDefault();
    const by = event.key === "ArrowDown" ? 1 : -1;
    choose((at + by + all.length) % Math.max(all.length, 1));
  } else if (event.key === "Escape") {
    event.preventDefault(); // a search field would only empty itself first
    dialog.close();
  } else if (event.key === "Enter") {
    event.preventDefault();
    all[at]?.querySelector("a, button")?.click();
  }
});
