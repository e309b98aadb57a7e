// Where this installation lives on its host: "/" or, behind a proxy, a folder like "/kf/". Pages lie right in it.

const FOLDER = (globalThis.location?.pathname ?? "/").replace(/[^/]*$/, "");

// A name in the browser's storage, locks and channels, which all installations of one host share.
export const ours = (name) => (FOLDER === "/" ? name : `${FOLDER}:${name}`);
