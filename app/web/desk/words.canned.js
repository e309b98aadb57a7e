// The variables of canned replies, in either language.

export const customerWord = /\{\s*(?:客户|customer)\s*\}/gi;
export const agentWord = /\{\s*(?:客服|agent)\s*\}/gi;
