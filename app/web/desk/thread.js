// The messages in the order of seq. It stays at the end unless the agent has scrolled up to read.

import { html, useLayoutEffect, useRef, useState } from "../shared/kit.js";
import { t } from "../shared/words.js";
import { Message, Outgoing } from "./message.js";
import { isMine } from "./selectors.js";
import { state } from "./store.js";

const NEAR_END_PX = 80;

export function Thread({ session }) {
  const list = state.value.messages[session.id]?.list ?? [];
  const onTheWay = state.value.outgoing[session.id] ?? [];
  const box = useRef(null);
  const atEnd = useRef(true);
  const [news, setNews] = useState(false);
  const newest = onTheWay.at(-1)?.client_id ?? list.at(-1)?.id ?? "";

  function toEnd() {
    box.current.scrollTop = box.current.scrollHeight;
  }

  useLayoutEffect(() => {
    if (atEnd.current || onTheWay.length) toEnd();
    else setNews(true);
  }, [newest]);

  // Pictures, the keyboard of a phone and a longer composer change the height without a new message.
  useLayoutEffect(() => {
    const watch = new ResizeObserver(() => atEnd.current && toEnd());
    watch.observe(box.current);
    watch.observe(box.current.firstElementChild);
    return () => watch.disconnect();
  }, []);

  function scrolled() {
    const { scrollTop, scrollHeight, clientHeight } = box.current;
    atEnd.current = scrollHeight - scrollTop - clientHeight < NEAR_END_PX;
    if (atEnd.current) setNews(false);
  }

  const mayResend = isMine(state.value, session);
  return html`
    <div class="thread" ref=${box} onScroll=${scrolled} tabindex="0" role="log" aria-label=${t("chat.messages")}>
      <ol class="messages">
        ${list.map((message) => html`<${Message} key=${message.id} message=${message} mayResend=${mayResend} />`)}
        ${onTheWay.map((item) => html`<${Outgoing} key=${item.client_id} item=${item} />`)}
      </ol>
      ${news && html`<button type="button" class="news" onClick=${toEnd}>${t("chat.newer")} ↓</button>`}
    </div>`;
}
