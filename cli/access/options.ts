/** The flags of `grant-access`. */
import { z } from 'zod';
import { accountId, addonName, clusterName, regionName } from '../../lambdas/domain/model.ts';
import { file, output, parseFlags } from '../options.ts';

const grantFlags = z.strictObject({
  cluster: z.string({ error: 'is missing: name the EKS cluster' }).pipe(clusterName),
  addon: z.array(addonName).max(50, 'may be given 50 times at most').default([]),
  account: accountId.optional(),
  region: regionName.optional(),
  apply: z.boolean().default(false),
  sandbox: file,
  state: file,
  deployed: z.boolean().optional(),
  ...output,
});
export type GrantFlags = z.output<typeof grantFlags>;

export const GRANT_ACCESS = 'grant-access';

export const parseGrantFlags = (given: Record<string, unknown>): GrantFlags => parseFlags(grantFlags, given, GRANT_ACCESS);
