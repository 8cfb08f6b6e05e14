/**
 * The whole workflow and the rollback of a service account over the fakes: without faults, with a fault at each call of
 * each step, and with another principal making changes between any two steps. The service account always has its
 * annotation or its association. `account-workflow.grid.test.ts` combines each case with each fault.
 */
import { describe, expect, it } from 'vitest';
import type { Outcome } from '../../../lambdas/domain/terms/outcome.ts';
import type { StepName } from '../../../lambdas/steps/schemas.ts';
import { anAccountAssociation, aServiceAccount } from '../account-fixtures.ts';
import { MIGRATION_ID, OTHER_ROLE, ROLE } from '../fixtures.ts';
import {
  account,
  blind,
  cases,
  expectEnd,
  newWorld,
  REMOVE,
  requestOf,
  workflowOf,
  type Case,
} from './account-workflow-cases.ts';
import { migrate, type Machine } from './machine.ts';
import { strikeFirst } from './workflow-faults.ts';

describe.each(cases)('$name', (one) => {
  it(`ends ${one.outcome}`, async () => {
    const fakes = newWorld(one);
    expect(await migrate(fakes, requestOf(one))).toBe(one.outcome);
    await expectEnd(fakes, one);
    expect((await fakes.ledger.listSteps(MIGRATION_ID)).map(({ name }) => name)).toEqual(
      expect.arrayContaining(one.lines),
    );
    expect(fakes.journal.mutations().filter((name) => name.endsWith('Addon'))).toEqual([]);
  });

  it('never leaves it without annotation and association', async () => {
    const fakes = newWorld(one);
    const bare: string[] = [];
    const look = (name: string): void =>
      void (account(fakes)?.roleArn === undefined && fakes.eks.associations.length === 0 && bare.push(name));
    expect(await migrate({ ...fakes, onTask: look }, requestOf(one))).toBe(one.outcome);
    look('the end');
    expect(bare).toEqual([]);
  });
});

it.each([
  ['before', 'read', 40],
  ['after', 'change', 30],
] as const)(
  'a fault %s the effect of each %s of each step, once, leaves every end as it is',
  async (moment, _, least) => expect(await strikeFirst(moment, cases.map(workflowOf))).toBeGreaterThan(least),
);

const THEIRS = anAccountAssociation({ id: 'a-theirs', roleArn: OTHER_ROLE });
interface Actor {
  name: string;
  act: (fakes: Machine) => unknown;
  stands: (fakes: Machine) => void;
  /** Where nothing is done any more that could respect them. */
  notAt?: StepName;
}
const actors: Actor[] = [
  {
    name: 'deletes the service account',
    act: ({ kubernetes }) => (kubernetes.serviceAccounts = []),
    stands: ({ kubernetes }) => expect(kubernetes.serviceAccounts).toEqual([]),
  },
  {
    name: 'makes it again without a role',
    act: ({ kubernetes }) => (kubernetes.serviceAccounts = [aServiceAccount({ uid: 'another', roleArn: undefined })]),
    stands: (fakes) => expect(account(fakes)).toMatchObject({ uid: 'another', resourceVersion: '7' }),
  },
  {
    name: 'gives it another role',
    act: ({ kubernetes }) => (kubernetes.serviceAccounts = [aServiceAccount({ roleArn: OTHER_ROLE })]),
    stands: (fakes) => expect(account(fakes)).toEqual(aServiceAccount({ roleArn: OTHER_ROLE })),
  },
  {
    name: 'associates it themselves',
    act: ({ eks }) => (eks.associations = [structuredClone(THEIRS)]),
    stands: ({ eks }) => expect(eks.associations).toEqual([THEIRS]),
  },
  // Its annotation is not taken off then, which would leave it without a role; but for where it is off before that.
  {
    name: 'deletes its association',
    act: ({ eks }) => eks.associations.length > 0 && (eks.associations = []),
    stands: (fakes) => expect(account(fakes)?.roleArn).toBe(ROLE),
    notAt: 'finish',
  },
  {
    name: 'gives its association another role',
    act: ({ eks }) => eks.associations.length > 0 && eks.associations.map((one) => (one.roleArn = OTHER_ROLE)),
    stands: ({ eks }) => expect(eks.associations.map(({ roleArn }) => roleArn)).not.toContain(ROLE),
  },
];
const ways: [string, Outcome, Pick<Case, 'request' | 'world'>][] = [
  ['during the migration', 'migrated', { request: REMOVE }],
  ['during the rollback', 'rolled-back', { request: REMOVE, world: blind }],
];

describe.each(ways)('%s', (_, outcome, one) => {
  it.each(actors)('one who $name is respected, between any two steps', async ({ act, stands, notAt }) => {
    const tasks: StepName[] = [];
    expect(await migrate({ ...newWorld(one), onTask: (name) => void tasks.push(name) }, requestOf(one))).toBe(outcome);
    expect(tasks.length).toBeGreaterThan(6);
    const ends: [StepName, Outcome][] = [];
    const did: boolean[] = [];
    for (const [position, name] of tasks.entries()) {
      const fakes = newWorld(one);
      let index = -1;
      let acted: unknown = false;
      const end = await migrate(
        { ...fakes, onTask: () => void ((index += 1) === position && (acted = act(fakes))) },
        requestOf(one),
      );
      ends.push([name, end]);
      did.push(acted !== false);
      // What the plan finds it takes for how it is.
      if (position > 0 && acted && name !== notAt) stands(fakes);
      const record = (await fakes.ledger.getMigration(MIGRATION_ID))!;
      expect(record.restoreCommands.at(-1)).toBe(
        end === 'needs-human' ? `pod-identity rollback ${MIGRATION_ID} --deployed` : undefined,
      );
    }
    // When the end is recorded there is nothing to stop any more; before that nobody's work is called the migration's.
    expect(ends.at(-1)).toEqual(['finish', outcome]);
    const verified = ends.findLastIndex(([name]) => name === 'verify-pods');
    for (const [name, end] of ends.slice(1, verified + 1).filter((_one, position) => did[position + 1]))
      expect([name, end]).not.toEqual([name, 'migrated']);
  });
});
