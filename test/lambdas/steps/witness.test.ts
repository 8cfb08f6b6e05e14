/** One pod goes first when the service restarts pods towards EKS Pod Identity. */
import { describe, expect, it } from 'vitest';
import type { Pod } from '../../../lambdas/domain/kubernetes/objects.ts';
import { restartPodsStep } from '../../../lambdas/steps/restart-pods/handler.ts';
import { verifyPodsStep } from '../../../lambdas/steps/verify-pods/handler.ts';
import { ADDON, addonArn } from '../example.ts';
import { aMigratedAddon, anAssociation, aPod, aWorkload } from '../eks-fixtures.ts';
import { invoke } from '../fakes.ts';
import { IN_PLACE, RECREATE } from '../fixtures.ts';
import { expectError } from '../matchers.ts';
import { at, MIGRATION_ID } from '../run-examples.ts';
import { begun, type Begun } from './begun.ts';

const WHOLE = 'Deployment/kube-system/ebs-csi-controller';
const ALL = { restarted: [WHOLE], waitSeconds: 15 };
const old = (name: string): Pod => aPod('irsa', { name });
const young = (identity: 'irsa' | 'pod-identity', seconds: number): Pod =>
  aPod(identity, { name: 'new', uid: `new-${seconds}`, createdAt: at(seconds) });

/** The driver in place, with these pods, `seconds` after its association. */
async function after(seconds: number, pods: Pod[], { desired = 2 } = {}): Promise<Begun> {
  const fakes = await begun({ plan: { attempts: [IN_PLACE, RECREATE] } });
  const association = anAssociation({ id: 'a-new', ownerArn: addonArn(1), createdAt: at(0) });
  await fakes.ledger.recordAssociation(MIGRATION_ID, 'created', association);
  fakes.eks.addons.set(ADDON, aMigratedAddon([association.arn]));
  fakes.eks.associations = [association];
  fakes.kubernetes.pods = pods;
  fakes.kubernetes.workloads = [aWorkload({ desired, ready: desired })];
  fakes.clock.advance(Date.parse(at(seconds)) - fakes.clock.now());
  return fakes;
}
const call = (step: typeof restartPodsStep, fakes: Begun, tries = 0, round = 1) =>
  invoke(step, { ...fakes.input, towards: 'pod-identity', round, tries }, fakes);

describe('restart-pods', () => {
  const evicted = (name: string, waitSeconds: number): object => ({
    restarted: [],
    evicted: [`kube-system/${name}`],
    isTry: true,
    waitSeconds,
  });
  it.each<[string, number, Pod[], number, number, object]>([
    ['replaces one pod first', 20, [old('one'), old('two')], 0, 1, evicted('one', 15)],
    ['replaces it again, after a longer wait', 20, [young('irsa', 10), old('two')], 2, 1, evicted('new', 45)],
    ['waits no longer than the ten minutes', 580, [young('irsa', 10), old('two')], 8, 1, evicted('new', 21)],
    ['restarts the rest once the new one has it', 20, [young('pod-identity', 10), old('two')], 1, 1, ALL],
    ['keeps the last restart for the end', 20, [young('pod-identity', 10), old('two')], 1, 2, evicted('two', 30)],
    ['restarts all a last time after them', 600, [young('pod-identity', 10), old('two')], 1, 2, ALL],
  ])('%s', async (_, seconds, pods, tries, round, expected) =>
    expect(await call(restartPodsStep, await after(seconds, pods), tries, round)).toEqual(expected),
  );

  it('restarts a workload with a single pod, which keeps it until the new one is ready', async () => {
    const fakes = await after(20, [young('irsa', 10)], { desired: 1 });
    expect(await call(restartPodsStep, fakes, 1)).toEqual({ restarted: [WHOLE], isTry: true, waitSeconds: 30 });
  });

  it.each([
    [3, 1, 20, ALL],
    [2, 1, 20, { restarted: [], isTry: true, waitSeconds: 45 }],
    [3, 2, 20, { restarted: [], isTry: true, waitSeconds: 60 }],
    [3, 2, 600, ALL],
  ])('where none may be evicted, try %i in round %i, after %i s', async (tries, round, seconds, expected) => {
    const fakes = await after(seconds, [old('one'), old('two')]);
    fakes.kubernetes.eviction = 'refused';
    expect(await call(restartPodsStep, fakes, tries, round)).toEqual(expected);
  });

  it('does not count a restart of all if the reply to an eviction was lost', async () => {
    const fakes = await after(20, [{ ...young('irsa', 19), ready: false }, old('two')]);
    fakes.kubernetes.workloads = [aWorkload({ desired: 2, ready: 1, settled: false })];
    expect(await call(restartPodsStep, fakes)).toEqual({ restarted: [], isTry: true, waitSeconds: 15 });
    expect(fakes.journal.mutations()).toEqual([]);
  });
});

describe('verify-pods', () => {
  it.each<[string, number, Pod[], number, number, object]>([
    ['asks for a pod that goes first', 20, [old('one'), old('two')], 0, 1, { verdict: 'restart' }],
    ['asks for another before ten minutes', 599, [young('irsa', 599), old('two')], 9, 2, { verdict: 'restart' }],
    ['makes the next attempt after them', 700, [young('irsa', 600), old('two')], 9, 1, { verdict: 'next-attempt' }],
  ])('%s', async (_, seconds, pods, tries, round, expected) =>
    expect(await call(verifyPodsStep, await after(seconds, pods), tries, round)).toMatchObject(expected),
  );

  it('makes no attempt, and gives nothing up, before ten minutes, although all tries are used', async () => {
    const fakes = await after(300, [young('irsa', 290), old('two')]);
    await expectError(call(verifyPodsStep, fakes, 10), 'PodsNotSettled', "EKS's webhook has another 300 s");
  });

  it('makes no attempt against a webhook that misses pods, and reports it', async () => {
    const fakes = await after(700, [young('pod-identity', 20), { ...young('irsa', 650), name: 'missed' }]);
    await expectError(
      call(verifyPodsStep, fakes, 10),
      'PodsOnWrongIdentity',
      /missed \(created .* had got it.*issues\/153/,
    );
    expect((await fakes.record()).warnings).toMatchObject([{ id: 'injection-flaps' }]);
  });
});
