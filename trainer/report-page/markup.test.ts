import { expect, it } from "vitest";
import { markup, verbatim } from "./markup.ts";

it("a text is escaped between tags and between quotes, markup and constants stand as they are", () => {
  const text = `"><b a='1'>&amp;`;
  const escaped = "&quot;&gt;&lt;b a=&#39;1&#39;&gt;&amp;amp;";
  const inner = markup`<i title="${text}">${text}</i>`;
  expect(inner.text).toBe(`<i title="${escaped}">${escaped}</i>`);
  expect(markup`<p>${[inner, inner]}${undefined}${0}${verbatim("<br/>")}</p>`.text).toBe(
    `<p>${inner.text}${inner.text}0<br/></p>`,
  );
});

it("what XML has no character for becomes one that says so, and halves of characters too", () => {
  expect(markup`${"a\u0000b\u001bc\ud800d\uffffe\tf\u{1f600}"}`.text).toBe(
    "a\ufffdb\ufffdc\ufffdd\ufffde\tf\u{1f600}",
  );
});
