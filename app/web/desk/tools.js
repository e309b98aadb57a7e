// The row under the box: emoji, pictures, canned replies, and everything else WeChat takes.

import { icon } from "../shared/icon.js";
import { html, useState } from "../shared/kit.js";
import { t } from "../shared/words.js";
import { CannedDialog } from "./canned_dialog.js";
import { FILE_ACCEPT, IMAGE_TYPES } from "./limits.js";
import { Menu } from "./menu.js";
import { maySend } from "../shared/names.js";
import { SpecialDialog } from "./special.js";
import { PICKED } from "../shared/words.emoticons.js";

export function Tools({ session, files, insert, pick, withCtrl, choose }) {
  const [dialog, setDialog] = useState("");
  const done = () => setDialog("");
  const special = (type, label) => ({ label, act: () => setDialog(type), why: maySend(session, type) ? "" : t("compose.notForAccount") });
  const more = [
    special("news", t("compose.news")),
    special("msgmenu", t("compose.menu")),
    special("miniprogrampage", t("compose.page")),
    ...(maySend(session, "link") ? [special("link", t("compose.link"))] : []),
    { label: t("compose.enter"), checked: !withCtrl, act: () => choose(false) },
    { label: t("compose.ctrlEnter"), checked: withCtrl, act: () => choose(true) },
  ];
  return html`
    <${Menu} label=${t("compose.emoji")} face=${icon("smile")} name="emoji" options=${PICKED.map((one) => ({ label: one, act: () => insert(one) }))} />
    <${FileButton} label=${t("compose.image")} face=${icon("picture")} accept=${IMAGE_TYPES.join(",")} files=${files} />
    <${FileButton} label=${t("compose.file")} face=${icon("voice")} accept=${FILE_ACCEPT} files=${files}
      why=${maySend(session, "voice") || maySend(session, "video") ? "" : t("compose.notForAccount")} />
    <button type="button" class="small tool" title=${t("compose.canned")} aria-label=${t("compose.canned")} onClick=${() => setDialog("canned")}>${icon("canned")}</button>
    <${Menu} label=${t("compose.more")} face=${icon("more")} name="more" options=${more} />
    ${dialog === "canned" && html`<${CannedDialog} onClose=${done} pick=${(reply) => { done(); pick(reply); }} />`}
    ${dialog && dialog !== "canned" && html`<${SpecialDialog} session=${session} type=${dialog} onClose=${done} />`}`;
}

function FileButton({ label, face, accept, files, why = "" }) {
  return html`<label class="button small tool" title=${why || label} aria-disabled=${Boolean(why)}>${face}
    <input type="file" class="unseen" multiple accept=${accept} aria-label=${why ? `${label}, ${why}` : label} disabled=${Boolean(why)}
      onChange=${(event) => { files([...event.currentTarget.files]); event.currentTarget.value = ""; }} />
  </label>`;
}
