// 会话、输入区、客户资料、搜索和提醒的中文。

export default {
  "media.play": "播放语音",
  "media.decoding": "正在准备语音…",
  "media.undecoded": "这条语音无法播放，请下载后收听。",
  "type.news": "图文链接",
  "type.msgmenu": "菜单",
};
