// WeChat's own limits, checked before anything is sent. Pure.

export const TEXT_BYTES_MAX = 2048;
export const IMAGE_MB_MAX = 10;
export const IMAGE_TYPES = ["image/jpeg", "image/png", "image/gif"];

const encoder = new TextEncoder();

// Length as WeChat counts it: a Chinese character is three bytes, an emoji four.
export function byteLength(text) {
  return encoder.encode(text).length;
}

// What may be sent as a file: the message's type and its largest size, by what the browser says it is.
const FILE_KINDS = [
  { type: "image", kinds: /^image\/(jpeg|png|gif)$/, name: /\.(jpe?g|png|gif)$/i, mb: IMAGE_MB_MAX, key: "upload.size" },
  { type: "voice", kinds: /^audio\/(amr|mpeg|mp3)$/, name: /\.(amr|mp3)$/i, mb: 2, key: "upload.voiceSize" },
  { type: "video", kinds: /^video\/mp4$/, name: /\.mp4$/i, mb: 10, key: "upload.videoSize" },
];
export const FILE_ACCEPT = ".amr,.mp3,.mp4,audio/amr,audio/mpeg,video/mp4";

// {type} of the message that carries the file, or {key, values} of what is wrong with it.
export function fileKind({ name = "", size, type }) {
  const kind = FILE_KINDS.find((one) => one.kinds.test(type) || (!type && one.name.test(name)));
  if (!kind) return { key: type.startsWith("image/") ? "upload.type" : "upload.any", values: {} };
  if (size === 0) return { key: "upload.empty", values: {} };
  return size > kind.mb * 1024 * 1024 ? { key: kind.key, values: { max: kind.mb } } : { type: kind.type };
}

// What is wrong with a picture, as a key of the words and its values; null when nothing is.
export function imageProblem({ size, type }) {
  if (!IMAGE_TYPES.includes(type)) return { key: "upload.type", values: {} };
  if (size === 0) return { key: "upload.empty", values: {} };
  if (size > IMAGE_MB_MAX * 1024 * 1024) return { key: "upload.size", values: { max: IMAGE_MB_MAX } };
  return null;
}

// Never while an input method is composing: 229 is what some report instead of isComposing.
export function isComposing({ isComposing: composing, keyCode }) {
  return composing || keyCode === 229;
}

// Enter sends, or with `withCtrl` only Ctrl+Enter (on a Mac also Command+Enter).
export function sendsOn(event, withCtrl = false) {
  if (event.key !== "Enter" || event.shiftKey || isComposing(event)) return false;
  return !withCtrl || event.ctrlKey || event.metaKey || false;
}
