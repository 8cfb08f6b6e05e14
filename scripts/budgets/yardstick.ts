/**
 * A fixed piece of work, as the tests and the simulator do it: objects are built, sorted, hashed, written as JSON and
 * read again. How much processor time it takes shows how fast the machine is at the moment.
 */
import { createHash } from 'node:crypto';

const ROUNDS = 12;
const OBJECTS = 400;

function work(): string {
  let text = '';
  for (let round = 0; round < ROUNDS; round += 1) {
    const byName = new Map<string, { name: string; labels: Record<string, string>; spec: { at: number }[] }>();
    for (let index = 0; index < OBJECTS; index += 1) {
      const name = `pod-${(index * 7_919) % 10_007}-${round}`;
      byName.set(name, {
        name,
        labels: { app: name.replace(/\d+/g, 'x'), round: String(round) },
        spec: [{ at: index }, { at: index + round }],
      });
    }
    const sorted = [...byName.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
    text = createHash('sha256')
      .update(JSON.stringify(JSON.parse(JSON.stringify(sorted))))
      .digest('hex');
  }
  return text;
}

/** Returns the processor seconds (user and system) that this process has used. */
export const processorSeconds = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
};

let isWarm = false;

/** Does the work once, and returns the processor seconds that it took. The first call compiles the code before that. */
export function yardstick(): number {
  if (!isWarm) for (let run = 0; run < 8; run += 1) work();
  isWarm = true;
  const before = processorSeconds();
  work();
  return processorSeconds() - before;
}

/** Returns the median of measurements: some include a collection of the process's whole garbage. */
export const median = (measured: readonly number[]): number =>
  measured.toSorted((a, b) => a - b)[Math.floor(measured.length / 2)] ?? 0;
