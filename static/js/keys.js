/* Shortcuts: places, the next row, the filter, and the list of them all. Silent while somebody types. */
(() => {
  "use strict";
  const panel = document.querySelector("details[data-keys]");
  if (!panel) return;
  const TYPING = "input, textarea, select, [contenteditable]";
  const ROWS = "main .queue > li, main .table tbody tr";
  const OPENER = ".queue-title a, th a, td a, a, button";
  const FILTERS = "main input[type=search], main .filters :is(input:not([type=hidden]), select), main [data-filter]";
  const PAUSE = 1500; // ms between g and the letter
  const quiet = matchMedia("(prefers-reduced-motion: reduce)");
  let going = 0;

  const isOff = () => {
    try {
      return localStorage.getItem("gatebook.keys") === "off";
    } catch {
      return false; // storage may be forbidden; shortcuts then work
    }
  };

  const show = (open) => {
    panel.open = open;
    if (open) panel.querySelector("summary").focus();
  };

  const go = (letter) => panel.querySelector(`[data-go="${CSS.escape(letter)}"]`)?.click();

  const step = (by) => {
    const links = [...document.querySelectorAll(ROWS)]
      .filter((row) => row.getClientRects().length)
      .map((row) => [row, row.querySelector(OPENER)])
      .filter(([, link]) => link);
    if (!links.length) return;
    const here = links.findIndex(([row]) => row.contains(document.activeElement));
    const [row, link] = links[here < 0 ? 0 : Math.min(Math.max(here + by, 0), links.length - 1)];
    link.focus({ preventScroll: true });
    row.scrollIntoView({ block: "nearest", behavior: quiet.matches ? "auto" : "smooth" });
  };

  const single = {
    "?": () => show(!panel.open),
    "/": () => document.querySelector(FILTERS)?.focus(),
    j: () => step(1),
    k: () => step(-1),
    g: () => { going = Date.now(); },
  };

  const showSwitch = () => {
    const button = panel.querySelector("[data-keys-switch]");
    button.setAttribute("aria-pressed", String(!isOff()));
    button.hidden = false;
  };

  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && panel.open) {
      panel.open = false;
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (event.target.closest?.(TYPING) || isOff()) return;
    const second = Date.now() - going < PAUSE;
    going = 0;
    const act = second ? () => go(event.key) : single[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  });

  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-keys-switch]")) {
      try {
        if (isOff()) localStorage.removeItem("gatebook.keys");
        else localStorage.setItem("gatebook.keys", "off");
      } catch {
        return; // the choice cannot be kept
      }
      showSwitch();
    } else if (event.target.closest("[data-keys-open]")) {
      event.preventDefault();
      show(true);
    } else if (!panel.contains(event.target)) {
      panel.open = false;
    }
  });
  showSwitch();
})();
