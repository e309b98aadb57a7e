import assert from "node:assert/strict";
import { test } from "node:test";

import { byteLength, imageProblem, sendsOn } from "../../app/web/desk/limits.js";

test("length is counted in UTF-8 bytes as WeChat does", () => {
  assert.equal(byteLength("a"), 1);
  assert.equal(byteLength("您好"), 6);
  assert.equal(byteLength("😀"), 4);
});

test("Enter sends, Shift+Enter and an Enter that ends a composition do not", () => {
  const enter = { key: "Enter", shiftKey: false, isComposing: false, keyCode: 13 };
  assert.equal(sendsOn(enter), true);
  assert.equal(sendsOn({ ...enter, shiftKey: true }), false);
  assert.equal(sendsOn({ ...enter, isComposing: true }), false);
  assert.equal(sendsOn({ ...enter, keyCode: 229 }), false);
  assert.equal(sendsOn({ ...enter, key: "a", keyCode: 65 }), false);
});

test("pictures that WeChat would refuse are refused first", () => {
  assert.equal(imageProblem({ type: "image/png", size: 10 }), null);
  assert.equal(imageProblem({ type: "image/webp", size: 10 }).key, "upload.type");
  assert.equal(imageProblem({ type: "image/png", size: 0 }).key, "upload.empty");
  assert.deepEqual(imageProblem({ type: "image/gif", size: 10 * 1024 * 1024 + 1 }), { key: "upload.size", values: { max: 10 } });
});
