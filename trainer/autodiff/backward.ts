// Reverse-mode differentiation: adds to a graph the nodes that compute a scalar loss' gradients.
import { type GraphBuilder, type GraphNode, must, type Tensor } from "#model/graph";
import { vjpRules } from "./vjp-rules.ts";

/**
 * Gradients of `loss` (one number) by each tensor of `wrt`, in order and of the same shapes. Only
 * nodes between `wrt` and `loss` are visited, so frozen parts cost nothing.
 */
export function backward(builder: GraphBuilder, loss: Tensor, wrt: readonly Tensor[]): Tensor[] {
  const nodes = [...builder.nodes];
  const reached = reachableFrom(nodes, wrt);
  if (!reached.has(loss.id)) throw new Error("The loss does not depend on what it is differentiated by");
  const grads = new Map<string, Tensor>([[loss.id, onesLike(builder, loss)]]);
  for (const node of nodes.reverse()) {
    const y = must(node.outputs[0], "output");
    const grad = grads.get(y.id);
    if (grad === undefined || !node.inputs.some((input) => reached.has(input.id))) continue;
    const inputGrads = vjpRules[node.op]({ builder, node, x: node.inputs, y, grad });
    for (const [index, input] of node.inputs.entries()) {
      const inputGrad = inputGrads[index];
      if (inputGrad && reached.has(input.id)) accumulate(builder, grads, input, inputGrad);
    }
  }
  return wrt.map((tensor) => must(grads.get(tensor.id), `gradient of ${tensor.id}`));
}

function reachableFrom(nodes: readonly GraphNode[], sources: readonly Tensor[]): Set<string> {
  const reached = new Set(sources.map((tensor) => tensor.id));
  for (const node of nodes) {
    if (node.op === "StopGradient") continue;
    if (!node.inputs.some((input) => reached.has(input.id))) continue;
    const first = must(node.outputs[0], "output");
    reached.add(first.id);
  }
  return reached;
}

function accumulate(builder: GraphBuilder, grads: Map<string, Tensor>, input: Tensor, grad: Tensor): void {
  const sum = grads.get(input.id);
  grads.set(input.id, sum ? builder.apply("Add", [sum, grad]) : grad);
}

function onesLike(builder: GraphBuilder, loss: Tensor): Tensor {
  if (loss.shape.some((size) => size !== 1))
    throw new Error(`The loss has shape [${loss.shape}], not one number`);
  return builder.apply("ExpandLike", [builder.scalar(1), loss]);
}
