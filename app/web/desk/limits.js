// WeChat's own limits, checked before anything is sent. Pure.

export const TEXT_BYTES_MAX = 2048;
export const IMAGE_MB_MAX = 10;
export const IMAGE_TYPES = ["image/jpeg", "image/png", "image/gif"];

const encoder = new TextEncoder();

// Length as WeChat counts it: a Chinese character is three bytes, an emoji four.
export function byteLength(text) {
  return encoder.encode(text).length;
}

// What is wrong with a picture, as a key of the words and its values; null when nothing is.
export function imageProblem({ size, type }) {
  if (!IMAGE_TYPES.includes(type)) return { key: "upload.type", values: {} };
  if (size === 0) return { key: "upload.empty", values: {} };
  if (size > IMAGE_MB_MAX * 1024 * 1024) return { key: "upload.size", values: { max: IMAGE_MB_MAX } };
  return null;
}

// Enter sends, but never while an input method is composing: 229 is what some report instead of isComposing.
export function sendsOn({ key, shiftKey, isComposing, keyCode }) {
  return key === "Enter" && !shiftKey && !isComposing && keyCode !== 229;
}
