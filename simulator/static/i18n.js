// Words of the phone and demo pages, Chinese first.

const WORDS = {
  zh: {
    title: "客户的手机", customer: "客户", send: "发送", placeholder: "以客户身份发消息",
    more: "更多", add: "添加客户", empty: "以客户的身份发一条消息，看看会由哪位客服接待。",
    typing: "对方正在输入…", budget: (n) => `客服还可回复 ${n} 条`, noBudget: "客服现在不能主动发消息",
    left: "已取消关注", image: "示例图片", voice: "语音", location: "位置", own: "我的图片",
    video: "视频", link: "链接", follow: "关注", unfollow: "取消关注", scan: "扫一扫",
    tapped: (key) => `点击了菜单“${key}”`, opened: (key) => `打开了 ${key}`, followed: "你已关注该公众号",
    scanned: (key) => `扫描了带参数的二维码 ${key}`, other: (name) => `事件 ${name}`,
    voiceNote: "语音 2″", videoNote: "视频", file: "文件", offline: "连不上服务，正在重试…",
    unsupported: (type) => `[${type}]`, passive: "自动回复", other_language: "EN",
    step1: "① 右侧登录 agent1，点“开始接待”", step2: "② 左侧以客户身份发消息", step3: "③ 右侧回复，看客户收到什么",
    demo: "演示：左边是客户的手机，右边是客服工作台", phoneFrame: "客户的手机", deskFrame: "客服工作台",
    openDesk: "单独打开工作台",
  },
  en: {
    title: "Customer's phone", customer: "Customer ", send: "Send", placeholder: "Write as the customer",
    more: "More", add: "Add a customer", empty: "Write as the customer and see which agent answers.",
    typing: "typing…", budget: (n) => `${n} agent replies left`, noBudget: "No agent message allowed now",
    left: "Unfollowed", image: "Sample picture", voice: "Voice", location: "Location", own: "My picture",
    video: "Video", link: "Link", follow: "Follow", unfollow: "Unfollow", scan: "Scan",
    tapped: (key) => `Menu item “${key}” tapped`, opened: (key) => `Opened ${key}`, followed: "You follow this account",
    scanned: (key) => `QR code ${key} scanned`, other: (name) => `Event ${name}`,
    voiceNote: "Voice 2″", videoNote: "Video", file: "File", offline: "Cannot reach the server, retrying…",
    unsupported: (type) => `[${type}]`, passive: "automatic", other_language: "中",
    step1: "1 Desk: sign in as agent1, press 开始接待", step2: "2 Phone: write as the customer", step3: "3 Desk: answer, and see what arrives",
    demo: "Demo: the customer's phone beside the agent's desk", phoneFrame: "Customer's phone", deskFrame: "Agent's desk",
    openDesk: "Open the desk alone",
  },
};

const KEY = "sim.language";
const asked = new URLSearchParams(location.search).get("lang");
let language = WORDS[asked] ? asked : localStorage.getItem(KEY) === "en" ? "en" : "zh";

export const words = () => WORDS[language];
export const wordsOf = (name) => WORDS[name];
export const htmlLanguage = () => (language === "zh" ? "zh-CN" : "en");

export function switchLanguage() {
  language = language === "zh" ? "en" : "zh";
  localStorage.setItem(KEY, language);
}

// Another frame of the same page switched.
export function onSwitch(redraw) {
  window.addEventListener("storage", (event) => {
    if (event.key === KEY && WORDS[event.newValue]) {
      language = event.newValue;
      redraw();
    }
  });
}
