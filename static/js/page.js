/* What a page needs of script: theme buttons, the menu that closes, and a word when a request fails. */
(() => {
  "use strict";
  const root = document.documentElement;

  const remember = (choice) => {
    try {
      if (choice === "system") localStorage.removeItem("gatebook.theme");
      else localStorage.setItem("gatebook.theme", choice);
    } catch {
      return; // the choice then holds for this page only
    }
  };

  const showTheme = () => {
    const current = root.dataset.theme ?? "system";
    for (const button of document.querySelectorAll("[data-theme-choice]")) {
      button.setAttribute("aria-pressed", String(button.dataset.themeChoice === current));
    }
  };

  const choose = (choice) => {
    if (choice === "system") delete root.dataset.theme;
    else root.dataset.theme = choice;
    remember(choice);
    showTheme();
  };

  const closeMenus = (except) => {
    for (const menu of document.querySelectorAll("details[data-menu][open]")) {
      if (menu !== except) menu.open = false;
    }
  };

  const say = (text) => {
    const area = document.getElementById("messages");
    const note = document.createElement("p");
    note.className = "note note--plain is-bad";
    note.setAttribute("role", "alert");
    note.textContent = text;
    area?.replaceChildren(note);
    area?.scrollIntoView({ block: "nearest" });
  };

  for (const part of document.querySelectorAll("[data-themes]")) part.hidden = false;
  showTheme();

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-theme-choice]");
    if (button) choose(button.dataset.themeChoice);
    closeMenus(event.target.closest("details[data-menu]"));
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    const menu = document.querySelector("details[data-menu][open]");
    closeMenus(null);
    menu?.querySelector("summary")?.focus();
  });
  document.body.addEventListener("htmx:responseError", (event) => {
    const status = event.detail.xhr.status;
    say(status === 403 ? "You may not do this, or your session has ended. Reload the page."
      : `The server answered ${status}. Nothing was changed by this page; reload it and try again.`);
  });
  document.body.addEventListener("htmx:sendError", () => say("The server cannot be reached. Nothing was sent."));
})();
