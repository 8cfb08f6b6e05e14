/**
 * `migrate-workload` in worlds that outlive it: kept in a file, changed meanwhile, and called without the command line.
 */
import { DescribeExecutionCommand, StartExecutionCommand } from '@aws-sdk/client-sfn';
import { describe, expect, it } from 'vitest';
import { exitCodeOf } from '../../cli/exit-codes.ts';
import { PLAIN } from '../../cli/text/style.ts';
import { summary } from '../../cli/print/summary.ts';
import { listObjects, putObject } from '../../sandbox/objects/store.ts';
import { inWorld, type OpenWorld } from '../end-to-end/world.ts';
import { keptWorld } from './kept-world.ts';
import { words } from './fixtures.ts';
import { containing } from '../lambdas/matchers.ts';

const SCENARIO = 'sandbox/scenarios/service-account-irsa.json';
const ROLE = 'arn:aws:iam::111122223333:role/payments-prod-api';
const REF = { namespace: 'payments', name: 'api' };
const ACCOUNT = ['--cluster', 'payments-prod', '--namespace', 'payments', '--service-account', 'api'];
const oneLine = (text: string): string => text.replaceAll(/\n +/g, ' ');

describe('in a sandbox that is kept in a file', () => {
  const { state, run, reportOf } = keptWorld();

  it('show, identities, retire and rollback find the migration by its id', async () => {
    const planned = await run(
      ...words`migrate-workload ${ACCOUNT} --annotation remove --dry-run --sandbox ${SCENARIO}`,
    );
    expect(planned.out).toContain(
      `migrate-workload ${ACCOUNT.join(' ')} --annotation remove --sandbox ${SCENARIO} --state ${state()}\n`,
    );
    const migrated = await reportOf('migrate-workload', ...ACCOUNT, '--annotation', 'remove');
    const { migrationId } = migrated;
    expect([migrated.outcome, await reportOf('show', migrationId)]).toEqual(['migrated', migrated]);
    expect((await run('show', migrationId)).out).toMatch(/^✔ migrated {2}payments\/api on payments-prod/);

    const identities = (await run('identities', '--cluster', 'payments-prod', '--namespace', 'payments')).out;
    expect(identities).toMatch(/Deployment\/api +api +3 +pod-identity/);
    expect(identities).not.toContain('migrate-workload');
    expect((await run('migrate-workload', ...ACCOUNT)).out).toMatch(
      /^✔ already-migrated {2}payments\/api .*nothing to do\n/,
    );

    const early = await run('retire', migrationId);
    expect(early.code).toBe(3);
    expect(early.out).toMatch(/^✖ refused .*nothing was changed\n[^]*✖ retire-soak: /);
    const dryRun = await run('retire', migrationId, '--soak-days', '0', '--verbose');
    expect(dryRun.code).toBe(0);
    expect(dryRun.out).toMatch(
      new RegExp(
        `^✔ dry run [^]*\\n {4}- .*"Sid": "Irsa"[^]*✔ retire-pod-identity: Service account payments/api has its[^]*To apply it:\\n  .* retire ${migrationId} --soak-days 0 --apply --state ${state()}\n$`,
      ),
    );

    const back = await run('rollback', migrationId, '--reason', 'too early');
    expect(back.code).toBe(0);
    expect(back.out).toMatch(
      /^↩ rolled-back {2}payments\/api .*: the service account was restored to its former state\n[^]*Rollback on demand\n {2}requested at \S+ by command-line: too early/,
    );
    expect(back.out).toContain('service account now:    the same IRSA annotation: it was removed and restored');
    expect(back.out).toMatch(/associations created and deleted again:\n {4}= a-/);
    // A dry run of retire has a long result, which the ledger truncates.
    expect(back.out).toMatch(/OIDC statement from the roles' trust policies +\S+ \S+ +\d+ +action retire, dry run\n/);
    expect((await run('show', migrationId)).out).toBe(back.out);
    expect((await run('identities', '--cluster', 'payments-prod', '--namespace', 'payments')).out).toContain(
      `\nWorkloads that can be migrated\n  npm run --silent pod-identity -- migrate-workload ${ACCOUNT.join(' ')} --state ${state()}\n`,
    );
  });

  it('a service account that keeps its annotation is not retired before the annotation is removed', async () => {
    const { migrationId } = await reportOf('migrate-workload', ...ACCOUNT, '--sandbox', SCENARIO);
    const { code, out } = await run('retire', migrationId, '--soak-days', '0');
    expect(code).toBe(3);
    expect(oneLine(out)).toMatch(/✖ retire-service-accounts: .*payments\/api/);
  });

  it('a blocked plan can be shown, and has nothing to restore', async () => {
    const web = ['--cluster', 'payments-prod', '--namespace', 'payments', '--service-account', 'web'];
    const { migrationId, outcome } = await reportOf('migrate-workload', ...web, '--sandbox', SCENARIO);
    expect(outcome).toBe('blocked');
    expect(await run('show', migrationId)).toMatchObject({ out: containing('blocked  payments/web on payments-prod') });
    expect(await run('rollback', migrationId)).toMatchObject({
      code: 2,
      out: '',
      err: containing(`Migration ${migrationId} ended blocked: it changed nothing, so there is nothing to roll back.`),
    });
  });
});

describe('a pod that no controller would recreate', () => {
  const addBarePod = ({ cluster: { kube } }: OpenWorld): void => {
    const like = listObjects(kube, 'Pod', 'payments').find(({ metadata }) => metadata.name === 'outbox-0')!;
    const pod = structuredClone(like);
    pod.metadata = { ...pod.metadata, name: 'debug', uid: `${pod.metadata.uid.slice(0, -4)}dead` };
    delete pod.metadata.ownerReferences;
    putObject(kube, 'Pod', pod);
  };

  it('blocks and is named, and nothing is changed', () =>
    inWorld({ scenario: 'service-account-irsa' }, async (world) => {
      addBarePod(world);
      const report = await world.migrate({ serviceAccount: REF });
      expect([report.outcome, exitCodeOf(report.outcome), world.changes()]).toEqual(['blocked', 3, []]);
      const text = summary(report, PLAIN).join('\n');
      expect(oneLine(text)).toMatch(/✖ rollout: .*debug \(no controller\).* do: /);
      expect(text).toMatch(/payments\/debug +api +irsa/);
    }));
});

describe('a request in JSON', () => {
  /** Returns the end of an execution whose request the command line would not have written. */
  const failureOf = (request: object): Promise<string> =>
    inWorld({ scenario: 'service-account-irsa' }, async (world) => {
      const { ids, stepFunctions, stateMachineArn } = world.backend;
      const migrationId = ids.ulid();
      const input = JSON.stringify({ migrationId, request: { target: world.target, ...request } });
      const { executionArn } = await stepFunctions.send(
        new StartExecutionCommand({ stateMachineArn, name: migrationId, input }),
      );
      await world.rest();
      const { status, error, cause } = await stepFunctions.send(new DescribeExecutionCommand({ executionArn }));
      expect([status, world.changes()]).toEqual(['FAILED', []]);
      return `${error}: ${cause}`;
    });

  it.each<[string, object, RegExp]>([
    [
      'that names both',
      { addon: 'aws-ebs-csi-driver', serviceAccount: REF },
      /serviceAccount.*must not be set together with addon/,
    ],
    ['that names neither', {}, /addon.*addon or serviceAccount is required/],
    [
      'that asks of a service account what is of add-ons',
      { serviceAccount: REF, strategy: 'recreate' },
      /strategy.*applies only to add-ons, and this request is about a service account: leave it out/,
    ],
    [
      'that asks of an add-on what applies to service accounts',
      { addon: 'aws-ebs-csi-driver', annotation: 'remove' },
      /annotation.*can only be remove for a service account/,
    ],
    [
      'with a name that is none',
      { serviceAccount: { namespace: 'payments', name: 'a/b' } },
      /serviceAccount.*must be the name of a Kubernetes service account/,
    ],
  ])('%s is refused, and nothing is changed', async (_, request, message) =>
    expect(await failureOf(request)).toMatch(message),
  );

  it('with only the role of that service account is accepted', () =>
    inWorld({ scenario: 'service-account-irsa' }, async (world) =>
      expect(await world.migrate({ serviceAccount: REF, roleArn: ROLE, dryRun: true })).toMatchObject({
        outcome: 'planned',
        serviceAccount: REF,
      }),
    ));
});
