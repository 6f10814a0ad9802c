// One's week: arrows and Enter move between cells, Esc takes back what was typed, F2 opens the note.
// Cells save by themselves, one after the other; nothing that is on its way is left behind.
const grid = () => document.querySelector("[data-grid]");
const input = (id) => document.getElementById(`i-${id}`);
let before = ""; // what stood in the cell when it was entered
let ahead = 0; // saves that are on their way

const lines = () => Array.from(grid()?.querySelectorAll("tr.wk-r") ?? []);
const fieldAt = (line, column) => line?.querySelectorAll("td.wk-c")[column]?.querySelector(".wk-h");
const shows = (field) => field && field.offsetParent !== null;

function place(field) {
  const line = field.closest("tr.wk-r");
  return [lines().indexOf(line), Array.from(line.querySelectorAll("td.wk-c")).indexOf(field.closest("td"))];
}

function go(field, down, right) {
  const all = lines();
  let [line, column] = place(field);
  for (let tries = 0; tries < all.length * 7 + 7; tries += 1) {
    line += down;
    column += right;
    if (down && (line < 0 || line >= all.length)) {
      // below the last line: the top of the next day
      line = down > 0 ? 0 : all.length - 1;
      column += down;
    }
    if (column < 0 || column > 6) return;
    const found = fieldAt(all[line], column);
    if (shows(found)) {
      found.focus();
      return;
    }
  }
}

document.addEventListener("focusin", (event) => {
  if (!event.target.matches(".wk-h")) return;
  before = event.target.value;
  event.target.select();
});

document.addEventListener("keydown", (event) => {
  const field = event.target;
  if (!field.matches?.(".wk-h") || event.ctrlKey || event.metaKey || event.altKey) return;
  const all = field.selectionStart === 0 && field.selectionEnd === field.value.length;
  const begin = all || (field.selectionStart === 0 && field.selectionEnd === 0);
  const end = all || field.selectionStart === field.value.length;
  if (event.key === "ArrowDown" || (event.key === "Enter" && !event.shiftKey)) go(field, 1, 0);
  else if (event.key === "ArrowUp" || event.key === "Enter") go(field, -1, 0);
  else if (event.key === "ArrowLeft" && begin) go(field, 0, -1);
  else if (event.key === "ArrowRight" && end) go(field, 0, 1);
  else if (event.key === "Escape") {
    field.value = before;
    field.select();
  } else if (event.key === "F2") {
    const note = field.form.querySelector(".wk-n");
    field.blur(); // saves what was typed, before the note is asked for
    note.click();
  } else return;
  event.preventDefault();
  event.stopPropagation();
  // a cell that was not saved is tried again, though nothing else was typed
  if (event.key === "Enter" && field.dataset.unsaved) htmx.trigger(field.form, "submit");
}, true);

document.addEventListener("htmx:beforeRequest", (event) => {
  const it = event.detail.elt;
  if (it.matches("form[data-cell]")) {
    ahead += 1;
    return;
  }
  if (it.id !== "my-week" && it.id !== "my-expenses") return;
  // what others did is shown as soon as nobody types here
  const busy = ahead > 0 || it.contains(document.activeElement) || it.querySelector(".wk-trouble, #my-errors > .note, [data-unsaved]");
  if (busy) event.preventDefault();
});

