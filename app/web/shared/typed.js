// A field that keeps what is being typed through every redraw and reports it once the person is done with it.

import { html, useState } from "./kit.js";

export function Typed({ tag = "input", value, onDone, ...rest }) {
  const [draft, setDraft] = useState(null);
  const typed = (event) => setDraft(event.currentTarget.value);
  const done = (event) => {
    setDraft(null);
    onDone(event.currentTarget.value);
  };
  return html`<${tag} ...${rest} value=${draft ?? value} onInput=${typed} onChange=${done} />`;
}
