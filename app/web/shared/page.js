// A page behind a sign-in. The form needs little and is there at once; what comes behind it is loaded meanwhile.

import { resume, signIn, whenSignedIn } from "./session.js";
import { state } from "./store.js";
import { html, render, signal } from "./kit.js";
import { Login } from "./login.js";
import { language, t } from "./words.js";

const resumed = signal(false);
const view = signal(null);
const broken = signal(false);

// `load` answers {View, begin, end}: what is shown to one who is signed in, and what runs while they are.
export function openPage(title, load) {
  document.documentElement.lang = language.value === "zh" ? "zh-CN" : "en";
  document.title = t(title);
  const loaded = load();
  whenSignedIn(() => loaded.then(start, fail), () => loaded.then(stop, fail));
  render(html`<${Page} title=${title} />`, document.getElementById("app"));
  resume()
    .catch(() => {})
    .finally(() => (resumed.value = true));
}

function start({ View, begin }) {
  if (!state.value.me) return;
  begin();
  view.value = View;
}

function stop({ end }) {
  end();
  view.value = null;
}

const fail = () => (broken.value = true);

function Page({ title }) {
  const { me } = state.value;
  if (resumed.value && !me) return html`<${Login} title=${t(title)} signIn=${signIn} />`;
  if (me && view.value) return html`<${view.value} />`;
  return html`<main class="login"><p role="status">${t(broken.value ? "problem.network" : "app.loading")}</p></main>`;
}
