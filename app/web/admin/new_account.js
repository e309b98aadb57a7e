// The form that registers a kf account, at WeChat first; WeChat's refusal is shown in words.

import { post } from "../shared/api.js";
import { html } from "../shared/kit.js";
import { t } from "../shared/words.js";
import { state } from "../shared/store.js";
import { Said, useAct } from "./act.js";

const ROLES = ["agent", "supervisor", "admin"];

export function NewAccount({ onMade }) {
  const act = useAct();

  async function submit(event) {
    event.preventDefault();
    const form = event.currentTarget;
    const made = await act.run(() => post("/admin/kf-accounts", bodyOf(form)), madeWords);
    if (!made) return;
    form.reset();
    onMade();
  }

  return html`
    <form class="stack new" onSubmit=${submit}>
      <div class="fields">
        <label>${t("account.prefix")}<input name="kf_account" required pattern="[A-Za-z0-9_]{1,10}" autocapitalize="none" autocomplete="off" /></label>
        <label>${t("account.nickname")}<input name="nickname" required maxlength="16" autocomplete="off" /></label>
        <label>${t("account.username")}<input name="username" maxlength="64" autocapitalize="none" autocomplete="off" /></label>
        <label>${t("account.password")}<input name="password" type="password" minlength="8" maxlength="256" autocomplete="new-password" /></label>
        <label>${t("account.role")}<select name="role">${ROLES.map((role) => html`<option key=${role} value=${role}>${t(`role.${role}`)}</option>`)}</select></label>
        <label>${t("account.seats")}<input name="max_sessions" type="number" min="0" max="1000" defaultValue="5" required /></label>
      </div>
      <fieldset><legend>${t("account.groups")}</legend>
        ${state.value.groups.map((group) => html`
          <label class="option" key=${group.name}><input type="checkbox" name="groups" value=${group.name} /> ${group.title}</label>`)}
      </fieldset>
      <footer class="buttons">
        <${Said} said=${act.said} />
        <button class="primary" disabled=${act.busy}>${t("account.add")}</button>
      </footer>
    </form>`;
}

function madeWords(made) {
  const password = made.generated_password;
  return t(password ? "account.madePassword" : "account.made", { name: made.nickname, password });
}

function bodyOf(form) {
  const fields = new FormData(form);
  const { kf_account, nickname, username, password, role, max_sessions } = Object.fromEntries(fields);
  return {
    kf_account, nickname, role,
    groups: fields.getAll("groups"),
    max_sessions: Number(max_sessions),
    ...(username && { username }),
    ...(password && { password }),
  };
}
