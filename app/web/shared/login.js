// The sign-in form of desk and console.

import { html, useState } from "./kit.js";
import { problemWords } from "./problems.js";
import { t } from "./words.js";
import { LanguageButton } from "./language.js";

export function Login({ title, signIn }) {
  const [problem, setProblem] = useState("");
  const [busy, setBusy] = useState(false);

  async function submit(event) {
    event.preventDefault();
    const { username, password } = Object.fromEntries(new FormData(event.currentTarget));
    setBusy(true);
    setProblem("");
    try {
      await signIn(username.trim(), password);
    } catch (error) {
      setProblem(loginWords(error));
      setBusy(false);
    }
  }

  return html`
    <main class="login">
      <form class="card" onSubmit=${submit}>
        <header class="login-title"><span class="ring" aria-hidden="true"></span><h1>${title}</h1></header>
        <label>${t("login.username")}
          <input name="username" autocomplete="username" autocapitalize="none" required maxlength="128" autofocus />
        </label>
        <label>${t("login.password")}
          <input name="password" type="password" autocomplete="current-password" required maxlength="1024" />
        </label>
        <p class="problem" role="alert">${problem}</p>
        <button class="primary wide" disabled=${busy}>${t("login.submit")}</button>
        <${LanguageButton} />
      </form>
    </main>`;
}

function loginWords(error) {
  if (error.code === "unauthorized") return t("login.wrong");
  if (error.code === "throttled") return t("login.throttled", { seconds: error.body.retry_after_s ?? 60 });
  return problemWords(error);
}
