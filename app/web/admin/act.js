// One act at a time: while it runs its button waits, afterwards it says how it went.

import { html, useState } from "../shared/kit.js";
import { problemWords } from "../shared/problems.js";
import { t } from "../shared/words.js";

// The refusal in words; where WeChat refused, its code stands behind, to look it up by.
export function refusalWords(error) {
  const words = problemWords(error);
  const code = error.body?.errcode;
  return code ? t("act.withCode", { words, code }) : words;
}

// {busy, said, run}: `run(job)` answers what the job answered, undefined where it failed.
export function useAct() {
  const [busy, setBusy] = useState(false);
  const [said, setSaid] = useState(null);

  async function run(job, done = "") {
    setBusy(true);
    setSaid(null);
    try {
      const answer = await job();
      const text = typeof done === "function" ? done(answer) : done;
      if (text) setSaid({ text });
      return answer ?? true;
    } catch (error) {
      setSaid({ text: refusalWords(error), bad: true });
      return undefined;
    } finally {
      setBusy(false);
    }
  }
  return { busy, said, run };
}

export function Said({ said }) {
  return html`<p class=${said?.bad ? "bad" : "good"} role="status">${said?.text}</p>`;
}
