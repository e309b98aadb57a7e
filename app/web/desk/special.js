// Sending a news link, a menu, a link card or a mini-program page: a form with WeChat's limits and what will be seen.

import { Dialog } from "../shared/dialog.js";
import { html, useState } from "../shared/kit.js";
import { t } from "../shared/words.js";
import { Content } from "../shared/content.js";
import { imageProblem, IMAGE_TYPES } from "./limits.js";
import { maySend } from "../shared/names.js";
import { sendSpecial } from "../shared/outgoing.js";

const MENU_MAX = 10;
const ITEM_CHARS = 64;

const FORMS = {
  news: [["title", 64, true], ["description", 512], ["url", 1024, true, "url"], ["picurl", 1024, false, "url"]],
  msgmenu: [["head", 512, true], ["items", 700, true, "lines"], ["tail", 512]],
  link: [["title", 64, true], ["description", 512], ["url", 1024, true, "url"], ["thumb_url", 1024, false, "url"]],
  miniprogrampage: [["title", 64, true], ["appid", 18, true], ["pagepath", 512, true], ["picture", 0, true, "file"]],
};
const TITLES = { news: "compose.news", msgmenu: "compose.menu", link: "compose.link", miniprogrampage: "compose.page" };
const PATTERNS = { appid: "wx[0-9a-zA-Z]{16}", url: "https?://.+", picurl: "https?://.+", thumb_url: "https?://.+" };

export function SpecialDialog({ session, type, onClose }) {
  const [given, setGiven] = useState({});
  const [problem, setProblem] = useState("");

  function submit(event) {
    event.preventDefault();
    const file = event.currentTarget.elements.picture?.files[0];
    const wrong = file && imageProblem(file);
    if (wrong) return setProblem(t(wrong.key, wrong.values));
    sendSpecial(session, type, parts(type, given), file);
    onClose();
  }

  return html`
    <${Dialog} title=${t(TITLES[type])} onClose=${onClose}>
      <form class="stack" onSubmit=${submit} onInput=${(event) => setGiven({ ...given, [event.target.name]: event.target.value })}>
        ${fieldsOf(session, type).map((field) => html`<${Field} field=${field} />`)}
        ${type !== "miniprogrampage" && html`<div class="seen"><p class="dim">${t("compose.preview")}</p>
          <div class="bubble"><${Content} message=${{ type, direction: "out", media: shown(type, given) }} /></div></div>`}
        <p class="problem" role="alert">${problem}</p>
        <footer class="buttons">
          <button type="button" onClick=${onClose}>${t("app.cancel")}</button>
          <button class="primary">${t("compose.send")}</button>
        </footer>
      </form>
    <//>`;
}

// A mini program sends its own pages: only an official account names which mini program.
function fieldsOf(session, type) {
  return FORMS[type].filter(([name]) => name !== "appid" || maySend(session, "news"));
}

function Field({ field: [name, most, required = false, kind = "text"] }) {
  const label = t(`compose.field.${name}`, { max: MENU_MAX });
  if (kind === "lines") return html`<label>${label}<textarea name=${name} rows="4" maxlength=${most} required=${required}></textarea></label>`;
  if (kind === "file") return html`<label>${label}<input type="file" name=${name} accept=${IMAGE_TYPES.join(",")} required /></label>`;
  return html`<label>${label}
    <input name=${name} type=${kind} maxlength=${most} required=${required} pattern=${PATTERNS[name]}
      title=${name === "appid" ? t("compose.field.appidHint") : ""} />
  </label>`;
}

const linesOf = (text = "") => text.split("\n").map((line) => line.trim().slice(0, ITEM_CHARS)).filter(Boolean).slice(0, MENU_MAX);

// The fields of the request's body.
function parts(type, { title = "", description = "", url = "", picurl = "", head = "", items, tail = "", appid = "", pagepath = "", thumb_url = "" }) {
  if (type === "news") return { article: { title, description, url, picurl } };
  if (type === "msgmenu") return { menu: { head, items: linesOf(items), tail } };
  if (type === "link") return { link: { title, description, url, thumb_url } };
  return { page: { title, appid, pagepath } };
}

// The same as a message's media, to show it.
export function shown(type, given) {
  if (type !== "msgmenu") return given;
  return { head: given.head, tail: given.tail, list: linesOf(given.items).map((content) => ({ content })) };
}
