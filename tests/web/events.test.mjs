import assert from "node:assert/strict";
import { test } from "node:test";

import { eventWords, placeOf } from "../../app/web/shared/event_words.js";
import zh from "../../app/web/shared/words.zh.js";

const SAID = {
  CLICK: [{ event_key: "人工" }, "客户点击了菜单“人工”"],
  scancode_push: [{ scan_result: "https://a.example/1" }, "客户用菜单扫了码：https://a.example/1"],
  scancode_waitmsg: [{ scan_result: "" }, "客户用菜单扫了码，正在等待回复"],
  pic_sysphoto: [{ count: 2, pictures: ["a", "b"] }, "客户用菜单拍照并发送图片：共 2 张"],
  pic_weixin: [{ count: null, pictures: ["a"] }, "客户用菜单从相册选图发送：共 1 张"],
  user_enter_tempsession: [{ session_from: "订单页" }, "客户从小程序进入了会话：订单页"],
  user_get_card: [{ detail: "pCard" }, "客户领取了卡券：pCard"],
  user_pay_from_pay_cell: [{ detail: "pCard", fee: 1050 }, "客户用卡券买单：10.50 元"],
  update_member_card: [{ detail: "pCard", bonus: "5", balance: "" }, "客户的会员卡有变动：积分 5，余额 0"],
  user_authorize_invoice: [{ detail: "", failed: "7" }, "客户授权了开具发票：订单 7 未授权成功"],
  add_express_path: [{ waybill: "W1", detail: "已签收" }, "客户的包裹有新动态：W1，已签收"],
  user_authorization_revoke: [{ withdrawn: "201" }, "客户撤回了资料授权"],
  something_new: [{}, "微信报告了事件“something_new”"],
  other: [{}, "微信报告了事件“other”"],
};

for (const [event, [media, words]] of Object.entries(SAID)) {
  test(`${event} says what was done`, () => assert.equal(eventWords({ event, event_key: "", ...media }), words));
}

test("no kind leaves a gap where the push said nothing", () => {
  for (const key of Object.keys(zh).filter((one) => one.startsWith("event."))) {
    assert.doesNotMatch(eventWords({ event: key.slice("event.".length) }), /undefined|null|[：，]$/, key);
  }
});

test("a chosen place is a card with its name and its address", () => {
  const location = { poi_name: "一号店", label: "人民路 1 号", lat: 23.1, lon: 113.3, scale: 15 };
  assert.deepEqual(placeOf({ location }), { label: "一号店 人民路 1 号", lat: 23.1, lon: 113.3 });
});
