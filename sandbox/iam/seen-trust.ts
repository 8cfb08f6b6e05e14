import type { RoleState, World } from '../world/world.ts';

/** The trust policy that other services than IAM see, JSON text: see the knob `trustLagSeconds`. */
export const seenTrustPolicy = ({ schedule, knobs }: World, { trustPolicy, pastTrust }: RoleState): string =>
  pastTrust.find(({ replacedAt }) => replacedAt + knobs.trustLagSeconds * 1000 > schedule.now())?.text ?? trustPolicy;
