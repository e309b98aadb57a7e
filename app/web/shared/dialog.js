// A modal dialog: the browser keeps the focus inside, Escape closes it, the focus goes back afterwards.

import { html, useEffect, useRef } from "./kit.js";
import { t } from "./words.js";

export function Dialog({ title, onClose, children }) {
  const box = useRef(null);
  useEffect(() => {
    box.current.showModal();
  }, []);
  return html`
    <dialog ref=${box} class="card" aria-label=${title} onClose=${onClose}
      onClick=${(event) => event.target === box.current && box.current.close()}>
      <div class="dialog-inside">
        <header class="dialog-title">
          <h2>${title}</h2>
          <button type="button" class="quiet" aria-label=${t("app.close")} onClick=${() => box.current.close()}>✕</button>
        </header>
        ${children}
      </div>
    </dialog>`;
}

export function Confirm({ title, text, yes, onYes, onClose }) {
  return html`
    <${Dialog} title=${title} onClose=${onClose}>
      <p>${text}</p>
      <footer class="buttons">
        <button type="button" onClick=${onClose}>${t("app.cancel")}</button>
        <button type="button" class="danger" onClick=${() => { onYes(); onClose(); }}>${yes}</button>
      </footer>
    <//>`;
}
