// What a Worker imports that is no module of Node's.

declare module "cloudflare:workers" {
  /** Bindings and variables, as they are from the start. */
  export const env: unknown;
}

declare module "*.wasm" {
  const module: WebAssembly.Module;
  export default module;
}
