// Persons who sign in: their role, what they serve with, their password.

import { patch, post, put } from "../shared/api.js";
import { Confirm, Dialog } from "../shared/dialog.js";
import { html, useState } from "../shared/kit.js";
import { momentOf } from "../shared/time.js";
import { t } from "../shared/words.js";
import { agentName } from "../shared/names.js";
import { now, state } from "../shared/store.js";
import { accountName, officials } from "./official.js";
import { NewPassword } from "./account.js";
import { Said, useAct } from "./act.js";
import { useFetched } from "./fetched.js";
import { Loading, Table } from "./table.js";

const ROLES = ["agent", "supervisor", "admin"];

export function People() {
  const { data, problem, refresh } = useFetched("/admin/people");
  const act = useAct();
  const [asked, setAsked] = useState(null);
  const close = () => setAsked(null);

  const change = (person, body) => act.run(() => patch(`/admin/people/${person.id}`, body), () => {
    refresh();
    return t("act.saved");
  });
  const password = (person, body) => act.run(() => put(`/admin/people/${person.id}/password`, body), (made) =>
    made.generated_password ? t("person.password", { password: made.generated_password }) : t("person.passwordSet"));

  return html`
    <header class="section-head">
      <h1>${t("console.people")}</h1>
      <button type="button" class="primary" onClick=${() => setAsked({ what: "new" })}>${t("person.new")}</button>
    </header>
    <p class="dim">${t("person.hint")}</p>
    <${Said} said=${act.said} />
    <${Loading} data=${data} problem=${problem} />
    ${data && html`<${Table} rows=${data} columns=${[
      ["col.person", (one) => one.username],
      ["col.name", (one) => one.display_name],
      ["account.role", (one) => html`<select aria-label=${`${t("account.role")} ${one.username}`} onChange=${(event) => change(one, { role: event.currentTarget.value })}>
        ${ROLES.map((role) => html`<option key=${role} value=${role} selected=${role === one.role}>${t(`role.${role}`)}</option>`)}</select>`],
      ["col.serves", servesWords],
      ...(officials().length > 1 ? [["person.leads", (one) => html`<${Leads} person=${one} onChange=${(leads) => change(one, { leads })} />`]] : []),
      ["col.began", (one) => momentOf(one.created_ms, now.value)],
      ["col.actions", (one) => html`<span class="row-buttons">
        <button type="button" class="small" onClick=${() => setAsked({ what: "password", person: one })}>${t("person.reset")}</button>
        <button type="button" class="small" onClick=${() => password(one, { generate: true })}>${t("person.generate")}</button>
        <button type="button" class="small" onClick=${() => (one.disabled ? change(one, { disabled: false }) : setAsked({ what: "disable", person: one }))}>
          ${t(one.disabled ? "account.enable" : "account.disable")}</button></span>`],
    ]} />`}
    ${asked?.what === "new" && html`<${NewPerson} onMade=${refresh} onClose=${close} />`}
    ${asked?.what === "password" && html`<${NewPassword} username=${asked.person.username} onClose=${close}
      onGiven=${(text) => password(asked.person, { password: text })} />`}
    ${asked?.what === "disable" && html`<${Confirm} title=${t("account.disable")} yes=${t("account.disable")}
      text=${t("person.disableAsk", { name: asked.person.username })} onYes=${() => change(asked.person, { disabled: true })} onClose=${close} />`}`;
}

// The official accounts that a supervisor is given by name; the one of the kf account is theirs anyway.
function Leads({ person, onChange }) {
  if (person.role === "admin") return t("person.leadsAll");
  if (person.role !== "supervisor") return "";
  const toggle = (appid, on) => onChange(on ? [...person.leads, appid] : person.leads.filter((one) => one !== appid));
  return html`<fieldset aria-label=${`${t("person.leads")} ${person.username}`}>
    ${officials().map(({ appid }) => html`<label key=${appid}><input type="checkbox" checked=${person.leads.includes(appid) || person.appid === appid}
      disabled=${person.appid === appid} onChange=${(event) => toggle(appid, event.currentTarget.checked)} /> ${accountName(appid)}</label>`)}
    ${!person.appid && !person.leads.length && html`<span class="problem">${t("person.leadsNone")}</span>`}
  </fieldset>`;
}

// Where there are several official accounts, also which one.
function servesWords({ appid, kf_account: name }) {
  return [agentName(name) || t("person.servesNot"), name && accountName(appid)].filter(Boolean).join(" · ");
}

function NewPerson({ onMade, onClose }) {
  const act = useAct();
  const [role, setRole] = useState(ROLES[0]);

  async function submit(event) {
    event.preventDefault();
    const form = event.currentTarget;
    const fields = new FormData(form);
    const leads = fields.getAll("leads");
    fields.delete("leads");
    const body = Object.fromEntries([...fields].filter(([, value]) => value));
    if (role === "supervisor") body.leads = leads;
    const made = await act.run(() => post("/admin/people", body), (person) =>
      t(person.generated_password ? "account.madePassword" : "account.made", { name: person.username, password: person.generated_password }));
    if (!made) return;
    form.reset();
    setRole(ROLES[0]);
    onMade();
  }

  return html`<${Dialog} title=${t("person.new")} onClose=${onClose}>
    <form class="stack" onSubmit=${submit}>
      <label>${t("login.username")}<input name="username" required maxlength="64" autocapitalize="none" autocomplete="off" /></label>
      <label>${t("person.displayName")}<input name="display_name" maxlength="64" autocomplete="off" /></label>
      <label>${t("account.role")}<select name="role" onChange=${(event) => setRole(event.currentTarget.value)}>${ROLES.map((role) => html`<option key=${role} value=${role}>${t(`role.${role}`)}</option>`)}</select></label>
      <label>${t("person.serves")}<select name="kf_account"><option value="">${t("person.servesNot")}</option>
        ${Object.values(state.value.agents).map((one) => html`<option key=${one.kf_account} value=${one.kf_account}>${one.nickname}</option>`)}</select></label>
      ${role === "supervisor" && officials().length > 1 && html`<fieldset><legend>${t("person.leads")}</legend>
        ${officials().map(({ appid }) => html`<label key=${appid}><input type="checkbox" name="leads" value=${appid} /> ${accountName(appid)}</label>`)}
      </fieldset>`}
      <label>${t("account.password")}<input name="password" type="password" minlength="8" maxlength="256" autocomplete="new-password" /></label>
      <footer class="buttons"><${Said} said=${act.said} /><button class="primary" disabled=${act.busy}>${t("account.add")}</button></footer>
    </form>
  <//>`;
}
