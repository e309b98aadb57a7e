// The console of one who is signed in: one section at a time, named by the address (#overview, #live/<id>).

import { html, signal } from "../shared/kit.js";
import { LanguageButton } from "../shared/language.js";
import { t } from "../shared/words.js";
import { Elsewhere } from "../shared/elsewhere.js";
import { signOut } from "../shared/session.js";
import { state, trouble } from "../shared/store.js";
import { loadColleagues } from "../shared/sync.js";
import { Accounts } from "./accounts.js";
import { Audit } from "./audit.js";
import { Data } from "./data.js";
import { DeadLetters } from "./dead.js";
import { Groups } from "./groups.js";
import { closeLive, openLive, resumeLive } from "./live.js";
import { Notices } from "./notices.js";
import { AccountChoice, accountName, beginAccount } from "./official.js";
import { Overview } from "./overview.js";
import { People } from "./people.js";
import { Ring } from "./ring.js";
import { Rules } from "./rules.js";
import { Watch } from "./watch.js";

const LEADS = ["supervisor", "admin"];
const SECTIONS = [
  { name: "overview", view: Overview, roles: LEADS },
  { name: "live", view: Watch, roles: LEADS },
  { name: "dead", view: DeadLetters, roles: LEADS },
  { name: "accounts", view: Accounts, roles: ["admin"] },
  { name: "people", view: People, roles: ["admin"] },
  { name: "groups", view: Groups, roles: ["admin"] },
  { name: "rules", view: Rules, roles: ["admin"] },
  { name: "ring", view: Ring, roles: ["admin"] },
  { name: "notices", view: Notices, roles: ["admin"] },
  { name: "data", view: Data, roles: LEADS },
  { name: "audit", view: Audit, roles: ["admin"] },
];

const address = signal(location.hash.slice(1));

export function Console() {
  const { me } = state.value;
  const sections = SECTIONS.filter((one) => one.roles.includes(me.person.role));
  if (!sections.length) return html`<${NoRight} />`;
  const [name, ...rest] = address.value.split("/");
  const section = sections.find((one) => one.name === name) ?? sections[0];
  document.title = [t(`console.${section.name}`), accountName(), t("app.console")].filter(Boolean).join(" · ");
  return html`
    <header class="top">
      <span class="ring" aria-hidden="true"></span>
      <strong>${t("app.console")}</strong>
      <${AccountChoice} />
      <span class="who">${me.person.display_name || me.person.username}</span>
      <${LanguageButton} />
      <button type="button" class="quiet" onClick=${signOut}>${t("login.out")}</button>
    </header>
    <div class="console">
      <nav aria-label=${t("console.sections")}>${sections.map((one) => html`
        <a key=${one.name} href=${`#${one.name}`} aria-current=${one === section && "page"}>${t(`console.${one.name}`)}</a>`)}</nav>
      <main class="section"><${section.view} key=${section.name} rest=${rest.join("/")} /></main>
    </div>
    <div class="alerts" role="status">
      <${Elsewhere} resume=${resumeLive} />
      ${trouble.value && html`<p class="alert">
        <span>${trouble.value}</span>
        <button type="button" class="quiet" aria-label=${t("app.close")} onClick=${() => (trouble.value = "")}>✕</button>
      </p>`}
    </div>`;
}

function NoRight() {
  return html`<main class="login"><div class="card">
    <p>${t("console.noRight")}</p>
    <p><a href="desk">${t("console.toDesk")}</a></p>
    <button type="button" onClick=${signOut}>${t("login.out")}</button>
  </div></main>`;
}

export function begin() {
  if (!LEADS.includes(state.value.me.person.role)) return;
  beginAccount();
  loadColleagues();
  openLive();
}

// On a phone the sections are one line that scrolls: the current one is brought into view.
function showCurrent() {
  document.querySelector(".console nav [aria-current]")?.scrollIntoView({ inline: "center", block: "nearest" });
}

export const end = closeLive;

addEventListener("hashchange", () => {
  address.value = location.hash.slice(1);
  trouble.value = "";
  requestAnimationFrame(showCurrent);
});
