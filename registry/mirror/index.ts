// The door of the mirror between stores. No tensors, no HTTP.
export type { MirrorCount } from "./mirror-context.ts";
export { type MirrorOptions, type MirrorProblem, mirrorStore } from "./mirror-store.ts";
