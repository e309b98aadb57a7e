// A voice message. WeChat records AMR, which no browser plays: it becomes WAV here, by a decoder that is
// loaded on the first play and kept.

import { html, useEffect, useRef, useState } from "./kit.js";
import { t } from "./words.js";

const AMR_MARK = "#!AMR\n";
const PLAYED_AS_IT_IS = /^audio\/(mpeg|mp4|aac|wav|ogg)$/;

let decoder = null;

export function Voice({ message, from }) {
  const { media } = message;
  return html`<div class="recording">
    ${PLAYED_AS_IT_IS.test(media.mime ?? "")
      ? html`<audio controls preload="none" src=${from} aria-label=${t("type.voice")}></audio>`
      : html`<${Decoded} from=${from} />`}
    <a class="text" href=${from} download=${message.id}>${t("media.save", { type: t("type.voice") })}</a>
    ${media.recognition && html`<p class="text dim">${t("media.recognised", { text: media.recognition })}</p>`}
  </div>`;
}

function Decoded({ from }) {
  const [step, setStep] = useState("");
  const [address, setAddress] = useState("");
  const player = useRef(null);

  useEffect(() => {
    if (address) player.current.play().catch(() => {});
    return () => address && URL.revokeObjectURL(address);
  }, [address]);

  async function play() {
    setStep("loading");
    try {
      setAddress(URL.createObjectURL(new Blob([await decoded(from)], { type: "audio/wav" })));
    } catch {
      setStep("failed");
    }
  }

  if (address) return html`<audio controls ref=${player} src=${address} aria-label=${t("type.voice")}></audio>`;
  return html`
    <button type="button" class="voice" disabled=${step === "loading"} onClick=${play}>
      <span aria-hidden="true">▶</span> ${t(step === "loading" ? "media.decoding" : "media.play")}
    </button>
    ${step === "failed" && html`<p class="bad" role="alert">${t("media.undecoded")}</p>`}`;
}

// The WAV file. Throws where the file is not to be had or is no AMR.
async function decoded(from) {
  const [answer, amr] = await Promise.all([fetch(from), load()]);
  if (!answer.ok) throw new Error("no file");
  const bytes = new Uint8Array(await answer.arrayBuffer());
  if (!isAmr(bytes)) throw new Error("no AMR");
  const wav = amr.toWAV(bytes);
  if (!wav) throw new Error("not decoded");
  return wav;
}

function isAmr(bytes) {
  return [...AMR_MARK].every((letter, at) => bytes[at] === letter.charCodeAt(0));
}

async function load() {
  decoder ??= import("../vendor/amrnb.js").then((module) => module.default);
  try {
    return await decoder;
  } catch (error) {
    decoder = null;
    throw error;
  }
}
