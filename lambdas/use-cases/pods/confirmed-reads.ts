import type { Addon } from '../../domain/migration/model.ts';
import type { Clock, Eks, Role, Roles } from '../../ports/index.ts';

const READS = 3;
const BETWEEN_READS_MS = 2000;

/** Looks until an answer is `sure`, at most three times with two seconds between; the last answer otherwise. */
export async function readUntilSure<T>(clock: Clock, look: () => Promise<T>, sure: (answer: T) => boolean): Promise<T> {
  let answer = await look();
  for (let again = 1; again < READS && !sure(answer); again += 1) {
    await clock.sleep(BETWEEN_READS_MS);
    answer = await look();
  }
  return answer;
}

/**
 * The add-on as it is now. Its absence is believed only after several looks in a row, since EKS's answers are
 * eventually consistent.
 */
export const readAddonUntilSure = (eks: Eks, addon: string, clock: Clock): Promise<Addon | undefined> =>
  readUntilSure(
    clock,
    () => eks.describeAddon(addon),
    (now) => now !== undefined,
  );

/** A role as it is now; its absence is believed as an add-on's is. */
export const readRoleUntilSure = (roles: Roles, arn: string, clock: Clock): Promise<Role | undefined> =>
  readUntilSure(
    clock,
    () => roles.getRole(arn),
    (now) => now !== undefined,
  );
