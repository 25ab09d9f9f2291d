// A wait with an end, for what must not be given up when nobody waits for it any more.

/**
 * The promise's value, or undefined when it has not come at `deadlineMs` on the clock of performance.now();
 * `late` gets it when it comes after all. Rejects as the promise does before.
 */
export function beforeDeadline<Value>(
  promise: Promise<Value>,
  deadlineMs: number,
  late: (value: Value) => void,
): Promise<Value | undefined> {
  return new Promise((resolve, reject) => {
    let isLate = false;
    const giveUp = () => {
      isLate = true;
      resolve(undefined);
    };
    const timer = setTimeout(giveUp, Math.max(0, deadlineMs - performance.now()));
    const settle = (end: () => void) => {
      clearTimeout(timer);
      end();
    };
    promise.then(
      (value) => settle(() => (isLate ? late(value) : resolve(value))),
      (error) => settle(() => reject(error)),
    );
  });
}
