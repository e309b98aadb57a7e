// A button that opens a small list of actions: arrows move, Escape closes and gives the focus back.
// An action with a `why` is shown grey with that reason and does nothing.

import { html, useLayoutEffect, useRef, useState } from "../shared/kit.js";

const STEPS = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 };

export function Menu({ label, face, name, options }) {
  const [open, setOpen] = useState(false);
  const box = useRef(null);
  const items = () => [...box.current.querySelectorAll("[role^=menuitem]")];

  useLayoutEffect(() => {
    if (!open) return undefined;
    items()[0]?.focus();
    const elsewhere = (event) => !box.current.contains(event.target) && setOpen(false);
    document.addEventListener("pointerdown", elsewhere);
    return () => document.removeEventListener("pointerdown", elsewhere);
  }, [open]);

  function close() {
    setOpen(false);
    box.current.firstElementChild.focus();
  }

  function pressed(event) {
    if (event.key === "Escape") close();
    else if (STEPS[event.key]) step(STEPS[event.key]);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  function step(by) {
    const all = items();
    all[(all.indexOf(document.activeElement) + by + all.length) % all.length]?.focus();
  }

  const choose = (option) => {
    if (option.why) return;
    setOpen(false);
    option.act();
  };

  return html`<div class="menu-box" ref=${box} onKeyDown=${open ? pressed : undefined}>
    <button type="button" class="small tool" title=${label} aria-label=${label} aria-haspopup="menu" aria-expanded=${open}
      onClick=${() => setOpen(!open)}>${face}</button>
    ${open && html`<div class="menu-list" role="menu" aria-label=${label} data-name=${name}>
      ${options.map((option) => html`
        <button type="button" class="quiet" role=${option.checked === undefined ? "menuitem" : "menuitemradio"}
          aria-checked=${option.checked} aria-disabled=${Boolean(option.why)} title=${option.why}
          tabindex="-1" onClick=${() => choose(option)}>${option.label}${option.why && html` <small>${option.why}</small>`}</button>`)}
    </div>`}
  </div>`;
}
