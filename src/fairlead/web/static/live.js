// What every page does: the token on each request, double presses, theme, focus, kept words, clocks.
const root = document.documentElement;
const token = () => document.querySelector("meta[name=csrf-token]")?.content ?? "";

document.addEventListener("htmx:configRequest", (event) => {
  const { headers } = event.detail;
  headers["X-CSRF-Token"] = token();
  // No hand moved lately: the session of an open page must not live for ever.
  if (navigator.userActivation?.isActive === false) headers["X-Fairlead-Background"] = "1";
});

// A second press while the first is on its way does nothing.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.dataset.sent) {
    event.preventDefault();
    event.stopImmediatePropagation();
    return;
  }
  if (form.method === "dialog") return;
  form.dataset.sent = "yes";
  const pressed = event.submitter ?? form.querySelector("[type=submit]");
  pressed?.setAttribute("aria-busy", "true");
}, true);
const free = (form) => {
  if (!(form instanceof HTMLFormElement)) return;
  delete form.dataset.sent;
  for (const button of form.querySelectorAll("[aria-busy]")) button.removeAttribute("aria-busy");
};
document.addEventListener("htmx:afterRequest", (event) => free(event.detail.elt));
addEventListener("pageshow", () => document.querySelectorAll("form[data-sent]").forEach(free));

// The theme changes at once; the server keeps it, so that the next page comes in it.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.matches("[data-theme-form]")) return;
  event.preventDefault();
  const shown = root.dataset.theme ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
  root.dataset.theme = shown === "dark" ? "light" : "dark";
  const sent = new URLSearchParams({ csrf: token(), theme: root.dataset.theme });
  fetch(form.action, { method: "POST", body: sent, headers: { "HX-Request": "true" } }).finally(() => free(form));
});

document.addEventListener("htmx:afterRequest", (event) => {
  const form = event.detail.elt;
  if (form.id !== "preferences" || !event.detail.successful) return;
  const sent = new FormData(form);
  if (sent.get("theme")) root.dataset.theme = sent.get("theme");
  else delete root.dataset.theme;
  document.body.dataset.letterKeys = sent.get("letter_keys") ?? "off";
});

// Focus stays on what was pressed, or goes to the heading of what came instead of it.
let pressed = null;
document.addEventListener("htmx:beforeSwap", () => { pressed = document.activeElement; });
document.addEventListener("htmx:afterSettle", (event) => {
  if (!pressed || pressed === document.body || document.contains(pressed)) return;
  const came = pressed.id ? document.getElementById(pressed.id) : null;
  const next = came ?? event.detail.elt?.querySelector?.("[data-focus], h1, h2, h3, a, button");
  pressed = null;
  if (!next) return;
  if (!next.matches("a, button, input, select, textarea, [tabindex]")) next.tabIndex = -1;
  next.focus({ preventScroll: true });
});

// Words that somebody is typing (data-keep) outlive an ended session, on this device, for an hour.
const hour = 3600 * 1000;
const key = (field) => `keep:${location.pathname}:${field.form?.id ?? ""}:${field.name}`;
document.addEventListener("input", (event) => {
  const field = event.target;
  if (field.matches("[data-keep]")) sessionStorage.setItem(key(field), JSON.stringify({ at: Date.now(), text: field.value }));
});
const restore = (within) => {
  for (const field of within.querySelectorAll("[data-keep]")) {
    const kept = JSON.parse(sessionStorage.getItem(key(field)) ?? "null");
    if (kept && Date.now() - kept.at < hour && !field.value) field.value = kept.text;
  }
};
document.addEventListener("htmx:afterRequest", (event) => {
  if (!event.detail.successful || !(event.detail.elt instanceof HTMLFormElement)) return;
  for (const field of event.detail.elt.querySelectorAll("[data-keep]")) sessionStorage.removeItem(key(field));
});
document.addEventListener("htmx:load", (event) => restore(event.detail.elt));
restore(document);

// What was said against the last attempt is not said of the next one.
document.addEventListener("htmx:beforeRequest", (event) => {
  if (event.detail.requestConfig.verb === "post") document.getElementById("notice")?.replaceChildren();
});

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-dismiss]");
  if (button) button.closest(".toast, .note")?.remove();
});
document.addEventListener("htmx:oobAfterSwap", (event) => {
  const toast = event.detail.target;
  if (toast.id === "toast") setTimeout(() => toast.querySelector(".toast")?.remove(), 8000);
});

// The session is over: the same page asks to sign in, and comes back.
document.addEventListener("htmx:sseBeforeMessage", (event) => {
  if (event.detail.type === "ended") location.reload();
});
