// The door for what a server does before the rest of its program is loaded.
export { planSessions } from "./plan-sessions.ts";
export { GRAPH_FILE, preparedAs, WEIGHTS_FILE } from "./prepared-as.ts";
export { beginSession, dropBegunSession } from "./thread-session.ts";
