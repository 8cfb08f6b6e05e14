/** The SSM runbook against the sandbox, step by step as in its document. */
import { StopExecutionCommand } from '@aws-sdk/client-sfn';
import { afterAll, describe, expect, it } from 'vitest';
import { migrationId } from '../../lambdas/domain/text/names.ts';
import { ADDON } from './fixture.ts';
import { type Automation, type AutomationOptions, endPython, EXECUTION_ID, runAutomation } from './automation.ts';
import { reasonToSkip } from './served.ts';
import { inWorld, type OpenWorld } from './world.ts';
import { containing, matching } from '../lambdas/matchers.ts';

const reason = reasonToSkip('python3');
const LOCATION = { Cluster: 'some-cluster' };
const EBS = { Addon: ADDON };
const ACCOUNT = { Namespace: 'payments', ServiceAccount: 'api' };
const SERVICE_ACCOUNT = 'ebs-csi-controller-sa';
const APPLY = { DryRun: 'false' };
/** The bits of EXECUTION_ID. */
const MIGRATION_ID = '210PJFSYA427K9TCMFPBDJFA89';

const textOf = ({ outputs }: Automation): string => (outputs['report'] as string[]).join('\n');
const recordOf = async (world: OpenWorld, id = MIGRATION_ID) => world.backend.ledger.getMigration(id);
/** A target in the world's first cluster. */
const run = (world: OpenWorld, given: Record<string, string>, options?: AutomationOptions): Promise<Automation> =>
  runAutomation(world, { Cluster: world.target.cluster, ...given }, options);
const stepsOf = ({ steps }: Automation): string[] => steps.map(({ name, status }) => `${name} ${status}`);
const BEGUN = ['prepare Success', 'check Success', 'decide Success'];
const FAILED_RUN = [...BEGUN, 'run Failed', 'report Success', 'conclude Failed'];
/** The steps if nothing was started. */
const REFUSED = [...BEGUN, 'report Success', 'conclude Failed'];
/** A second automation and its migration. */
const SECOND = { executionId: '00000000-0000-4000-8000-000000000000' };
const SECOND_ID = '00000000008008000000000000';

