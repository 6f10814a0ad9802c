// The keyboard map of the product. Letters work outside text fields, and not where they are off.
const typing = (target) => target.closest?.("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]");
export const lettersOn = () => document.body.dataset.letterKeys !== "off";
let went = 0; // when `g` was pressed

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && typing(event.target) && !event.target.closest("dialog")) {
    event.target.blur();
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  if (typing(event.target) || document.querySelector("dialog[open]") || !lettersOn()) return;
  if (event.key === "?") {
    event.preventDefault();
    document.getElementById("keys-sheet")?.showModal();
    return;
  }
  if (event.key === "g") {
    went = Date.now();
    return;
  }
  if (Date.now() - went < 1500) {
    went = 0;
    const link = document.querySelector(`[data-go="${CSS.escape(event.key)}"]`);
    if (link) {
      event.preventDefault();
      link.click();
    }
    return;
  }
  if (event.key === "/") {
    const field = document.querySelector("[data-list-find], main input[type=search]");
    if (field) {
      event.preventDefault();
      field.focus();
    }
    return;
  }
  // A page's own keys: <button data-key="a">, or a field that the key puts the cursor in. In the row
  // that is selected first, then in the pane, then anywhere. A press opens; it never confirms.
  const name = CSS.escape(event.shiftKey ? `Shift+${event.key.toLowerCase()}` : event.key);
  const wanted = `[data-key="${name}"]`;
  const found = document.querySelector(`.is-sel ${wanted}`) ?? document.querySelector(`.split-pane ${wanted}`) ?? document.querySelector(wanted);
  if (!found) return;
  event.preventDefault();
  if (found.matches("input, textarea, select")) found.focus();
  else found.click();
});
