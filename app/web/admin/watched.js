// One conversation as a supervisor sees it: read-only, with a word to the agent, taking over, handing on, ending.

import { call, get, post } from "../shared/api.js";
import { Dialog } from "../shared/dialog.js";
import { effect, html, useEffect, useLayoutEffect, useRef, useState } from "../shared/kit.js";
import { problemWords } from "../shared/problems.js";
import { t } from "../shared/words.js";
import { Message } from "../shared/message.js";
import { agentName, customerName, groupName } from "../shared/names.js";
import { state } from "../shared/store.js";
import { Said, useAct } from "./act.js";
import { happened } from "./live.js";

const PAGE = 200;
const EVERY_MS = 4_000;

export function Watched({ id }) {
  const [session, setSession] = useState(null);
  const [messages, setMessages] = useState([]);
  const [problem, setProblem] = useState("");
  const box = useRef(null);
  const known = useRef(new Map());
  const running = useRef(false);

  async function load() {
    if (running.current) return;
    running.current = true;
    try {
      setSession(await get(`/sessions/${id}`));
      setMessages(await allMessages(id, known.current));
      setProblem("");
    } catch (error) {
      setProblem(problemWords(error));
    } finally {
      running.current = false;
    }
  }
  useEffect(() => {
    const stop = effect(() => {
      happened.value;
      load();
    });
    const timer = setInterval(() => document.hidden || load(), EVERY_MS);
    return () => {
      stop();
      clearInterval(timer);
    };
  }, [id]);
  useLayoutEffect(() => {
    if (box.current) box.current.scrollTop = box.current.scrollHeight;
  }, [messages.length]);

  if (!session) return html`<p role="status" class=${problem ? "bad" : ""}>${problem || t("app.loading")}</p>`;
  return html`<article class="watched" aria-label=${customerName(session)}>
    <header>
      <a class="back" href="#live">${t("watch.back")}</a>
      <h2>${customerName(session)}</h2>
      <span class="chip">${t(`state.${session.state}`)}</span>
      <span class="dim">${agentName(session.kf_account) || groupName(session.group)}</span>
    </header>
    <div class="watched-thread" ref=${box} tabindex="0" role="log" aria-label=${t("chat.messages")}>
      <ol class="messages">${messages.map((message) => html`<${Message} key=${message.id} message=${message} mayResend=${false} />`)}</ol>
    </div>
    ${session.state !== "CLOSED" && html`<${Actions} session=${session} onDone=${load} />`}
  </article>`;
}

// The newest ones may have changed (sent, fetched), so a little is read again.
async function allMessages(id, known) {
  const all = [...known.values()];
  let after = Math.max(0, (all.find((one) => one.status === "pending")?.seq ?? all.at(-1)?.seq ?? 0) - 5);
  for (;;) {
    const { data } = await call("GET", `/sessions/${id}/messages?after=${after}&limit=${PAGE}`);
    for (const message of data) known.set(message.id, message);
    if (data.length < PAGE) return [...known.values()].sort((a, b) => a.seq - b.seq);
    after = data.at(-1).seq;
  }
}

function Actions({ session, onDone }) {
  const [asked, setAsked] = useState("");
  const act = useAct();
  const path = `/sessions/${session.id}`;
  const serves = state.value.me.kf_account && session.kf_account !== state.value.me.kf_account;

  async function whisper(event) {
    event.preventDefault();
    const form = event.currentTarget;
    const text = new FormData(form).get("text").trim();
    if (!text || !(await act.run(() => post(`${path}/whisper`, { text })))) return;
    form.reset();
    onDone();
  }
  const run = (what, body) => act.run(() => post(`${path}/${what}`, body), t("act.done")).then(onDone);

  return html`<footer class="stack">
    ${session.kf_account && html`<form class="ask" onSubmit=${whisper}>
      <label>${t("watch.whisper")}<input name="text" required maxlength="500" autocomplete="off" placeholder=${t("watch.whisperHint")} /></label>
      <button disabled=${act.busy}>${t("watch.send")}</button>
    </form>`}
    <div class="buttons">
      <${Said} said=${act.said} />
      ${serves && html`<button type="button" onClick=${() => setAsked("takeover")}>${t("watch.takeover")}</button>`}
      <button type="button" onClick=${() => setAsked("assign")}>${t("watch.assign")}</button>
      <button type="button" class="danger" onClick=${() => setAsked("close")}>${t("watch.close")}</button>
    </div>
    ${asked && html`<${Reason} what=${asked} session=${session} onGiven=${(body) => run(asked, body)} onClose=${() => setAsked("")} />`}
  </footer>`;
}

function Reason({ what, session, onGiven, onClose }) {
  const others = Object.values(state.value.agents).filter((one) => one.kf_account !== session.kf_account && one.serving);

  function submit(event) {
    event.preventDefault();
    onGiven(Object.fromEntries(new FormData(event.currentTarget)));
    onClose();
  }
  return html`<${Dialog} title=${t(`watch.${what}`)} onClose=${onClose}>
    <form class="stack" onSubmit=${submit}>
      ${what === "assign" && (others.length ? html`<label>${t("watch.to")}<select name="kf_account" required>${others.map((one) => html`
        <option key=${one.kf_account} value=${one.kf_account}>${t("watch.agent", { name: one.nickname, load: one.load, seats: one.max_sessions })}</option>`)}</select></label>`
        : html`<p>${t("watch.nobody")}</p>`)}
      <label>${t("watch.reason")}<input name="reason" required maxlength="200" autocomplete="off" /></label>
      <footer class="buttons"><button class="primary" disabled=${what === "assign" && !others.length}>${t(`watch.${what}`)}</button></footer>
    </form>
  <//>`;
}