describe.skipIf(reason !== undefined)(
  `the runbook${reason === undefined ? '' : ` (${reason})`}`,
  { timeout: 900_000 },
  () => {
    afterAll(endPython);

    it('only plans by default', async () => {
      const { automation, changes } = await inWorld({ scenario: 'in-place' }, async (world) => ({
        automation: await run(world, EBS),
        changes: world.changes(),
      }));
      expect(automation).toMatchObject({
        status: 'Success',
        outputs: { migrationId: MIGRATION_ID, outcome: 'planned', verified: 'none' },
      });
      expect(stepsOf(automation)).toEqual([...BEGUN, 'run Success', 'report Success', 'conclude Success']);
      expect(textOf(automation)).toContain(`For the exact code: pod-identity hand-off ${MIGRATION_ID} --deployed`);
      expect(changes.filter(({ service }) => service !== 'dynamodb')).toEqual([]);
    });

    it('reports third-party text with every control character escaped', async () => {
      const automation = await inWorld({ scenario: 'in-place' }, async (world) => {
        const { backend } = world;
        const get = backend.ledger.getMigration.bind(backend.ledger);
        expect(await get(MIGRATION_ID)).toBeUndefined();
        // Written by a principal with access to the ledger: the runbook reads the item itself.
        world.onFirst(
          ({ operation }) => operation === 'StartExecution',
          async () => {
            await world.rest();
            await backend.ledger.updateMigration(MIGRATION_ID, {
              failure: { name: 'Odd', message: 'x\u001b[2J\u202e\u200b\u3164\ufe0f\u{e0041}\u00ad é' },
            });
          },
        );
        return run(world, EBS);
      });
      expect(textOf(automation)).toContain(
        String.raw`Odd: x\u{1b}[2J\u{202e}\u{200b}\u{3164}\u{fe0f}\u{e0041}\u{ad} é`,
      );
    });

    it("migrates an add-on, under the automation's own id", async () => {
      const { automation, record, executions } = await inWorld({ scenario: 'in-place' }, async (world) => {
        const Accept = 'image:a/b:1 condition-key:aws:SourceIp';
        const done = await run(world, { ...EBS, ...APPLY, Accept, Reason: 'CHG-1234' });
        return {
          automation: done,
          record: await recordOf(world),
          executions: world.backend.sandbox.executions.list(world.backend.stateMachineArn).map(({ name }) => name),
        };
      });
      expect(automation).toMatchObject({
        status: 'Success',
        outputs: { migrationId: MIGRATION_ID, outcome: 'migrated', verified: 'ready' },
      });
      expect(textOf(automation)).toContain(
        `Add-on ${ADDON} in cluster catalogue-prod (111122223333, eu-west-1): migrated, verified: ready (stable; use of the credentials not observed).`,
      );
      expect(migrationId.parse(MIGRATION_ID)).toBe(MIGRATION_ID);
      const bits = MIGRATION_ID.split('').reduce(
        (number, character) => number * 32n + BigInt('0123456789ABCDEFGHJKMNPQRSTVWXYZ'.indexOf(character)),
        0n,
      );
      expect(bits.toString(16)).toBe(EXECUTION_ID.replaceAll('-', ''));
      expect(executions).toEqual([MIGRATION_ID]);
      expect(record?.request).toMatchObject({
        requestedBy: `ssm-automation ${EXECUTION_ID}`,
        reason: 'CHG-1234',
        dryRun: false,
        accept: ['image:a/b:1', 'condition-key:aws:SourceIp'],
      });
    });

    it('recognizes what is already migrated', async () => {
      const again = await inWorld({ scenario: 'in-place' }, async (world) => {
        await run(world, { ...EBS, ...APPLY });
        return run(world, { ...EBS, ...APPLY }, SECOND);
      });
      expect(again).toMatchObject({
        status: 'Success',
        outputs: { migrationId: SECOND_ID, outcome: 'already-migrated', failure: 'none', heldBy: 'none' },
      });
    });

    describe.each([
      ['an add-on', 'in-place', { addon: ADDON }, EBS, `Add-on ${ADDON}`],
      [
        'a service account',
        'service-account-irsa',
        { serviceAccount: { namespace: 'payments', name: 'api' } },
        ACCOUNT,
        'Service account payments/api',
      ],
    ] as const)('for %s that another migration works on', (_, scenario, asked, given, subject) => {
      const begin = async (world: OpenWorld): Promise<string> => {
        const execution = await world.start(asked);
        while ((await world.backend.ledger.listHeldLocks()).length === 0) await world.backend.clock.sleep(1000);
        return execution.name;
      };

      it('starts nothing, names the holder, and reports what to do next', async () => {
        const { automation, holder, executions, record } = await inWorld({ scenario }, async (world) => {
          const id = await begin(world);
          const refused = await run(world, { ...given, ...APPLY });
          await world.rest();
          return {
            automation: refused,
            holder: id,
            executions: world.backend.sandbox.executions.list(world.backend.stateMachineArn).map(({ name }) => name),
            record: await recordOf(world),
          };
        });
        expect(stepsOf(automation)).toEqual(REFUSED);
        expect(automation).toMatchObject({
          status: 'Failed',
          outputs: {
            migrationId: 'none',
            outcome: 'blocked',
            verified: 'none',
            failure: 'SubjectBusy',
            heldBy: holder,
            report: [
              matching(new RegExp(`^${subject} in cluster .*: blocked, verified: none\\.$`)),
              matching(
                new RegExp(
                  `^SubjectBusy: Migration ${holder} has held the lock since 2.*Z\\. No migration was started\\.$`,
                ),
              ),
              `Wait until migration ${holder} has ended, then start the runbook again. To see its progress: pod-identity show ${holder}. To cancel it: pod-identity cancel ${holder}`,
            ],
          },
        });
        expect(automation.steps.at(-1)!.failure).toBe(
          'RuntimeError: No migration was started, and the outcome is blocked. See the output of the step report.',
        );
        expect([executions, record]).toEqual([[holder], undefined]);
      });

      it('plans nevertheless, and migrates once the add-on is free', async () => {
        const { planned, automation } = await inWorld({ scenario }, async (world) => {
          await begin(world);
          const plan = await run(world, given);
          await world.rest();
          return { planned: plan, automation: await run(world, { ...given, ...APPLY }, SECOND) };
        });
        // The plan finds the other migration at work.
        expect(stepsOf(planned).slice(0, 3)).toEqual(BEGUN);
        expect(planned.outputs).toMatchObject({ migrationId: MIGRATION_ID, failure: 'none' });
        expect(automation).toMatchObject({ status: 'Success', outputs: { outcome: 'already-migrated' } });
      });
    });

    it('is refused while a rollback has the lock, and begins if the holder has stopped', async () => {
      const { busy, after } = await inWorld({ scenario: 'in-place' }, async (world) => {
        const { migrationId: id } = await world.migrate({ addon: ADDON });
        const rollingBack = world.backend.clock.spawn(() => world.rollBack({ migrationId: id }));
        while ((await world.backend.ledger.listHeldLocks()).length === 0) await world.backend.clock.sleep(1000);
        const refused = await run(world, { ...EBS, ...APPLY });
        await world.backend.sandbox.clock.park(rollingBack);
        const stopped = await world.start({ addon: ADDON });
        await world.until(stopped, 'WaitForUpdate');
        await world.backend.stepFunctions.send(new StopExecutionCommand({ executionArn: stopped.arn }));
        return { busy: { ...refused, holder: id }, after: await run(world, { ...EBS, ...APPLY }, SECOND) };
      });
      expect(stepsOf(busy)).toEqual(REFUSED);
      expect(busy.outputs).toMatchObject({ failure: 'SubjectBusy', heldBy: busy.holder });
      // Its plan waits until Recover has rolled back what the stopped migration left.
      expect(after).toMatchObject({ status: 'Success', outputs: { migrationId: SECOND_ID, outcome: 'migrated' } });
    });

    it('repeats its check, and starts nothing if the holder of the lock is unknown', async () => {
      const runs = await inWorld({ scenario: 'in-place' }, async (world) => {
        const { world: inside } = world.backend.sandbox;
        const [role] = [...inside.accounts.get(inside.home.account)!.roles].filter(([name]) =>
          name.includes('RunbookRole'),
        );
        for (const policy of role![1].policies)
          policy.document = policy.document.replaceAll('dynamodb:GetItem', 'none:Nothing');
        return {
          automation: await run(world, { ...EBS, ...APPLY }),
          calls: inside.log.calls.filter(({ operation }) => operation === 'GetItem').length,
          started: world.backend.sandbox.executions.list(world.backend.stateMachineArn),
        };
      });
      expect(stepsOf(runs.automation)).toEqual(['prepare Success', 'check Failed']);
      expect(runs.automation.steps.at(-1)!.failure).toMatch(/^AccessDenied/);
      expect([runs.calls, runs.started]).toEqual([3, []]);
    });

    it('migrates a service account without an add-on', async () => {
      const { automation, after } = await inWorld({ scenario: 'service-account-irsa' }, async (world) => {
        const done = await run(world, { ...ACCOUNT, ...APPLY, Annotation: 'remove' });
        return { automation: done, after: world.readAccount({ namespace: 'payments', name: 'api' }) };
      });
      expect(automation).toMatchObject({ status: 'Success', outputs: { outcome: 'migrated' } });
      expect(after).toMatchObject({ annotation: undefined, associations: [{ owned: false }] });
    });

    it('fails after the report of a blocked migration', async () => {
      const automation = await inWorld({ scenario: 'agent-absent' }, (world) => run(world, { ...EBS, ...APPLY }));
      expect(automation).toMatchObject({ status: 'Failed', outputs: { outcome: 'blocked', verified: 'none' } });
      expect(stepsOf(automation)).toEqual(FAILED_RUN);
      expect(automation.steps.at(-1)!.failure).toBe(
        `RuntimeError: Migration ${MIGRATION_ID} ended blocked. See the output of the step report.`,
      );
      expect(textOf(automation)).toMatch(/^Check \S*agent\S* fail: .+$/m);
    });

    it('reports that IRSA is the better fit', async () => {
      const automation = await inWorld({ scenario: 'fargate-only' }, (world) => run(world, { ...EBS, ...APPLY }));
      expect(automation).toMatchObject({ status: 'Failed', outputs: { outcome: 'blocked' } });
      expect(textOf(automation)).toMatch(
        /^IRSA is the better fit, for the reasons below\. Nothing is left to do\.\nCheck unsupported-compute fail: /m,
      );
    });

    it('knows from the execution how a migration ended whose end could not be recorded', async () => {
      const unrecorded = { kind: 'access-denied', step: 'finish', operation: 'UpdateItem', times: 'all' } as const;
      const automation = await inWorld({ scenario: 'in-place', faults: [unrecorded] }, (world) =>
        run(world, { ...EBS, ...APPLY }),
      );
      expect(automation).toMatchObject({ status: 'Failed', outputs: { outcome: 'needs-human', verified: 'ready' } });
      expect(textOf(automation)).toMatch(/^NeedsHuman: .*only its record is missing/m);
    });

    it('fails after the report of a rolled-back migration', async () => {
      const { automation, after, before } = await inWorld(
        {
          scenario: 'ebs-csi-irsa',
          faults: [{ kind: 'access-denied', step: 'create-addon', operation: 'CreateAddon', times: 'all' }],
        },
        async (world) => {
          const found = world.readAddon(ADDON, SERVICE_ACCOUNT);
          return {
            automation: await run(world, { ...EBS, ...APPLY, Strategy: 'recreate', MaxDisruption: 'outage' }),
            before: found,
            after: world.readAddon(ADDON, SERVICE_ACCOUNT),
          };
        },
      );
      expect(automation).toMatchObject({ status: 'Failed', outputs: { outcome: 'rolled-back', verified: 'injected' } });
      expect(stepsOf(automation)).toEqual(FAILED_RUN);
      expect(textOf(automation)).toMatch(/^AccessDenied: /m);
      expect(after).toEqual(before);
    });

    it('reports where the commands are if a person is needed, and shows none', async () => {
      const { automation, record, next } = await inWorld(
        { scenario: 'ebs-csi-irsa', knobs: { createEndsIn: 'CREATE_FAILED' } },
        async (world) => ({
          automation: await run(world, { ...EBS, ...APPLY, Strategy: 'recreate', MaxDisruption: 'outage' }),
          record: await recordOf(world),
          next: await run(world, { ...EBS, ...APPLY }, SECOND),
        }),
      );
      expect(automation).toMatchObject({ status: 'Failed', outputs: { outcome: 'needs-human' } });
      expect(textOf(automation)).toContain(
        `A person must finish the migration. For the commands: pod-identity show ${MIGRATION_ID}`,
      );
      expect(record!.restoreCommands.length).toBeGreaterThan(0);
      expect(
        record!.restoreCommands.filter((command) => command.startsWith('aws ') && textOf(automation).includes(command)),
      ).toEqual([]);
      // It keeps its lock until then.
      expect(stepsOf(next)).toEqual(REFUSED);
      expect(next.outputs).toMatchObject({ outcome: 'blocked', failure: 'SubjectBusy', heldBy: MIGRATION_ID });
      expect(textOf(next)).toContain(
        `To roll back and free the lock: pod-identity rollback ${MIGRATION_ID}. To free the lock without a rollback: pod-identity release ${MIGRATION_ID}`,
      );
    });

    it('reports when it is cancelled, and Recover rolls back what it left', async () => {
      const { automation, before, report, after, locks } = await inWorld({ scenario: 'preserve' }, async (world) => {
        const found = world.readAddon(ADDON, SERVICE_ACCOUNT);
        const cancelled = await run(
          world,
          { ...EBS, ...APPLY },
          { whileRunning: (execution) => world.until(execution, 'WaitForUpdate').then(() => true) },
        );
        return {
          automation: cancelled,
          before: found,
          report: await world.settled(MIGRATION_ID),
          after: world.readAddon(ADDON, SERVICE_ACCOUNT),
          locks: await world.backend.ledger.listHeldLocks(),
        };
      });
      expect(automation).toMatchObject({
        status: 'Cancelled',
        outputs: { migrationId: MIGRATION_ID, outcome: 'unfinished', verified: 'none' },
      });
      expect(stepsOf(automation)).toEqual([...BEGUN, 'run Cancelled', 'report Success', 'conclude Failed']);
      expect(textOf(automation)).toMatch(/: ABORTED\.$/m);
      expect(textOf(automation)).toContain('The state machine Recover takes the migration over automatically');
      expect(report).toMatchObject({ outcome: 'rolled-back', recovery: { cause: 'stranded' } });
      expect([after, locks]).toEqual([before, []]);
    });

    it.each([
      ['neither an add-on nor a service account', LOCATION, 'The parameters do not name what to migrate'],
      ['half a service account', { ...LOCATION, Namespace: 'payments' }, 'The parameters do not name what to migrate'],
      ['both', { ...LOCATION, ...EBS, ...ACCOUNT }, 'name both an add-on and a service account'],
      [
        "a service account's option for an add-on",
        { ...LOCATION, ...EBS, Annotation: 'remove' },
        'Annotation applies only to service accounts',
      ],
      [
        "an add-on's option for a service account",
        { ...LOCATION, ...ACCOUNT, Strategy: 'recreate' },
        'Strategy applies only to add-ons',
      ],
      ['no cluster', EBS, 'Cluster is not allowed'],
      ['a name that is none', { ...EBS, Cluster: 'a b' }, 'Cluster is not allowed'],
      ['a choice that is none', { ...LOCATION, ...EBS, DryRun: 'no' }, 'DryRun is not allowed'],
      ['a reason of two lines', { ...LOCATION, ...EBS, Reason: 'a\nb' }, 'Reason is not allowed'],
      ['an unknown parameter', { ...LOCATION, ...EBS, Preserve: 'true' }, 'The runbook has no parameter Preserve'],
    ] as [string, Record<string, string>, string][])(
      'refuses %s before anything is started',
      async (_, given, says) => {
        const { automation, executions, record } = await inWorld({ scenario: 'in-place' }, async (world) => ({
          automation: await runAutomation(world, given),
          executions: world.backend.sandbox.executions.list(world.backend.stateMachineArn),
          record: await recordOf(world),
        }));
        expect(['Refused', 'Failed']).toContain(automation.status);
        expect(automation.steps).toEqual([
          { name: matching(/^(start|prepare)$/), status: 'Failed', failure: containing(says) },
        ]);
        expect(executions).toEqual([]);
        expect(record).toBeUndefined();
      },
    );

    it.each([
      '"}, "dryRun": false, {"',
      '{{ Cluster }} {{ssm:secret}} }}',
      String.raw`\u0022 \ $(id) 'x'`,
      'größer 🚀',
    ])('keeps a reason unchanged: %s', async (text) => {
      const record = await inWorld({ scenario: 'in-place' }, async (world) => {
        await run(world, { ...EBS, Reason: text });
        return recordOf(world);
      });
      expect(record?.request).toMatchObject({ reason: text, dryRun: true });
    });

    it('has a report if neither the ledger nor the execution can be read', async () => {
      const automation = await inWorld({ scenario: 'in-place' }, (world) => {
        const whileRunning = async (): Promise<boolean> => {
          const { world: inside } = world.backend.sandbox;
          const [role] = [...inside.accounts.get(inside.home.account)!.roles].filter(([name]) =>
            name.includes('RunbookRole'),
          );
          for (const policy of role![1].policies)
            policy.document = policy.document.replaceAll(/dynamodb:GetItem|states:DescribeExecution/g, 'none:Nothing');
          return Promise.resolve(false);
        };
        return run(world, { ...EBS, ...APPLY }, { whileRunning });
      });
      expect(automation).toMatchObject({
        status: 'Failed',
        outputs: { migrationId: MIGRATION_ID, outcome: 'unfinished' },
      });
      expect(textOf(automation)).toMatch(
        /^The ledger could not be read: AccessDenied\w*: [^]*^The execution could not be read: AccessDenied/m,
      );
    });

    it('limits its report to what Systems Manager keeps of an output', async () => {
      const automation = await inWorld({ scenario: 'agent-absent' }, (world) => run(world, { ...EBS, ...APPLY }));
      const lines = automation.outputs['report'] as string[];
      expect(lines.length).toBeLessThanOrEqual(50);
      expect(lines.filter((line) => line.length === 0 || line.length > 512)).toEqual([]);
    });
  },
);
