import type { Addon } from '../../domain/terms/observed.ts';
import type { Clock, Eks, Role, Roles } from '../../ports/index.ts';

const READS = 3;
const BETWEEN_READS_MS = 2000;

/** Reads until an answer is `sure`, at most three times with two seconds between reads; then returns the last answer. */
export async function readUntilSure<T>(clock: Clock, read: () => Promise<T>, sure: (answer: T) => boolean): Promise<T> {
  let answer = await read();
  for (let reads = 1; reads < READS && !sure(answer); reads += 1) {
    await clock.sleep(BETWEEN_READS_MS);
    answer = await read();
  }
  return answer;
}

/**
 * Returns the present add-on. Its absence is believed only after several reads in a row, since EKS's answers are
 * eventually consistent.
 */
export const readAddonUntilSure = (eks: Eks, addon: string, clock: Clock): Promise<Addon | undefined> =>
  readUntilSure(
    clock,
    () => eks.describeAddon(addon),
    (now) => now !== undefined,
  );

/** Returns the present role; its absence is believed like an add-on's. */
export const readRoleUntilSure = (roles: Roles, arn: string, clock: Clock): Promise<Role | undefined> =>
  readUntilSure(
    clock,
    () => roles.getRole(arn),
    (now) => now !== undefined,
  );
