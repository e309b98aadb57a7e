// The messages in the order of seq, a window of them drawn. It stays at the end unless the agent has
// scrolled up to read.

import { html, useLayoutEffect, useRef, useState } from "../shared/kit.js";
import { t } from "../shared/words.js";
import { Message, Outgoing } from "../shared/message.js";
import { isMine } from "./selectors.js";
import { state } from "../shared/store.js";
import { newer, newest, older, trimmed } from "./window.js";

const NEAR_PX = 80;
const EDGE_PX = 400;

export function Thread({ session }) {
  const list = state.value.messages[session.id]?.list ?? [];
  const onTheWay = state.value.outgoing[session.id] ?? [];
  const box = useRef(null);
  const atEnd = useRef(true);
  const kept = useRef(null);
  const [news, setNews] = useState(false);
  const [wanted, setWanted] = useState(() => newest(list.length));
  const part = trimmed(wanted, list.length);
  const drawn = list.slice(part.first, part.end ?? undefined);
  const last = onTheWay.at(-1)?.client_id ?? list.at(-1)?.id ?? "";

  function toEnd() {
    box.current.scrollTop = box.current.scrollHeight;
  }

  function jump() {
    atEnd.current = true;
    setWanted(newest(list.length));
    setNews(false);
    requestAnimationFrame(toEnd);
  }

  useLayoutEffect(() => {
    if (atEnd.current || onTheWay.length) jump();
    else setNews(true);
  }, [last]);

  // The message that stood at the top of the screen stays where it was when others are drawn around it.
  useLayoutEffect(() => {
    if (!kept.current) return;
    const { id, top } = kept.current;
    kept.current = null;
    const found = box.current.querySelector(`[data-id="${id}"]`);
    if (found) box.current.scrollTop += found.getBoundingClientRect().top - top;
  }, [part.first, part.end]);

  // Pictures, the keyboard of a phone and a longer composer change the height without a new message.
  useLayoutEffect(() => {
    const watch = new ResizeObserver(() => atEnd.current && toEnd());
    watch.observe(box.current);
    watch.observe(box.current.firstElementChild);
    return () => watch.disconnect();
  }, []);

  function move(to) {
    if (to.first === part.first && to.end === part.end) return;
    const top = box.current.getBoundingClientRect().top;
    const shown = [...box.current.querySelectorAll("[data-id]")].find((one) => one.getBoundingClientRect().bottom > top);
    if (shown) kept.current = { id: shown.dataset.id, top: shown.getBoundingClientRect().top };
    setWanted(to);
  }

  function scrolled() {
    const { scrollTop, scrollHeight, clientHeight } = box.current;
    const below = scrollHeight - scrollTop - clientHeight;
    atEnd.current = part.end === null && below < NEAR_PX;
    if (atEnd.current) setNews(false);
    else if (scrollTop < EDGE_PX && part.first > 0) move(older(part, list.length));
    else if (below < EDGE_PX && part.end !== null) move(newer(part, list.length));
  }

  const mayResend = isMine(state.value, session);
  return html`
    <div class="thread" ref=${box} onScroll=${scrolled} tabindex="0" role="log" aria-label=${t("chat.messages")}>
      <ol class="messages">
        ${drawn.map((message) => html`<${Message} key=${message.id} message=${message} mayResend=${mayResend} />`)}
        ${part.end === null && onTheWay.map((item) => html`<${Outgoing} key=${item.client_id} item=${item} />`)}
      </ol>
      ${(news || part.end !== null) && html`<button type="button" class="news" onClick=${jump}>${t(news ? "chat.newer" : "chat.toEnd")} ↓</button>`}
    </div>`;
}
