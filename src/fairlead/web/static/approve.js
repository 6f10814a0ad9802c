// Phone approval: a decision that could not be sent is kept here, and sent when there is a connection.
const form = () => document.getElementById("decide");
const home = () => document.getElementById("approve");
const place = () => `decision:${home().dataset.who}:${location.pathname}`;
const kept = () => JSON.parse(sessionStorage.getItem(place()) ?? "null");

function tell() {
  const found = kept();
  const note = document.querySelector("[data-kept]");
  if (!note) return;
  note.hidden = !found;
  if (found) note.querySelector("[data-kept-what]").textContent = `“${found.label}”`;
}

function forget() {
  sessionStorage.removeItem(place());
  tell();
}

function send() {
  const found = kept();
  const it = form();
  if (!found || !(it instanceof HTMLFormElement)) return;
  // Of another version than what was decided: the person looks again.
  if (found.version !== it.dataset.version) return forget();
  const button = it.querySelector(`[name=decision][value="${CSS.escape(found.decision)}"]`);
  it.elements.reason.value = found.reason;
  if (button) it.requestSubmit(button);
}

let pressed = null; // the button of the last press
document.addEventListener("submit", (event) => {
  if (event.target === form()) pressed = event.submitter;
}, true);
document.addEventListener("htmx:sendError", (event) => {
  const it = form();
  if (event.detail.elt !== it || !pressed) return;
  const now = { decision: pressed.value, label: pressed.textContent, reason: it.elements.reason.value, version: it.dataset.version };
  sessionStorage.setItem(place(), JSON.stringify(now));
  tell();
  document.querySelector("[data-kept]")?.scrollIntoView({ block: "start" });
});
document.addEventListener("htmx:afterOnLoad", (event) => {
  if (event.detail.elt === form() || event.target.id === "approve") forget();
});
document.addEventListener("click", (event) => {
  if (event.target.closest("[data-take-back]")) forget();
  if (event.target.closest("[data-send-now]")) send();
});
addEventListener("online", send);
tell();
if (navigator.onLine) send();
