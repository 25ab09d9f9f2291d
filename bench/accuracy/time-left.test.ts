import { expect, it } from "vitest";
import { TimeLeft } from "./time-left.ts";

it("goes by what each method took, and by all where it took nothing yet", () => {
  const left = new TimeLeft(["softgate", "setfit", "softgate", "setfit", "lora"]);
  left.finish("softgate", 10);
  // 10 s each
  expect(left.describe()).toBe("4 cells left, about 40 s");
  left.finish("setfit", 110);
  // softgate 10, setfit 110, lora as the mean of both: 60
  expect(left.describe()).toBe("3 cells left, about 3 min");
  left.finish("softgate", 20_000);
  expect(left.describe()).toBe("2 cells left, about 1.9 h");
  left.finish("setfit", 130);
  left.finish("lora", 1);
  expect(left.describe()).toBe("the last");
});
