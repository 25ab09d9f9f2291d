// Whether a training still learns: once one number is none, all that follow are none, and the rest is time lost.
import { TrainerError } from "../errors.ts";

/** `norm` of all gradients of the step. Throws TrainerError invalid_options where either is no number or endless. */
export function requireFinite(
  { loss, norm }: { loss: number; norm: number },
  { step, learningRate }: { step: number; learningRate: number },
): void {
  if (Number.isFinite(loss) && Number.isFinite(norm)) return;
  const what = `The training diverged at step ${step + 1}: its loss is no number any more.`;
  throw new TrainerError("invalid_options", `${what} Ask for a learning rate below ${learningRate}.`);
}
