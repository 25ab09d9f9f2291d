import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { makeTinyBackbone } from "../../test/helpers/tiny-backbone.ts";
import { parseBackbone } from "../backbone.ts";
import { serializeGraph } from "../graph/serialize.ts";
import { preparedAs } from "./prepared-as.ts";
import { servingGraph } from "./serving-graph.ts";

// Not a golden number of the graph: change it at will, but raise PREPARED_VERSION with it.
test("whoever changes the serving graph raises the version of what is prepared of it", () => {
  const hash = createHash("sha256");
  for (const family of ["bert", "roberta", "mpnet"] as const) {
    const backbone = parseBackbone("tiny", makeTinyBackbone({ family }));
    for (const precision of ["fp32", "int8"] as const)
      hash.update(serializeGraph(servingGraph({ ...backbone, precision })));
  }
  const { version } = preparedAs("int8").madeBy;
  expect({ version, graphs: hash.digest("hex").slice(0, 16) }).toEqual({
    version: "4",
    graphs: "662c915a7c3e9003",
  });
});
