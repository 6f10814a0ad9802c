// The board: h and l go by column, j and k by card, Enter shows it, n goes to the next blocker.
import { lettersOn } from "./keys.js";

const lanes = () => Array.from(document.querySelectorAll("[data-board] [data-lane]"));
const cardsOf = (lane) => Array.from(lane.querySelectorAll("[data-card]"));
const chosen = () => document.querySelector("[data-board] .card.is-sel");

function mark(card) {
  for (const one of document.querySelectorAll("[data-board] [data-card]")) {
    one.classList.toggle("is-sel", one === card);
    if (one === card) one.setAttribute("aria-current", "true");
    else one.removeAttribute("aria-current");
  }
}

function go(card) {
  if (!card) return;
  mark(card);
  card.focus({ preventScroll: true });
  card.scrollIntoView({ block: "nearest", inline: "nearest" });
}

// From where the focus is, else from the card that is shown.
const from = () => document.activeElement?.closest?.("[data-card]") ?? chosen();

function column(by) {
  const full = lanes().filter((lane) => cardsOf(lane).length);
  const now = from()?.closest("[data-lane]");
  const at = full.indexOf(now);
  const to = full[Math.max(0, Math.min(full.length - 1, at + by))];
  if (!to || to === now) {
    go(from());
    return;
  }
  const row = now ? cardsOf(now).indexOf(from()) : 0;
  const cards = cardsOf(to);
  go(cards[Math.min(Math.max(row, 0), cards.length - 1)]);
}

function row(by) {
  const now = from();
  const cards = now ? cardsOf(now.closest("[data-lane]")) : lanes().flatMap(cardsOf);
  if (!cards.length) return;
  go(cards[now ? Math.max(0, Math.min(cards.length - 1, cards.indexOf(now) + by)) : 0]);
}

function blocker() {
  const links = Array.from(document.querySelectorAll("#preview [data-blocker]"));
  if (!links.length) return;
  links[(links.indexOf(document.activeElement) + 1) % links.length].focus();
}

document.addEventListener("keydown", (event) => {
  const field = event.target.closest?.("input:not([type=checkbox], [type=radio]), textarea, select");
  if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey || field || event.defaultPrevented) return;
  if (document.querySelector("dialog[open]") || !lettersOn() || !document.querySelector("[data-board]")) return;
  const does = { h: () => column(-1), l: () => column(1), j: () => row(1), k: () => row(-1), n: blocker }[event.key];
  if (!does) return;
  event.preventDefault();
  does();
});

document.addEventListener("click", (event) => {
  const card = event.target.closest?.("[data-board] [data-card]");
  if (card) mark(card);
});

// What is loaded anew by itself waits while somebody fills in a form of it.
document.addEventListener("htmx:beforeRequest", (event) => {
  const it = event.detail.elt;
  if (!it.matches("#board, #invoice, #revenue-batch")) return;
  if (it.querySelector("details.act-in[open], input[type=checkbox]:checked")) event.preventDefault();
});
document.addEventListener("htmx:afterRequest", (event) => {
  const form = event.detail.elt;
  if (form.matches(".draft-form") && event.detail.successful) form.closest("details").open = false;
});

// A board that was loaded anew keeps the card that the address names, and the focus on it.
let focused = null;
let acted = false; // a form was sent; what came of it is below the board
document.addEventListener("htmx:beforeSwap", (event) => {
  acted = event.detail.requestConfig?.elt?.matches?.("form[hx-target='#board']") && event.detail.xhr.status < 400;
});
document.addEventListener("htmx:afterSettle", (event) => {
  if (!acted || event.target.id !== "preview") return;
  acted = false;
  document.getElementById("why-h")?.focus({ preventScroll: true });
});
document.addEventListener("htmx:beforeSwap", (event) => {
  if (event.detail.target.id !== "board") return;
  focused = document.activeElement?.closest?.("[data-card]")?.getAttribute("href") ?? null;
});
document.addEventListener("htmx:afterSettle", (event) => {
  if (event.detail.target.id !== "board" && event.target.id !== "board") return;
  const name = new URLSearchParams(location.search).get("card");
  const cards = Array.from(document.querySelectorAll("[data-board] [data-card]"));
  const card = cards.find((one) => new URL(one.href).searchParams.get("card") === name);
  if (card) mark(card);
  if (focused) cards.find((one) => one.getAttribute("href") === focused)?.focus({ preventScroll: true });
  focused = null;
});
