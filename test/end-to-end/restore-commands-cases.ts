/** Migrations that end needs-human, and the commands that the person gets. */
import { expect } from 'vitest';
import type { MigrationReport } from '../../lambdas/domain/record/migration.ts';
import { readScenario } from '../../sandbox/build/load.ts';
import type { FaultInput } from '../../sandbox/calls/faults.ts';
import type { Knobs, Scenario } from '../../sandbox/scenario/scenario.ts';
import { ADDON, scenarioFile } from './fixture.ts';
import { hasWaited } from './waits.ts';
import type { Asked, OpenWorld } from './world.ts';
import { containing } from '../lambdas/matchers.ts';

export const ACCOUNT = 'ebs-csi-controller-sa';
const QUICK: Partial<Knobs> = {
  addonCreateSeconds: 1,
  addonUpdateSeconds: 1,
  addonDeleteSeconds: 2,
  addonPreserveDeleteSeconds: 2,
  podReadySeconds: 1,
  podTerminationSeconds: 1,
  cascadeLagSeconds: 0,
  associationDeleteLagSeconds: 1,
  deleteStaleSeconds: 0,
};

const denied = (fault: Omit<FaultInput, 'kind' | 'times'>): FaultInput => ({
  ...fault,
  kind: 'access-denied',
  times: 'all',
});

export interface Case {
  what: string;
  scenario: string;
  asked: Partial<Asked>;
  knobs?: Partial<Knobs>;
  faults: FaultInput[];
  /** The state of the add-on when the person begins. */
  found: string | undefined;
  /** Restore commands, in that order but with others in between. */
  commands: RegExp;
}

export const cases: Case[] = [
  {
    what: 'an add-on that is gone because its create is denied, and an association with fields that an add-on cannot carry',
    scenario: 'left-over-session-tags',
    asked: { strategy: 'recreate' },
    faults: [denied({ operation: 'CreateAddon' })],
    found: undefined,
    commands:
      /^: 'Add-on aws-ebs-csi-driver does not exist\.'\n: 'If .*\n: aws eks describe-addon-versions .*--kubernetes-version 1\.31 .*\naws eks create-addon .*\naws eks wait addon-active .*\nsleep 30\naws eks create-pod-identity-association .*--disable-session-tags.*--tags .*\n: .*\naws eks update-kubeconfig .*\nkubectl -n kube-system rollout restart .*\n: .*\npod-identity rollback \w+ --deployed$/,
  },
  {
    what: 'an add-on that could no longer be read',
    scenario: 'preserve',
    asked: { strategy: 'in-place' },
    faults: [
      denied({ step: 'verify-pods', service: 'eks' }),
      denied({ step: 'assess-rollback', service: 'eks' }),
      denied({ step: 'finish', service: 'eks' }),
    ],
    found: 'ACTIVE',
    commands:
      /these lines work from any state[^]*wait addon-active .* \|\| true\n[^]*create-addon .* \|\| true\n[^]*\naws eks update-addon .*--service-account-role-arn .* PRESERVE\naws eks wait addon-active /,
  },
  {
    what: 'an update that EKS cannot carry out',
    scenario: 'in-place',
    asked: { strategy: 'in-place' },
    knobs: { updateEndsIn: 'UPDATE_FAILED' },
    faults: [],
    found: 'UPDATE_FAILED',
    commands:
      /is UPDATE_FAILED[^]*aws eks update-addon .*--service-account-role-arn .*\naws eks wait addon-active [^]*aws eks create-pod-identity-association /,
  },
];

/** Returns the scenario of a case, with its knobs and its faults. */
export const scenarioOf = async ({ scenario: name, knobs = {}, faults }: Case): Promise<Scenario> => {
  const scenario = await readScenario(scenarioFile(name));
  Object.assign(scenario.knobs, QUICK, knobs);
  scenario.faults = faults.map((fault) => ({ call: 1, times: 1, ...fault }));
  return scenario;
};

const DAY = 86_400_000;

/**
 * Migrates to its end. The rollback waits half a day for a missing permission: its next check is made the last one,
 * because the pace of a test's world may vary.
 */
async function migrateToItsEnd(world: OpenWorld, asked: Asked): Promise<MigrationReport> {
  const { ledger, clock } = world.backend;
  const { name } = await world.start(asked);
  for (;;) {
    const record = await ledger.getMigration(name);
    if (record?.status === 'ended') return world.settled(name);
    const wait = record?.waitingFor;
    if (wait?.what === 'access' && clock.now() - Date.parse(wait.since) < DAY) await hasWaited(world, name, 1);
    await world.later(5000);
  }
}

/** Migrates, and expects that a person is needed and gets these commands. */
export const expectRestoreCommands = async (
  world: OpenWorld,
  { asked, found, commands }: Case,
): Promise<MigrationReport> => {
  const report = await migrateToItsEnd(world, { addon: ADDON, ...asked });
  expect(report.outcome).toBe('needs-human');
  expect(world.cluster.addons.get(ADDON)?.status).toBe(found);
  expect(report.restoreCommands.join('\n')).toMatch(commands);
  // No other migration begins meanwhile, and the refusal names the migration that holds the lock.
  await expect(world.migrateAndFollow({ addon: ADDON })).rejects.toMatchObject({
    name: 'SubjectBusy',
    hint: containing(`pod-identity rollback ${report.migrationId}`),
  });
  return report;
};
