-- An agent was written by plain commands. KEYS[1] prefix; ARGV: 1 kf_account. Result: "ok"
mark(ARGV[1])
return 'ok'
