// Which official account the console is about, where there are several. It stands in the page's address, so
// that a reload and a second tab keep their own; choosing another one loads the page anew.

import { useAccount } from "../shared/api.js";
import { html } from "../shared/kit.js";
import { t } from "../shared/words.js";
import { keep, recall } from "../shared/kept.js";
import { state } from "../shared/store.js";

const KEPT = "officialAccount";

let current = "";

export const officials = () => state.value.me?.accounts ?? [];

export function beginAccount() {
  const appids = officials().map((one) => one.appid);
  const wished = [new URLSearchParams(location.search).get("appid"), recall(KEPT, ""), state.value.me.appid];
  current = appids.length > 1 ? wished.find((one) => appids.includes(one)) ?? appids[0] : "";
  useAccount(current);
}

// The name of one of several; "" where there is only one.
export function accountName(appid = current) {
  const found = officials().length > 1 && officials().find((one) => one.appid === appid);
  return found ? found.name || found.appid : "";
}

export function AccountChoice() {
  if (officials().length < 2) return "";
  return html`<select class="official" aria-label=${t("official.label")} onChange=${(event) => choose(event.currentTarget.value)}>
    ${officials().map((one) => html`<option key=${one.appid} value=${one.appid} selected=${one.appid === current}>${choiceWords(one)}</option>`)}
  </select>`;
}

function choiceWords({ appid, kind }) {
  return kind === "miniprogram" ? t("official.miniprogram", { name: accountName(appid) }) : accountName(appid);
}

function choose(appid) {
  keep(KEPT, appid);
  const query = new URLSearchParams(location.search);
  query.set("appid", appid);
  location.assign(`${location.pathname}?${query}${location.hash.split("/")[0]}`);
}
