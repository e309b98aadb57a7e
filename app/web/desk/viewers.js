// Who else looks at the conversation on screen, or types in it; and telling colleagues that I do.

import { post } from "../shared/api.js";
import { effect, html, signal } from "../shared/kit.js";
import { t } from "../shared/words.js";
import { agentName } from "../shared/names.js";
import { dispatch, now, selected, state } from "../shared/store.js";

const AGAIN_MS = 20_000;

const visible = signal(!document.hidden);
let shown = "";
let timer = 0;

export function Others({ session }) {
  const me = state.value.me.person?.username;
  const here = (state.value.viewers[session.id] ?? []).filter((one) => one.who !== me && one.until_ms > now.value);
  if (!here.length || session.departed) return "";
  const name = (one) => agentName(one.kf_account) || one.who;
  const types = here.filter((one) => one.typing_ms > now.value).map(name);
  const names = (types.length ? types : here.map(name)).join(t("app.comma"));
  return html`<p class="others" role="status">${t(types.length ? "viewers.typing" : "viewers.looking", { names })}</p>`;
}

export function keepViewing() {
  document.addEventListener("visibilitychange", () => (visible.value = !document.hidden));
  effect(() => {
    const session = selected.value;
    view(isOpenToMe(session) && visible.value ? session.id : "");
  });
}

const isOpenToMe = (session) => Boolean(session) && session.state !== "CLOSED" && !session.departed;

function view(id) {
  if (id === shown) return;
  clearInterval(timer);
  if (isOpenToMe(state.peek().sessions[shown])) tell(shown, false);
  shown = id;
  if (!id) return;
  tell(id, true);
  timer = setInterval(() => tell(id, true), AGAIN_MS);
}

// A courtesy among colleagues: what fails is not shown. One may be told once too often, never too seldom.
function tell(id, active) {
  post(`/sessions/${id}/view`, { active })
    .then((viewers) => active && id === shown && dispatch({ type: "viewers", session_id: id, viewers }))
    .catch(() => {});
}
