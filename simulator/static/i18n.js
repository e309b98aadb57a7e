// Words of the phone and demo pages, Chinese first.

const WORDS = {
  zh: {
    title: "客户的手机", customer: "客户", send: "发送", placeholder: "以客户身份发消息",
    more: "更多", add: "添加客户", empty: "以客户的身份发一条消息，看看由哪位客服接待。", messages: "消息",
    typing: "对方正在输入…", budget: (n) => `客服还可回复 ${n} 条`, noBudget: "客服现在不能主动发消息",
    left: "已取消关注", image: "示例图片", voice: "语音", location: "位置", own: "我的图片",
    video: "视频", link: "链接", page: "小程序", follow: "关注", unfollow: "取消关注", scan: "扫一扫",
    tapped: (key) => `点击了菜单“${key}”`, opened: (key) => `打开了 ${key}`, followed: "您已关注该公众号",
    scanned: (key) => `扫描了带参数的二维码 ${key}`, other: "系统通知",
    file: "文件", offline: "连不上服务，正在重试…", failed: "没有发出，请重试。", refused: "取消关注后不能再发消息。",
    unsupported: "暂不支持查看的消息", other_language: "EN", switchTo: "EN（切换到英文）",
    step1: "工作台：用 agent1 登录（密码在终端里），点“开始接待”",
    step2: "手机：以客户的身份发消息", step3: "工作台：打开会话并回复，手机上看得到",
    demo: "演示：左边是客户的手机，右边是客服工作台", phoneFrame: "客户的手机", deskFrame: "客服工作台",
    openDesk: "单独的工作台", openConsole: "管理后台", sides: "显示哪一边",
  },
  en: {
    title: "Customer's phone", customer: "Customer ", send: "Send", placeholder: "Write as the customer",
    more: "More", add: "Add a customer", empty: "Write as the customer and see which agent answers.", messages: "Messages",
    typing: "typing…", budget: (n) => `${n} agent replies left`, noBudget: "No agent message allowed now",
    left: "Unfollowed", image: "Sample picture", voice: "Voice", location: "Location", own: "My picture",
    video: "Video", link: "Link", page: "Mini program", follow: "Follow", unfollow: "Unfollow", scan: "Scan",
    tapped: (key) => `Menu item “${key}” tapped`, opened: (key) => `Opened ${key}`, followed: "You follow this account",
    scanned: (key) => `QR code ${key} scanned`, other: "Notice of the system",
    file: "File", offline: "Cannot reach the server, retrying…", failed: "Not sent. Try again.", refused: "Who does not follow cannot write.",
    unsupported: "A message that cannot be shown here", other_language: "中", switchTo: "中 (switch to Chinese)",
    step1: "Desk: sign in as agent1 (password in the terminal), start serving",
    step2: "Phone: write as the customer", step3: "Desk: open it and answer, the phone shows it",
    demo: "Demo: the customer's phone beside the agent's desk", phoneFrame: "Customer's phone", deskFrame: "Agent's desk",
    openDesk: "Desk alone", openConsole: "Console", sides: "Which side to show",
  },
};

// The desk keeps its language under this name too: in the demo all three speak the same.
const KEY = "kf.language";
const asked = new URLSearchParams(location.search).get("lang");
if (WORDS[asked]) localStorage.setItem(KEY, asked);
let language = localStorage.getItem(KEY) === "en" ? "en" : "zh";

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
