// The page's stylesheet: light and dark by the reader's setting, black on white on paper. No font, no image and
// no other address is loaded. Its digest stands in the page's policy, so that no other style is applied.
import { createHash } from "node:crypto";

export const STYLE = `
:root { color-scheme: light dark; --ink: #1c2526; --soft: #55636a; --page: #fff; --panel: #f4f6f6; --line: #d5dcde; --accent: #0b6e4f; --bad: #b3341f;
  --c0: #0b6e4f; --c1: #b3541e; --c2: #2e5eaa; --c3: #8a3f8f; --c4: #6b6b00; --c5: #a3294a; --c6: #00707a; --c7: #5a5a66; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6ecec; --soft: #a3b1b5; --page: #14191b; --panel: #1d2427; --line: #374145; --accent: #4fc396; --bad: #f08a6f;
  --c0: #4fc396; --c1: #f0a56b; --c2: #86b1f5; --c3: #d59adb; --c4: #cfcf5c; --c5: #f08aa5; --c6: #5cc9d4; --c7: #b5b5c4; } }
@media print { :root { color-scheme: light; --ink: #000; --soft: #333; --page: #fff; --panel: #fff; --line: #bbb; --accent: #0b6e4f; --bad: #b3341f; --c0: #0b6e4f; --c1: #b3541e; --c2: #2e5eaa; --c3: #8a3f8f; --c4: #6b6b00; --c5: #a3294a; --c6: #00707a; --c7: #5a5a66; }
  details { display: none; } figure, tr, li, .tile { break-inside: avoid; } h2 { break-after: avoid; } * { print-color-adjust: exact; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 2rem 1.25rem 4rem; max-width: 60rem; background: var(--page); color: var(--ink); font: 1rem/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.75rem; line-height: 1.2; margin: 0; } h2 { font-size: 1.25rem; margin: 2.5rem 0 0.5rem; } h3 { font-size: 1rem; margin: 1.5rem 0 0.25rem; }
p { margin: 0.5rem 0; max-width: 44rem; } header p, figcaption, .note { color: var(--soft); }
code { font-size: 0.875em; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(10rem, 1fr)); gap: 0.75rem; margin: 1.25rem 0; padding: 0; }
.tile { background: var(--panel); border: 1px solid var(--line); border-radius: 0.5rem; padding: 0.75rem 1rem; }
.tile dt { color: var(--soft); font-size: 0.875rem; } .tile dd { margin: 0; font-size: 1.5rem; font-variant-numeric: tabular-nums; } .tile dd + dd { font-size: 0.875rem; color: var(--soft); }
ol, ul { padding-left: 1.25rem; max-width: 44rem; } li { margin: 0.375rem 0; }
figure { margin: 1rem 0 1.5rem; } figcaption { font-size: 0.875rem; max-width: 44rem; } svg { display: block; max-width: 100%; height: auto; }
.wide { overflow-x: auto; } table { overflow-wrap: break-word; border-collapse: collapse; margin: 0.75rem 0; font-variant-numeric: tabular-nums; font-size: 0.9375rem; }
caption { text-align: left; color: var(--soft); padding-bottom: 0.25rem; min-width: min(26rem, 88vw); } th, td { padding: 0.3rem 0.75rem 0.3rem 0; border-bottom: 1px solid var(--line); text-align: right; vertical-align: top; } .words { text-align: left; } .figures { white-space: nowrap; } tbody th { font-weight: 400; } thead th { font-weight: 600; color: var(--soft); }
summary { cursor: pointer; color: var(--soft); font-size: 0.875rem; } :focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
svg text { fill: var(--ink); font: 11px system-ui, sans-serif; } svg .name { fill: var(--soft); } .grid { stroke: var(--line); } .axis { stroke: var(--soft); }
.line { fill: none; stroke-width: 2; stroke-linejoin: round; } .line.faint { stroke-width: 1.25; stroke-dasharray: 4 3; } svg .faint { opacity: 0.75; }
${[0, 1, 2, 3, 4, 5, 6, 7].map((color) => `.line.color-${color} { stroke: var(--c${color}); } svg .end.color-${color}, .dot.color-${color} { fill: var(--c${color}); }`).join("\n")}
.cell { fill: var(--panel); } .right { fill: var(--accent); } .wrong { fill: var(--bad); } svg .count.dark { fill: var(--page); }
.bar { fill: var(--accent); fill-opacity: 0.35; } .mean { fill: var(--accent); } .diagonal { stroke: var(--soft); stroke-dasharray: 4 4; } svg .small { font-size: 9px; }
`;

const STYLE_DIGEST = createHash("sha256").update(STYLE).digest("base64");

/** Of the page wherever it is opened: nothing is loaded, nothing runs, nothing is sent. */
export const PAGE_POLICY = `default-src 'none'; style-src 'sha256-${STYLE_DIGEST}'; base-uri 'none'; form-action 'none'`;

/** As a response header, where it can also forbid frames. */
export const REPORT_PAGE_POLICY = `${PAGE_POLICY}; frame-ancestors 'none'`;
