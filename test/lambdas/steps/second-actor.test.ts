/**
 * Another principal changes the add-on between any two steps of the workflow and of the rollback: the change is found,
 * respected, and never overwritten; the migration does not end as if nothing had happened.
 */
import { describe, expect, it } from 'vitest';
import type { Outcome } from '../../../lambdas/domain/terms/outcome.ts';
import type { StepName } from '../../../lambdas/steps/schemas.ts';
import { newFakes } from '../fakes.ts';
import { ADDON, addonArn, NAMESPACE, OTHER_ROLE, SERVICE_ACCOUNT } from '../example.ts';
import { ADDON_LOCK, MIGRATION_ID } from '../run-examples.ts';
import { anAddon, anAssociation, aPod } from '../eks-fixtures.ts';
import { migrate, type Machine } from './machine.ts';

const NEWER = 'v1.40.0-eksbuild.1';
const FOREIGN = anAddon({ arn: addonArn(77), serviceAccountRoleArn: OTHER_ROLE });
const THEIRS = anAssociation({ id: 'a-theirs', roleArn: OTHER_ROLE });

interface Actor {
  name: string;
  /** False where EKS would not let them do it at that moment. */
  act: (fakes: Machine) => boolean;
  /** What they did is still there. */
  stands: (fakes: Machine) => void;
  /** Steps of the rollback at which everything is already restored, so that the change no longer alters the outcome. */
  afterTheRollback?: StepName[];
}
const active = ({ eks }: Machine): boolean => ['ACTIVE', 'DEGRADED'].includes(eks.addons.get(ADDON)?.status ?? '');

const actors: Actor[] = [
  {
    name: 'updates the add-on to another version',
    act: (fakes) => {
      if (!active(fakes)) return false;
      fakes.eks.addons.get(ADDON)!.version = NEWER;
      return true;
    },
    stands: ({ eks }) => expect(eks.addons.get(ADDON)?.version).toBe(NEWER),
  },
  {
    name: 'configures it',
    act: (fakes) => {
      if (!active(fakes)) return false;
      fakes.eks.addons.get(ADDON)!.configurationValues = '{}';
      return true;
    },
    stands: ({ eks }) => expect(eks.addons.get(ADDON)?.configurationValues).toBe('{}'),
  },
  {
    name: 'deletes it',
    act: (fakes) => active(fakes) && fakes.eks.addons.delete(ADDON),
    stands: ({ eks }) => expect(eks.addons.get(ADDON)).toBeUndefined(),
  },
  {
    name: 'replaces it by one of their own',
    act: (fakes) => {
      if (!active(fakes) && fakes.eks.addons.has(ADDON)) return false;
      fakes.eks.addons.set(ADDON, structuredClone(FOREIGN));
      return true;
    },
    stands: ({ eks }) => expect(eks.addons.get(ADDON)).toEqual(FOREIGN),
  },
  {
    name: 'associates the service account themselves',
    act: ({ eks }) => {
      if (eks.associations.some((one) => one.namespace === NAMESPACE && one.serviceAccount === SERVICE_ACCOUNT))
        return false;
      eks.associations.push(structuredClone(THEIRS));
      return true;
    },
    stands: ({ eks }) => expect(eks.associations).toContainEqual(THEIRS),
    afterTheRollback: ['verify-pods'],
  },
];

const runs: [string, Outcome, object, (fakes: Machine) => void][] = [
  ['in place', 'migrated', { strategy: 'in-place' }, () => undefined],
  ['recreated', 'migrated', { strategy: 'recreate', maxDisruption: 'outage' }, () => undefined],
  [
    'with a second attempt',
    'migrated',
    {},
    ({ eks, kubernetes }) =>
      (eks.onSettled = (addon) => (kubernetes.pods = [aPod(addon.arn === addonArn(1) ? 'irsa' : 'pod-identity')])),
  ],
  [
    'going back by an update',
    'rolled-back',
    { strategy: 'in-place' },
    ({ eks }) => {
      eks.endsIn = 'UPDATE_FAILED';
      eks.onSettled = () => (eks.endsIn = 'ACTIVE');
    },
  ],
  [
    'going back by a create',
    'rolled-back',
    { strategy: 'recreate', preserve: true },
    ({ eks }) => {
      eks.endsIn = 'CREATE_FAILED';
      eks.onSettled = () => (eks.endsIn = 'ACTIVE');
    },
  ],
];

const newWorld = (world: (fakes: Machine) => void): Machine => {
  const fakes = newFakes();
  const { eks, kubernetes } = fakes;
  eks.onSettled = ({ podIdentityAssociations }) =>
    (kubernetes.pods = [aPod(podIdentityAssociations.length > 0 ? 'pod-identity' : 'irsa')]);
  world(fakes);
  return fakes;
};

describe.each(runs)('%s', (_, outcome, request, world) => {
  it.each(actors)('respects one who $name', async ({ act, stands, afterTheRollback = [] }) => {
    const smooth: { tasks: StepName[] } = { tasks: [] };
    expect(await migrate({ ...newWorld(world), onTask: (name) => void smooth.tasks.push(name) }, request)).toBe(
      outcome,
    );
    let acted = 0;
    for (const position of smooth.tasks.keys()) {
      const fakes = newWorld(world);
      let at: StepName | undefined;
      let index = -1;
      const end = await migrate(
        { ...fakes, onTask: (name) => ((index += 1) === position && act(fakes) ? (at = name) : undefined) },
        request,
      );
      // Where it could not be done, or before the plan, which took it for how it is.
      if (at === undefined || at === 'plan') continue;
      acted += 1;
      const over = at === 'finish' || (outcome === 'rolled-back' && afterTheRollback.includes(at));
      expect([at, over ? [outcome] : ['blocked', 'needs-human']]).toEqual([at, expect.arrayContaining([end])]);
      stands(fakes);
      const record = (await fakes.ledger.getMigration(MIGRATION_ID))!;
      expect(record.restoreCommands.at(-1)).toBe(
        end === 'needs-human' ? `pod-identity rollback ${MIGRATION_ID} --deployed` : undefined,
      );
      // Held for the person to decide, free otherwise.
      expect((await fakes.ledger.readLock(ADDON_LOCK))?.holder?.migrationId).toBe(
        end === 'needs-human' ? MIGRATION_ID : undefined,
      );
    }
    expect(acted).toBeGreaterThan(1);
  });
});
