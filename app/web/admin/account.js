// One kf account: its name, seats, groups and role; invite, picture, password, off and on, removal.

import { call, patch, post, upload } from "../shared/api.js";
import { Confirm, Dialog } from "../shared/dialog.js";
import { html, useState } from "../shared/kit.js";
import { t } from "../shared/words.js";
import { state } from "../shared/store.js";
import { Said, useAct } from "./act.js";

const ROLES = ["agent", "supervisor", "admin"];

export function EditAccount({ account, onChanged, onClose }) {
  const act = useAct();
  const [asked, setAsked] = useState("");
  const path = `/admin/kf-accounts/${account.kf_account}`;
  const name = account.nickname;

  const done = (words) => (answer) => {
    onChanged();
    return answer?.generated_password ? t("person.password", { password: answer.generated_password }) : words;
  };
  const change = (body, words = t("act.saved")) => act.run(() => patch(path, body), done(words));

  function save(event) {
    event.preventDefault();
    const fields = new FormData(event.currentTarget);
    const role = fields.get("role");
    change({
      nickname: fields.get("nickname").trim(),
      max_sessions: Number(fields.get("max_sessions")),
      groups: fields.getAll("groups"),
      ...(account.username && role !== account.role && { role }),
    });
  }

  function invite(event) {
    event.preventDefault();
    const invite_wx = new FormData(event.currentTarget).get("invite_wx").trim();
    act.run(() => post(`${path}/invite`, { invite_wx }), done(t("account.invited")));
  }

  async function picture(event) {
    const [file] = event.currentTarget.files;
    if (file) await act.run(() => upload(`${path}/avatar`, file), done(t("account.pictured")));
  }

  async function remove() {
    const gone = await act.run(() => call("DELETE", path));
    if (gone !== undefined) {
      onClose();
      onChanged();
    }
  }

  return html`<${Dialog} title=${`${name} · ${account.kf_account}`} onClose=${onClose}>
    <p class="dim">${t(`platform.${account.platform}`)} ${account.platform_note}</p>
    <${Said} said=${act.said} />
    <form class="stack" onSubmit=${save}>
      <label>${t("account.nickname")}<input name="nickname" required maxlength="16" defaultValue=${name} autocomplete="off" /></label>
      <label>${t("account.seats")}<input name="max_sessions" type="number" min="0" max="1000" required defaultValue=${account.max_sessions} /></label>
      ${account.username && html`<label>${t("account.role")}<select name="role">${ROLES.map((role) => html`
        <option key=${role} value=${role} selected=${role === account.role}>${t(`role.${role}`)}</option>`)}</select></label>`}
      <fieldset><legend>${t("account.groups")}</legend>${state.value.groups.map((group) => html`
        <label class="option" key=${group.name}><input type="checkbox" name="groups" value=${group.name}
          defaultChecked=${account.groups.includes(group.name)} /> ${group.title}</label>`)}</fieldset>
      <footer class="buttons"><button class="primary" disabled=${act.busy}>${t("act.save")}</button></footer>
    </form>
    <form class="ask" onSubmit=${invite}>
      <label>${t("account.inviteWx")}<input name="invite_wx" required maxlength="64" autocapitalize="none" autocomplete="off" /></label>
      <button disabled=${act.busy}>${t("account.invite")}</button>
    </form>
    <div><label class="button">${t("account.avatar")}<input class="unseen" type="file" accept="image/jpeg" disabled=${act.busy} onChange=${picture} /></label></div>
    <footer class="buttons">
      ${account.username && html`<button type="button" onClick=${() => setAsked("password")}>${t("person.reset")}</button>`}
      <button type="button" onClick=${() => (account.disabled ? change({ disabled: false }) : setAsked("disable"))}>
        ${t(account.disabled ? "account.enable" : "account.disable")}</button>
      <button type="button" class="danger" onClick=${() => setAsked("remove")}>${t("account.remove")}</button>
    </footer>
    ${asked === "disable" && html`<${Confirm} title=${t("account.disable")} text=${t("account.disableAsk", { name })} yes=${t("account.disable")}
      onYes=${() => change({ disabled: true })} onClose=${() => setAsked("")} />`}
    ${asked === "remove" && html`<${Confirm} title=${t("account.remove")} text=${t("account.removeAsk", { name })} yes=${t("account.remove")}
      onYes=${remove} onClose=${() => setAsked("")} />`}
    ${asked === "password" && html`<${NewPassword} username=${account.username} onClose=${() => setAsked("")}
      onGiven=${(password) => change({ password }, t("person.passwordSet"))} />`}
  <//>`;
}

export function NewPassword({ username, onGiven, onClose }) {
  function submit(event) {
    event.preventDefault();
    onGiven(new FormData(event.currentTarget).get("password"));
    onClose();
  }
  return html`<${Dialog} title=${t("person.reset")} onClose=${onClose}>
    <form class="stack" onSubmit=${submit}>
      <p>${t("person.resetAsk", { name: username })}</p>
      <label>${t("person.newPassword")}<input name="password" type="password" required minlength="8" maxlength="256" autocomplete="new-password" /></label>
      <footer class="buttons"><button class="primary">${t("person.reset")}</button></footer>
    </form>
  <//>`;
}
