// Conversation, composer, customer card, search and alerts in English.

export default {
  "media.play": "Play the voice message",
  "media.decoding": "Preparing the voice message…",
  "media.undecoded": "This voice message cannot be played; download it to listen.",
  "type.news": "article",
  "type.msgmenu": "menu",
};
