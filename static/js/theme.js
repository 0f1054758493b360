/* The chosen theme, set before the first paint. Without a choice the system's wish holds (tokens.css). */
(() => {
  "use strict";
  let chosen = null;
  try {
    chosen = localStorage.getItem("gatebook.theme");
  } catch {
    chosen = null; // storage may be forbidden; the system's wish holds
  }
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
})();
