// The routing rules in the order they are tried: the first one whose conditions all hold wins.

import { call, get, post, put } from "../shared/api.js";
import { Confirm } from "../shared/dialog.js";
import { html, useEffect, useState } from "../shared/kit.js";
import { momentOf } from "../shared/time.js";
import { t } from "../shared/words.js";
import { groupName } from "../shared/names.js";
import { now, state } from "../shared/store.js";
import { Said, useAct } from "./act.js";
import { Rule } from "./rule.js";
import { Entry } from "./rules_entry.js";
import { TryRules } from "./rules_try.js";

const PATH = "/admin/routing";

export function Rules() {
  const [document_, setDocument] = useState(null);
  const [meta, setMeta] = useState({});
  const [versions, setVersions] = useState([]);
  const [wanted, setWanted] = useState(null);
  const act = useAct();

  async function load() {
    const answer = await call("GET", PATH);
    setDocument(answer.data);
    setMeta(answer.meta);
    setVersions(await get(`${PATH}/versions`));
  }
  useEffect(() => {
    act.run(load);
  }, []);

  const change = (part) => setDocument({ ...document_, ...part });
  const setRule = (at, rule) => change({ rules: document_.rules.with(at, rule) });
  const move = (at, by) => {
    const rules = [...document_.rules];
    rules.splice(at + by, 0, ...rules.splice(at, 1));
    change({ rules });
  };
  const save = (event) => {
    event.preventDefault();
    return act.run(async () => {
      await put(PATH, document_);
      await load();
    }, t("act.saved"));
  };
  const restore = () => act.run(async () => {
    await post(`${PATH}/restore`, { version: wanted });
    await load();
  }, t("rules.restored"));

  if (!document_) return html`<h1>${t("console.rules")}</h1><${Said} said=${act.said} />`;
  const { rules } = document_;
  return html`
    <header class="section-head"><h1>${t("console.rules")}</h1>
      <span class="dim">${t("rules.version", { n: document_.version, by: meta.by || t("rules.shipped"), at: meta.updated_ms ? momentOf(meta.updated_ms, now.value) : "" })}</span>
    </header>
    <p class="dim">${t("rules.hint")}</p>
    <form class="stack" onSubmit=${save}>
      <ol class="rules">${rules.map((rule, at) => html`<${Rule} key=${`${document_.version}.${at}`} rule=${rule} at=${at} last=${at === rules.length - 1}
        onChange=${(next) => setRule(at, next)} onMove=${(by) => move(at, by)}
        onRemove=${() => change({ rules: rules.toSpliced(at, 1) })} />`)}</ol>
      <div><button type="button" onClick=${() => change({ rules: [...rules, { group: document_.default_group, priority: 0, when: {}, greeting: "" }] })}>${t("rules.add")}</button></div>
      <div class="panel">
        <label>${t("rules.default")}<select onChange=${(event) => change({ default_group: event.currentTarget.value })}>
          ${state.value.groups.map((one) => html`<option key=${one.name} value=${one.name} selected=${one.name === document_.default_group}>${groupName(one.name)}</option>`)}</select></label>
      </div>
      <${Entry} entry=${document_.entry} answers=${document_.answers} onChange=${change} />
      <footer class="buttons"><${Said} said=${act.said} /><button class="primary" disabled=${act.busy}>${t("act.save")}</button></footer>
    </form>
    <${TryRules} routing=${document_} />
    <form class="ask panel" onSubmit=${(event) => { event.preventDefault(); setWanted(Number(new FormData(event.currentTarget).get("version"))); }}>
      <label>${t("rules.earlier")}<select name="version">${versions.map((one) => html`
        <option key=${one.version} value=${one.version}>${t("rules.version", { n: one.version, by: one.by || t("rules.shipped"), at: one.updated_ms ? momentOf(one.updated_ms, now.value) : "" })}</option>`)}</select></label>
      <button>${t("rules.restore")}</button>
    </form>
    ${wanted !== null && html`<${Confirm} title=${t("rules.restore")} text=${t("rules.restoreAsk", { n: wanted })} yes=${t("rules.restore")}
      onYes=${restore} onClose=${() => setWanted(null)} />`}`;
}