// A cell that was saved shows what stands in it, unless somebody types in it again.
document.addEventListener("htmx:afterRequest", (event) => {
  const form = event.detail.elt;
  if (!form.matches("form[data-cell]")) return;
  ahead -= 1;
  const field = input(form.dataset.cell);
  if (!field) return;
  if (event.detail.successful) {
    delete field.dataset.unsaved;
    const shown = document.getElementById(`v-${form.dataset.cell}`)?.dataset.shown;
    if (shown !== undefined && document.activeElement !== field) field.value = shown;
    if (shown !== undefined && document.activeElement === field) before = shown;
  } else {
    field.dataset.unsaved = "yes";
    if (!event.detail.xhr?.status) tell(form.dataset.cell, "Not saved: the server does not answer. Enter tries again.");
  }
});
document.addEventListener("htmx:afterSettle", () => {
  for (const field of document.querySelectorAll(".wk-h")) {
    const wrong = field.closest("td").querySelector(".wk-m")?.dataset.s === "bad" || field.dataset.unsaved;
    if (wrong) field.setAttribute("aria-invalid", "true");
    else field.removeAttribute("aria-invalid");
  }
  const first = document.querySelector("#my-pane [data-autofocus]");
  if (first && !first.dataset.seen) {
    first.dataset.seen = "yes";
    first.focus();
  }
  const faults = document.querySelector("#my-errors > .note");
  if (faults && !faults.dataset.seen) {
    faults.dataset.seen = "yes";
    faults.focus();
  }
});

function tell(id, text) {
  const slot = document.getElementById(`k-${id}`);
  if (!slot) return;
  slot.className = "wk-trouble";
  slot.setAttribute("role", "alert");
  slot.textContent = text;
}

// The note is saved: back to the cell that it belongs to.
document.addEventListener("htmx:afterRequest", (event) => {
  const form = event.detail.elt;
  if (!form.matches("form[data-pane]") || !event.detail.successful) return;
  document.getElementById("my-pane").replaceChildren();
  input(form.dataset.cell)?.focus();
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || !event.target.closest?.("#my-pane")) return;
  event.preventDefault();
  event.stopPropagation();
  document.querySelector("[data-close-pane]")?.click();
}, true);

document.addEventListener("click", (event) => {
  const close = event.target.closest("[data-close-pane]");
  if (close) {
    document.getElementById("my-pane").replaceChildren();
    document.getElementById(close.dataset.closePane)?.focus();
  }
  // where one day is shown at a time, a cell of another day is on its own page
  const away = event.target.closest("a[href^='#i-']");
  const cell = away && document.querySelector(away.hash);
  if (cell && !shows(cell)) {
    event.preventDefault();
    const to = new URL(location.href);
    to.searchParams.set("day", away.hash.slice(-1));
    to.hash = away.hash;
    location.assign(to);
  }
  const choice = event.target.closest("[data-keep-theirs], [data-save-mine]");
  if (choice) settle(choice);
});

// Two saved the same cell: theirs is kept, or ours is saved over what was shown of theirs.
function settle(choice) {
  const { keepTheirs, saveMine, hours, entry, version } = choice.dataset;
  const id = keepTheirs ?? saveMine;
  const field = input(id);
  const seen = document.getElementById(`v-${id}`);
  seen.replaceChildren(...(entry ? [hidden("entry", entry), hidden("version", version)] : []));
  if (!field.matches(".wk-h")) return;
  field.value = hours;
  delete field.dataset.unsaved;
  field.focus();
  document.getElementById(`k-${id}`)?.replaceChildren();
  document.getElementById(`k-${id}`)?.removeAttribute("class");
  htmx.trigger(field.form, "submit");
}

function hidden(name, value) {
  const made = document.createElement("input");
  Object.assign(made, { type: "hidden", name, value });
  return made;
}

// Nobody leaves the page before what they typed has arrived.
const idle = () => new Promise((resolve) => {
  const look = () => (ahead > 0 ? setTimeout(look, 30) : resolve());
  look();
});
document.addEventListener("click", (event) => {
  const link = event.target.closest("a[href]");
  if (!ahead || event.defaultPrevented || !link || link.matches("[hx-get], [download], [href^='#']")) return;
  if (event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  idle().then(() => location.assign(link.href));
});
document.addEventListener("submit", (event) => {
  if (!ahead || !event.target.matches(".wk-add")) return;
  event.preventDefault();
  idle().then(() => event.target.submit());
});
addEventListener("beforeunload", (event) => {
  if (ahead > 0 || document.querySelector(".wk-h[data-unsaved]")) event.preventDefault();
});
