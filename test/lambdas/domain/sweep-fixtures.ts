/** Sweeps and their items. */
import { sweepRequest, type SweepRequestInput } from '../../../lambdas/domain/sweep/request.ts';
import type { Sweep, SweepItem } from '../../../lambdas/domain/sweep/model.ts';
import { ulidFrom } from '../../../lambdas/domain/text/ulid.ts';
import { newSweep } from '../../../lambdas/use-cases/sweep/commanding.ts';
import { ACCOUNT, at, executionArn, NOW } from '../fixtures.ts';

export const SWEEP_ID = '01JD8Z5Q6R7S8T9V0W1X2YSWEP';
export const SWEEP_EXECUTION = executionArn(SWEEP_ID, 'Sweep');

/** `sweep`: over what a new one of that request is. */
export const aSweep = (request: Partial<SweepRequestInput> = {}, sweep: Partial<Sweep> = {}): Sweep => ({
  ...newSweep({
    sweepId: SWEEP_ID,
    request: sweepRequest.parse({ mode: 'migrate', ...request }),
    startedAt: at(0),
    schedule: undefined,
  }),
  ...sweep,
});

/** The add-on of that number, of a cluster of its own. */
export const anItem = (number: number, item: Partial<SweepItem> = {}): SweepItem => ({
  migrationId: ulidFrom(NOW, `item ${number}`),
  account: ACCOUNT,
  region: 'eu-west-1',
  cluster: `cluster-${number}`,
  addon: 'aws-ebs-csi-driver',
  roles: [`arn:aws:iam::${ACCOUNT}:role/of-${number}`],
  state: 'queued',
  ...item,
});
