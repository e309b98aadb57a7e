// The box: text, what is pasted, canned replies by a slash, and what else can be sent.

import { html, useLayoutEffect, useRef, useState } from "../shared/kit.js";
import { t } from "../shared/words.js";
import { asked, canned, filled, fitting, loadCanned } from "./canned.js";
import { CannedMenu, optionId } from "./canned_menu.js";
import { draftOf, setDraft } from "./drafts.js";
import { keep, recall } from "../shared/kept.js";
import { byteLength, isComposing, sendsOn, TEXT_BYTES_MAX } from "./limits.js";
import { sendOrHold } from "./merge.js";
import { Tools } from "./tools.js";
import { stops, types } from "./typing.js";

const COUNT_FROM_BYTES = 1024;

export function Write({ session, files }) {
  const box = useRef(null);
  const [at, setAt] = useState(0);
  const [withCtrl, setWithCtrl] = useState(() => recall("ctrlEnter", false));
  const text = draftOf(session.id);
  const words = asked(text);
  const offered = words === null ? [] : fitting(words, canned.value ?? []);
  const bytes = byteLength(text);
  const tooLong = bytes > TEXT_BYTES_MAX;

  useLayoutEffect(() => grow(box.current), [text]);
  useLayoutEffect(() => {
    if (matchMedia("(min-width: 760px)").matches) box.current.focus();
    return stops;
  }, []);
  useLayoutEffect(() => {
    if (words !== null && !canned.value) loadCanned().catch(() => {});
    setAt(0);
  }, [words]);

  function send(event) {
    event?.preventDefault();
    box.current.focus();
    if (!text.trim() || tooLong) return;
    sendOrHold(session, text);
    setDraft(session.id, "");
    stops();
  }

  function written(value) {
    setDraft(session.id, value);
    if (value.trim() && asked(value) === null) types(session.id);
    else stops();
  }

  function insert(piece) {
    const { selectionStart: from, selectionEnd: to } = box.current;
    setDraft(session.id, text.slice(0, from) + piece + text.slice(to));
    box.current.focus();
  }

  function pick(reply) {
    setDraft(session.id, filled(reply.text, session));
    box.current.focus();
  }

  function pressed(event) {
    if (offered.length && !isComposing(event) && chosen(event)) return event.preventDefault();
    if (sendsOn(event, withCtrl)) send(event);
  }

  // Keys that belong to the list of canned replies while it is open.
  function chosen({ key }) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[key];
    if (step) setAt((at + step + offered.length) % offered.length);
    else if (key === "Enter" || key === "Tab") pick(offered[at]);
    else if (key === "Escape") setDraft(session.id, "");
    else return false;
    return true;
  }

  function pasted(event) {
    if (!event.clipboardData.files.length) return;
    event.preventDefault();
    files(event.clipboardData.files);
  }

  function choose(ctrl) {
    setWithCtrl(ctrl);
    keep("ctrlEnter", ctrl);
  }

  return html`
    <form onSubmit=${send}>
      ${words !== null && html`<${CannedMenu} replies=${offered} at=${at} pick=${pick} />`}
      <textarea ref=${box} rows="1" value=${text} aria-label=${t("compose.label")} placeholder=${hint(withCtrl)}
        aria-invalid=${tooLong} aria-controls=${words === null ? undefined : "canned"}
        aria-activedescendant=${offered[at] ? optionId(offered[at]) : undefined}
        onInput=${(event) => written(event.currentTarget.value)} onPaste=${pasted} onBlur=${stops} onKeyDown=${pressed}></textarea>
      <div class="composer-foot">
        <${Tools} session=${session} files=${files} insert=${insert} pick=${pick} withCtrl=${withCtrl} choose=${choose} />
        <span class=${tooLong ? "bytes bad" : "bytes"} role="status">
          ${bytes >= COUNT_FROM_BYTES && t("compose.bytes", { n: bytes, max: TEXT_BYTES_MAX })}
          ${tooLong && html` ${t("compose.tooLong")}`}
        </span>
        <button class="primary" disabled=${!text.trim() || tooLong}>${t("compose.send")}</button>
      </div>
    </form>`;
}

// A phone's keyboard has neither Ctrl nor Shift to speak of.
function hint(withCtrl) {
  if (matchMedia("(pointer: coarse)").matches) return t("compose.hintTouch");
  return t(withCtrl ? "compose.hintCtrl" : "compose.hint");
}

function grow(box) {
  box.style.height = "auto";
  box.style.height = `${box.scrollHeight + 2}px`;
}
