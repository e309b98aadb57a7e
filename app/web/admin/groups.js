// Groups: who is in them, who helps out, when they are open, and whether agents take for themselves.

import { call, post, put } from "../shared/api.js";
import { Confirm, Dialog } from "../shared/dialog.js";
import { html, useState } from "../shared/kit.js";
import { t } from "../shared/words.js";
import { agentName, groupName } from "../shared/names.js";
import { state } from "../shared/store.js";
import { loadColleagues } from "../shared/sync.js";
import { Said, useAct } from "./act.js";
import { useFetched } from "./fetched.js";
import { DAYS, Hours, hoursOf } from "./hours.js";
import { Loading, Table } from "./table.js";

export function Groups() {
  const { data, problem, refresh } = useFetched("/admin/groups");
  const [edited, setEdited] = useState(null);
  const changed = () => {
    refresh();
    loadColleagues();
  };
  return html`
    <header class="section-head">
      <h1>${t("console.groups")}</h1>
      <button type="button" class="primary" onClick=${() => setEdited({})}>${t("group.new")}</button>
    </header>
    <${Loading} data=${data} problem=${problem} />
    ${data && html`<${Table} rows=${data} columns=${[
      ["col.group", (one) => one.title],
      ["group.members", (one) => one.members.map(agentName).join(t("app.comma")) || t("over.nobody")],
      ["group.fallback", (one) => groupName(one.fallback) || t("over.nobody")],
      ["group.assign", (one) => t(`assign.${one.assign}`)],
      ["group.hours", hoursWords],
      ["col.actions", (one) => html`<button type="button" class="small" aria-label=${`${t("account.edit")} ${one.title}`} onClick=${() => setEdited(one)}>${t("account.edit")}</button>`],
    ]} />`}
    ${edited && html`<${EditGroup} group=${edited} groups=${data ?? []} onChanged=${changed} onClose=${() => setEdited(null)} />`}`;
}

function hoursWords(group) {
  if (!group.hours) return t("hours.always");
  return DAYS.filter((day) => group.hours.weekly[day]?.length)
    .map((day) => `${t(`day.${day}`)} ${group.hours.weekly[day].join(" ")}`).join(t("app.comma"));
}

function EditGroup({ group, groups, onChanged, onClose }) {
  const act = useAct();
  const [asking, setAsking] = useState(false);
  const fresh = !group.name;

  async function save(event) {
    event.preventDefault();
    const body = bodyOf(event.currentTarget, group);
    const done = await act.run(() => (fresh
      ? post("/admin/groups", { name: body.name, ...body })
      : put(`/admin/groups/${group.name}`, { ...body, name: undefined })));
    if (done) leave();
  }

  async function remove() {
    if (await act.run(() => call("DELETE", `/admin/groups/${group.name}`))) leave();
  }

  function leave() {
    onChanged();
    onClose();
  }

  return html`<${Dialog} title=${fresh ? t("group.new") : group.title} onClose=${onClose}>
    <form class="stack" onSubmit=${save}>
      ${fresh && html`<label>${t("group.name")}<input name="name" required pattern="[a-z0-9_\\-]{1,64}" autocapitalize="none" autocomplete="off" /></label>`}
      <label>${t("group.title")}<input name="title" required maxlength="64" defaultValue=${group.title ?? ""} autocomplete="off" /></label>
      <fieldset><legend>${t("group.members")}</legend>${Object.values(state.value.agents).map((one) => html`
        <label class="option" key=${one.kf_account}><input type="checkbox" name="members" value=${one.kf_account}
          defaultChecked=${group.members?.includes(one.kf_account)} /> ${one.nickname}</label>`)}</fieldset>
      <label>${t("group.fallback")}<select name="fallback"><option value="">${t("over.nobody")}</option>
        ${groups.filter((one) => one.name !== group.name).map((one) => html`
          <option key=${one.name} value=${one.name} selected=${one.name === group.fallback}>${one.title}</option>`)}</select></label>
      <label>${t("group.fallbackAfter")}<input name="fallback_after_s" type="number" min="0" max="604800" defaultValue=${group.fallback_after_s ?? ""} /></label>
      <label>${t("group.assign")}<select name="assign">${["auto", "manual"].map((mode) => html`
        <option key=${mode} value=${mode} selected=${mode === group.assign}>${t(`assign.${mode}`)}</option>`)}</select></label>
      <label>${t("group.entry")}<select name="entry">${["", "always", "on_request"].map((mode) => html`
        <option key=${mode} value=${mode} selected=${mode === (group.entry ?? "")}>${t(`entry.${mode || "inherit"}`)}</option>`)}</select></label>
      <label>${t("group.ramp")}<input name="ramp_s" type="number" min="0" max="604800" required defaultValue=${group.ramp_s ?? 0} /></label>
      <${Hours} hours=${group.hours} />
      <label>${t("group.closedMessage")}<textarea name="closed_message" rows="2" maxlength="600">${group.closed_message ?? ""}</textarea></label>
      <${Said} said=${act.said} />
      <footer class="buttons">
        ${!fresh && html`<button type="button" class="danger" onClick=${() => setAsking(true)}>${t("group.remove")}</button>`}
        <button class="primary" disabled=${act.busy}>${t("act.save")}</button>
      </footer>
    </form>
    ${asking && html`<${Confirm} title=${t("group.remove")} text=${t("group.removeAsk", { name: group.title })} yes=${t("group.remove")}
      onYes=${remove} onClose=${() => setAsking(false)} />`}
  <//>`;
}

function bodyOf(form, group) {
  const fields = new FormData(form);
  const text = (name) => (fields.get(name) ?? "").trim();
  const after = text("fallback_after_s");
  return {
    ...(fields.get("name") && { name: text("name") }),
    title: text("title"),
    members: fields.getAll("members"),
    fallback: text("fallback") || null,
    fallback_after_s: after === "" ? null : Number(after),
    assign: text("assign"),
    entry: text("entry"),
    ramp_s: Number(text("ramp_s")),
    hours: hoursOf(fields, group.hours),
    closed_message: text("closed_message"),
  };
}
