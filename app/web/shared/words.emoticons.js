// WeChat's emoticons as its app writes them into texts: [微笑] and the older /::) each as an emoji.

const NAMED = `微笑🙂 撇嘴😒 色😍 发呆😳 得意😎 流泪😢 害羞😊 闭嘴🤐 睡😴 大哭😭 尴尬😅 发怒😡 调皮😜 呲牙😁 惊讶😲 难过🙁 酷😎 冷汗😰
抓狂😫 吐🤮 偷笑🤭 愉快😊 可爱🥰 白眼🙄 傲慢😤 饥饿😋 困😪 惊恐😱 流汗😓 憨笑😄 悠闲😌 大兵💂 奋斗💪 咒骂🤬 疑问❓ 嘘🤫 晕😵 疯了🤪 折磨😖 衰😞
骷髅💀 敲打🔨 再见👋 擦汗😅 抠鼻👃 鼓掌👏 糗大了😳 坏笑😏 左哼哼😤 右哼哼😤 哈欠🥱 鄙视😑 委屈🥺 快哭了🥺 阴险😈 亲亲😘 吓😨 可怜🥺 菜刀🔪 西瓜🍉
啤酒🍺 篮球🏀 乒乓🏓 咖啡☕ 饭🍚 猪头🐷 玫瑰🌹 凋谢🥀 示爱💋 嘴唇💋 爱心❤️ 心碎💔 蛋糕🎂 闪电⚡ 炸弹💣 刀🗡️ 足球⚽ 瓢虫🐞 便便💩 月亮🌙 太阳☀️ 礼物🎁
拥抱🤗 强👍 弱👎 握手🤝 胜利✌️ 抱拳🙏 勾引👈 拳头👊 差劲👎 爱你🤟 NO🙅 OK👌 爱情💑 飞吻😘 跳跳🕺 发抖🥶 怄火😾 转圈💃 磕头🙇 回头👀 跳绳🤾 挥手👋 激动🤩
街舞🕺 献吻😘 捂脸🤦 奸笑😏 机智🤓 皱眉😟 耶✌️ 嘿哈😆 红包🧧 發🀅 福🧧 合十🙏 加油💪 鸡🐔 庆祝🎉 爆竹🧨 烟花🎆 吃瓜🍉 裂开💔 叹气😮‍💨 苦涩😣 让我看看👀
666👍 翻白眼🙄 哇😮 打脸🤕 好的👌 旺柴🐶 社会社会😎 嗯🙂 汗😓 天啊😱 无语😑 恐惧😨 失望😞 脸红☺️ 生病🤒 笑脸😄 破涕为笑😂 强壮💪 鬼魂👻`;

const CODED = `/::)🙂 /::~😒 /::B😍 /::|😳 /:8-)😎 /::<😢 /::$😊 /::X🤐 /::Z😴 /::'(😭 /::-|😅 /::@😡 /::P😜 /::D😁 /::O😲 /::(🙁 /::+😎 /:--b😰
/::Q😫 /::T🤮 /:,@P🤭 /:,@-D😊 /::d🙄 /:,@o😤 /::g😋 /:|-)😪 /::!😱 /::L😓 /::>😄 /::,@😌 /:,@f💪 /::-S🤬 /:?❓ /:,@x🤫 /:,@@😵 /::8🤪 /:,@!😞
/:!!!💀 /:xx🔨 /:bye👋 /:wipe😅 /:dig👃 /:handclap👏 /:&-(😳 /:B-)😏 /:<@😤 /:@>😤 /::-O🥱 /:>-|😑 /:P-(🥺 /::'|🥺 /:X-)😈 /::*😘 /:@x😨 /:8*🥺
/:pd🔪 /:<W>🍉 /:beer🍺 /:basketb🏀 /:oo🏓 /:coffee☕ /:eat🍚 /:pig🐷 /:rose🌹 /:fade🥀 /:showlove💋 /:heart❤️ /:break💔 /:cake🎂 /:li⚡ /:bome💣
/:kn🗡️ /:footb⚽ /:ladybug🐞 /:shit💩 /:moon🌙 /:sun☀️ /:gift🎁 /:hug🤗 /:strong👍 /:weak👎 /:share🤝 /:v✌️ /:@)🙏 /:jj👈 /:@@👊 /:bad👎 /:lvu🤟
/:no🙅 /:ok👌 /:love💑 /:<L>😘 /:jump🕺 /:shake🥶 /:<O>😾 /:circle💃 /:kotow🙇 /:turn👀 /:skip🤾 /:oY🏳️ /:#-0🤩 /:hiphot🕺 /:kiss😘 /:<&☯️ /:&>☯️`;

const ENGLISH = { Smile: "🙂", Grin: "😁", Cry: "😢", Sob: "😭", Angry: "😡", Heart: "❤️", ThumbsUp: "👍", Rose: "🌹", OK: "👌", Facepalm: "🤦" };

const entry = /(\S+?)(\p{Extended_Pictographic}\S*|🀅)(?=\s|$)/gu;

const TABLE = new Map([
  ...[...NAMED.matchAll(entry)].map(([, name, emoji]) => [`[${name}]`, emoji]),
  ...[...CODED.matchAll(entry)].map(([, code, emoji]) => [code, emoji]),
  ...Object.entries(ENGLISH).map(([name, emoji]) => [`[${name}]`, emoji]),
]);

const escaped = (code) => code.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
const byLength = [...TABLE.keys()].sort((one, other) => other.length - one.length);
const CODES = new RegExp(byLength.map((code) => escaped(code) + (/[a-z]$/i.test(code) ? "(?![a-z])" : "")).join("|"), "gi");
const LOWER = new Map([...TABLE].map(([code, emoji]) => [code.toLowerCase(), emoji]));

// The text with every known code as an emoji; unknown ones stay as they were written.
export function withEmoji(text) {
  return text.replace(CODES, (code) => TABLE.get(code) ?? LOWER.get(code.toLowerCase()));
}

export const PICKED = [..."🙂😁😂😊😍😘😅😢😭😡😱🤔🙏👍👎👌💪👏🤝🎉❤️💔🌹🎁🎂☀️🧧".matchAll(/\p{Extended_Pictographic}\uFE0F?/gu)].map(([one]) => one);
export const codeCount = TABLE.size;
