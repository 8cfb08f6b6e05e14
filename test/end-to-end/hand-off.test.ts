/**
 * What a person is left with: the commands of a needs-human end, pasted into a shell with the real `aws` and `kubectl`.
 */
import { afterEach, describe, expect, it } from 'vitest';
import { readScenario } from '../../sandbox/world/load.ts';
import type { FaultInput } from '../../sandbox/world/faults.ts';
import type { Knobs } from '../../sandbox/world/scenario.ts';
import { ADDON, scenarioFile } from './fixture.ts';
import { reasonToSkip, serveHere, type ServedHere } from './served.ts';
import { type Asked, OpenWorld } from './world.ts';

const reason = reasonToSkip('aws', 'kubectl');
const ACCOUNT = 'ebs-csi-controller-sa';
/** Slow enough for functions to end before their time-outs, so fast that a waiter's first look finds all done. */
const SCALE = 40;
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

interface Case {
  what: string;
  scenario: string;
  asked: Partial<Asked>;
  knobs?: Partial<Knobs>;
  faults: FaultInput[];
  /** How the add-on is when the person comes. */
  found: string | undefined;
  /** Of the commands, in that order among others. */
  commands: RegExp;
}

const cases: Case[] = [
  {
    what: 'an add-on that is gone, since nobody may create it, and an association that said more than an add-on can',
    scenario: 'left-over-target-role',
    asked: { strategy: 'recreate' },
    faults: [denied({ operation: 'CreateAddon' })],
    found: undefined,
    commands:
      /^# Add-on aws-ebs-csi-driver is not there\.\naws eks create-addon .*\naws eks wait addon-active .*\nsleep 30\naws eks create-pod-identity-association .*--target-role-arn .*--policy .*\n# .*\naws eks update-kubeconfig .*\nkubectl -n kube-system rollout restart .*\n# .*\npod-identity rollback \w+ --deployed$/,
  },
  {
    what: 'an add-on that nobody could look at any more',
    scenario: 'preserve',
    asked: { strategy: 'in-place' },
    faults: [
      denied({ step: 'verify-pods', service: 'kubernetes' }),
      denied({ step: 'assess-rollback', service: 'eks' }),
      denied({ step: 'finish', service: 'eks' }),
    ],
    found: 'ACTIVE',
    commands:
      /these lines work from any state[^]*wait addon-active .* \|\| true\n[^]*create-addon .* \|\| true\n[^]*\naws eks update-addon .*--service-account-role-arn .* PRESERVE\naws eks wait addon-active /,
  },
  {
    what: 'an update that EKS can not carry out',
    scenario: 'in-place',
    asked: { strategy: 'in-place' },
    knobs: { updateEndsIn: 'UPDATE_FAILED' },
    faults: [],
    found: 'UPDATE_FAILED',
    commands:
      /is UPDATE_FAILED[^]*aws eks update-addon .*--service-account-role-arn .*\naws eks wait addon-active [^]*aws eks create-pod-identity-association /,
  },
];

const open: ServedHere[] = [];
afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
});

describe.skipIf(reason !== undefined)(
  `the commands of a hand-off${reason === undefined ? '' : ` (${reason})`}`,
  { timeout: 900_000 },
  () => {
    it.each(cases)('put back $what', async ({ scenario: name, asked, knobs = {}, faults, found, commands }) => {
      const scenario = await readScenario(scenarioFile(name));
      Object.assign(scenario.knobs, QUICK, knobs);
      scenario.faults = faults.map((fault) => ({ call: 1, times: 1, ...fault }));
      const served = await serveHere(scenario, SCALE);
      open.push(served);
      const world = new OpenWorld(served.backend, scenario);
      const { cluster, backend } = world;
      const before = world.look(ADDON, ACCOUNT);

      const report = await world.migrate({ addon: ADDON, ...asked });
      expect(report.outcome).toBe('needs-human');
      expect(cluster.addons.get(ADDON)?.status).toBe(found);
      expect(report.handOff.join('\n')).toMatch(commands);
      // Nothing else begins meanwhile, and whoever tries is told by whom it is held up.
      const other = await world.migrate({ addon: ADDON });
      expect(other.outcome).toBe('blocked');
      expect(other.plan!.checks[0]).toMatchObject({
        id: 'lock-free',
        status: 'fail',
        remedy: expect.stringContaining(`pod-identity rollback ${report.migrationId}`) as unknown,
      });

      // What was wrong is over; that is a person's to see to.
      backend.sandbox.world.faults.clear();
      backend.sandbox.world.knobs.updateEndsIn = 'ACTIVE';
      const changed = world.changes().length;
      const { code, out, err } = await served.run('bash', ['-e', '-c', report.handOff.join('\n')]);
      expect({ code, out, err }).toMatchObject({ code: 0, out: expect.stringContaining('rolled-back') as unknown });

      // The commands did it all: the rollback at their end found nothing to put back.
      expect(world.changes().slice(changed)).toEqual([]);
      expect(world.look(ADDON, ACCOUNT)).toMatchObject({ ...before, pods: expect.any(Array) as unknown });
      const record = await backend.ledger.getMigration(report.migrationId);
      expect(record).toMatchObject({
        status: 'ended',
        outcome: 'rolled-back',
        verified: 'pods',
        recovery: { cause: 'requested', after: 'needs-human' },
      });
      for (const key of record!.locks) expect((await backend.ledger.readLock(key))?.holder).toBeUndefined();
      expect(backend.sandbox.failures).toEqual([]);
    });
  },
);
