// Where the agent answers: text, pictures, and what WeChat still allows.

import { html, signal, useLayoutEffect, useRef, useState } from "../shared/kit.js";
import { left } from "../shared/time.js";
import { t } from "../shared/words.js";
import { byteLength, IMAGE_TYPES, imageProblem, sendsOn, TEXT_BYTES_MAX } from "./limits.js";
import { sendImage, sendText } from "./outgoing.js";
import { whyReadOnly } from "./selectors.js";
import { now, state, trouble } from "./store.js";

const COUNT_FROM_BYTES = 1024;
const drafts = signal({});

export function Composer({ session }) {
  const why = whyReadOnly(state.value, session, now.value);
  const [over, setOver] = useState(false);

  function files(list) {
    for (const file of list) offer(session, file);
  }

  function dropped(event) {
    event.preventDefault();
    setOver(false);
    if (!why) files(event.dataTransfer.files);
  }

  if (why) return html`<footer class="composer"><p class="readonly" role="status">${t(`readonly.${why}`)}</p></footer>`;
  return html`
    <footer class="composer" data-over=${over} onDrop=${dropped} onDragLeave=${() => setOver(false)}
      onDragOver=${(event) => { event.preventDefault(); setOver(true); }}>
      ${over && html`<p class="drop">${t("compose.drop")}</p>`}
      <${Write} session=${session} files=${files} />
    </footer>`;
}

function Write({ session, files }) {
  const box = useRef(null);
  const text = drafts.value[session.id] ?? "";
  const bytes = byteLength(text);
  const tooLong = bytes > TEXT_BYTES_MAX;
  const setText = (value) => (drafts.value = { ...drafts.value, [session.id]: value });

  useLayoutEffect(() => grow(box.current), [text]);
  useLayoutEffect(() => matchMedia("(min-width: 760px)").matches && box.current.focus(), []);

  function send(event) {
    event.preventDefault();
    box.current.focus();
    if (!text.trim() || tooLong) return;
    sendText(session, text);
    setText("");
  }

  function pasted(event) {
    if (!event.clipboardData.files.length) return;
    event.preventDefault();
    files(event.clipboardData.files);
  }

  return html`
    <form onSubmit=${send}>
      <${Budget} budget=${session.budget} />
      <textarea ref=${box} rows="2" value=${text} aria-label=${t("compose.label")} placeholder=${t("compose.hint")}
        aria-invalid=${tooLong} onInput=${(event) => setText(event.currentTarget.value)} onPaste=${pasted}
        onKeyDown=${(event) => sendsOn(event) && send(event)}></textarea>
      <div class="composer-foot">
        <label class="button small">${t("compose.image")}
          <input type="file" class="unseen" multiple accept=${IMAGE_TYPES.join(",")}
            onChange=${(event) => { files([...event.currentTarget.files]); event.currentTarget.value = ""; }} />
        </label>
        <span class=${tooLong ? "bytes bad" : "bytes"} role="status">
          ${bytes >= COUNT_FROM_BYTES && t("compose.bytes", { n: bytes, max: TEXT_BYTES_MAX })}
          ${tooLong && html` ${t("compose.tooLong")}`}
        </span>
        <button class="primary" disabled=${!text.trim() || tooLong}>${t("compose.send")}</button>
      </div>
    </form>`;
}

function Budget({ budget }) {
  const time = left(budget.window_ends_ms - now.value);
  return html`<p class="budget" data-low=${budget.remaining <= 1}>${t("budget.line", { n: budget.remaining, time })}</p>`;
}

function offer(session, file) {
  const problem = imageProblem(file);
  if (problem) trouble.value = t(problem.key, problem.values);
  else sendImage(session, file);
}

function grow(box) {
  box.style.height = "auto";
  box.style.height = `${box.scrollHeight + 2}px`;
}
