// A modal dialog: the browser keeps the focus inside, Escape closes it, the focus goes back afterwards.
// The browser tells of the end a task later, when the next dialog may already be asked for: here it is told at once, and once.

import { html, useLayoutEffect, useRef } from "./kit.js";
import { t } from "./words.js";

export function Dialog({ title, onClose, children }) {
  const box = useRef(null);
  const ended = useRef(false);
  const end = () => {
    if (ended.current) return;
    ended.current = true;
    box.current.close();
    onClose();
  };
  useLayoutEffect(() => {
    const dialog = box.current;
    dialog.showModal();
    return () => {
      ended.current = true;
      dialog.close();
    };
  }, []);
  return html`
    <dialog ref=${box} class="card" aria-label=${title} onCancel=${end} onClose=${end}
      onClick=${(event) => event.target === box.current && end()}>
      <div class="dialog-inside">
        <header class="dialog-title">
          <h2>${title}</h2>
          <button type="button" class="quiet" aria-label=${t("app.close")} onClick=${end}>✕</button>
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
