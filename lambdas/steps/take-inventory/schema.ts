import { z } from 'zod';
import { accountId, clusterName, regionName } from '../../domain/text/names.ts';
import { sweepId } from '../../domain/sweep/model.ts';
import { defineStep, planningEnvironment } from '../../runtime/step.ts';

const goesOn = { after: clusterName.optional(), tooShortFor: clusterName.optional() };

/**
 * Looks at the clusters of one region of one account, as many as its time allows, and says where the next call goes on.
 */
export const takeInventorySchema = defineStep('take-inventory', {
  title: 'Take the inventory of an account and region',
  environment: planningEnvironment.extend({ BUCKET_NAME: z.string().min(1) }),
  /** `after`: name of the last cluster that was looked at; `tooShortFor`: see `LocationProgress`. */
  input: z.object({ sweepId, account: accountId, region: regionName, ...goesOn }),
  output: z.object({ done: z.boolean(), ...goesOn, clusters: z.int() }),
  timeoutSeconds: 900,
});
