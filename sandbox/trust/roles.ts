import type { RoleState, World } from '../world/world.ts';

/** Returns the trust policy, as JSON, that services other than IAM see (the knob `trustLagSeconds`). */
export const seenTrustPolicy = ({ schedule, knobs }: World, { trustPolicy, pastTrust }: RoleState): string =>
  pastTrust.find(({ replacedAt }) => replacedAt + knobs.trustLagSeconds * 1000 > schedule.now())?.text ?? trustPolicy;

/** Returns the condition keys of a role as a resource: its tags, under both names. */
export const roleTagKeys = (role: RoleState | undefined): Record<string, string> =>
  Object.fromEntries(
    Object.entries(role?.tags ?? {}).flatMap(([key, value]) => [
      [`aws:ResourceTag/${key}`, value],
      [`iam:ResourceTag/${key}`, value],
    ]),
  );
