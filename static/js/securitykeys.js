/* Asks a security key: a button with data-key="get" or "create" puts the key's answer into a field and sends its form. */
(() => {
  "use strict";
  const ask = async (button) => {
    const options = JSON.parse(document.getElementById(button.dataset.options).textContent);
    return button.dataset.key === "create" ? window.webauthnJSON.create(options) : window.webauthnJSON.get(options);
  };

  for (const button of document.querySelectorAll("button[data-key]")) {
    const form = button.form;
    const said = form.querySelector("[data-key-said]");
    button.addEventListener("click", async () => {
      said.textContent = "";
      try {
        form.elements.namedItem("credential").value = JSON.stringify(await ask(button));
        form.submit();
      } catch (error) {
        said.textContent = `${said.dataset.keySaid} (${error.name})`;
      }
    });
  }
})();
