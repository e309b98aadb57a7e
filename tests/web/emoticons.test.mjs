import assert from "node:assert/strict";
import { test } from "node:test";

import { codeCount, withEmoji } from "../../app/web/shared/words.emoticons.js";

test("the names and the older codes of WeChat's emoticons become emoji", () => {
  assert.ok(codeCount > 200);
  assert.equal(withEmoji("[微笑]您好/::)"), "🙂您好🙂");
  assert.equal(withEmoji("/::-|/::-S/:,@@/:@@"), "😅🤬😵👊");
  assert.equal(withEmoji("[Smile][OK][ok]"), "🙂👌👌");
});

test("what is no code stays as it was written", () => {
  for (const text of ["[发票]", "/:version", "a/b:c", "1/:2", "[微笑", "http://a.b/:notfound"]) assert.equal(withEmoji(text), text);
});
