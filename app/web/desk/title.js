// The page's title counts what waits, so that a tab in the background tells it.

import { effect } from "../shared/kit.js";
import { t } from "../shared/words.js";
import { unreadTotal } from "./selectors.js";
import { state } from "../shared/store.js";

export function keepTitle() {
  effect(() => {
    const unread = state.value.me ? unreadTotal(state.value) : 0;
    document.title = unread ? `(${unread}) ${t("app.desk")}` : t("app.desk");
  });
}
