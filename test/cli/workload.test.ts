/** `migrate-workload` from its flags to its output and exit code, each run in a sandbox of its own. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { z } from 'zod';
import { main } from '../../cli/program.ts';
import { migrationReport } from '../../lambdas/domain/record/migration.ts';
import type { Call } from '../../sandbox/calls/call-log.ts';
import type { scenario as scenarioSchema } from '../../sandbox/scenario/scenario.ts';
import { words, collectingIo } from './fixtures.ts';
import { scratchDirectory } from '../scratch.ts';

type ScenarioInput = z.input<typeof scenarioSchema>;

const SCENARIO = 'sandbox/scenarios/service-account-irsa.json';
const ROLE = 'arn:aws:iam::111122223333:role/payments-prod-api';
const ACCOUNT = ['--cluster', 'payments-prod', '--namespace', 'payments', '--service-account', 'api'];
const REFUSED = { kind: 'access-denied', times: 'all' } as const;

const directory = scratchDirectory();

const scenarioFile = (change: (scenario: ScenarioInput) => void): string => {
  const scenario = JSON.parse(readFileSync(SCENARIO, 'utf8')) as ScenarioInput;
  change(scenario);
  const file = join(directory, 'scenario.json');
  writeFileSync(file, JSON.stringify(scenario));
  return file;
};
/** EKS's webhook never learns of associations, so that restarts change nothing. */
const keepsItsIdentity = (scenario: ScenarioInput): void => {
  scenario.knobs = { ...scenario.knobs, webhookLagSeconds: 86_400 };
};
const withFaults = (...faults: NonNullable<ScenarioInput['faults']>): string =>
  scenarioFile((scenario) => (scenario.faults = faults));

interface Run {
  code: number;
  out: string;
  err: string;
  /** The changes in EKS, IAM and the cluster. */
  changes: string[];
}
const run = async (...argv: string[]): Promise<Run> => {
  const io = collectingIo();
  const file = join(directory, 'calls.jsonl');
  const code = await main(['migrate-workload', ...argv, '--calls', file], io);
  const calls = readFileSync(file, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Call);
  return {
    code,
    out: io.out(),
    err: io.err(),
    changes: calls
      .filter(({ mutating, service }) => mutating && ['eks', 'iam', 'kubernetes'].includes(service))
      .map(({ operation }) => operation),
  };
};

describe('migrated', () => {
  it('prints what happened, with progress on stderr; the annotation stays', async () => {
    const { code, out, err, changes } = await run(...ACCOUNT, '--sandbox', SCENARIO);
    expect(code).toBe(0);
    expect(out).toMatch(
      /^✔ migrated {2}payments\/api on payments-prod \(111122223333, eu-west-1\): the service account is on EKS Pod Identity\n {2}01\w{24} · associate and restart · verified: ready \(stable; use of the credentials not observed\) · \S.* \(simulated\)\n/,
    );
    expect(out).toContain(
      `service account before: IRSA annotation ${ROLE}\n  service account now:    the same IRSA annotation, which has no effect while the association exists\n`,
    );
    expect(out).toMatch(
      new RegExp(
        `associations created:\\n {4}\\+ a-[a-z0-9]{17} {2}payments/api \\(standalone\\) → ${ROLE}\\n {2}pods of its workloads: never fewer than [12] ready \\(simulated\\)`,
      ),
    );
    for (const pod of ['api-\\S+', 'api-\\S+', 'api-\\S+', 'outbox-0', 'outbox-1'])
      expect(out).toMatch(new RegExp(`payments/${pod} +api +irsa +pod-identity +ready +2026-01-15`));
    expect(out).toMatch(/restarted Deployment\/payments\/api StatefulSet\/payments\/outbox/);
    expect(out).not.toMatch(/the add-on|strategy|payments\/web/);
    for (const line of [
      'create the plan',
      'Create the standalone association',
      'webhook knows the associations',
      'Restart the pods',
      'Verify the pods',
      'Record the outcome',
    ])
      expect(err).toMatch(new RegExp(`✔ .*${line}.*simulated`));
    expect(changes).toEqual([
      'CreatePodIdentityAssociation',
      'create pods/eviction',
      'patch deployments',
      'patch statefulsets',
    ]);
  });

  it('removes the annotation if requested, once the pods are verified', async () => {
    const { code, out, err, changes } = await run(...ACCOUNT, '--annotation', 'remove', '--sandbox', SCENARIO);
    expect(code).toBe(0);
    expect(out).toContain(
      `service account before: IRSA annotation ${ROLE}\n  service account now:    no IRSA annotation: it was removed\n`,
    );
    expect(out).toMatch(/! owner-helm: Helm probably owns the IRSA annotation of service account\s+payments\/api/);
    expect(err).toMatch(/Verify the pods[^]*✔ Remove the IRSA annotation from the service account/);
    expect(changes.at(-1)).toBe('patch serviceaccounts');
  });

  it('stays migrated if the annotation could not be removed, and shows how to remove it', async () => {
    const { code, out } = await run(
      ...words`${ACCOUNT} --annotation remove --sandbox`,
      withFaults({ ...REFUSED, step: 'annotate-service-account', operation: 'patch serviceaccounts' }),
    );
    expect(code).toBe(0);
    expect(out.replaceAll(/\n +/g, ' ')).toMatch(
      /Warnings ! annotation-left: .* kubectl -n payments annotate serviceaccount api eks.amazonaws.com\/role-arn- or .*: npm run --silent pod-identity -- grant-access --cluster payments-prod --region eu-west-1 --account 111122223333 --service-account payments\/api --annotation remove --sandbox \S+ see:/,
    );
    expect(out).not.toContain('service account now:');
  });

  it('by the EKS API only, reports that no pod was read', async () => {
    const { code, out, changes } = await run(...ACCOUNT, '--verification', 'api', '--sandbox', SCENARIO);
    expect(code).toBe(0);
    expect(out).toMatch(
      /^✔ migrated .*: EKS reports the service account on EKS Pod Identity; no pod was read\n.*verified: api \(reported by EKS; no pod was inspected\)/,
    );
    expect(changes).toEqual(['CreatePodIdentityAssociation']);
  });

  it('prints only the report with --json, the same for the same seed', async () => {
    const first = await run(...ACCOUNT, '--sandbox', SCENARIO, '--json', '--seed', '7');
    const report = migrationReport.parse(JSON.parse(first.out));
    expect(report).toMatchObject({
      outcome: 'migrated',
      verified: 'ready',
      serviceAccount: { namespace: 'payments', name: 'api' },
      applied: { strategy: 'associate' },
      simulated: true,
    });
    expect(report).not.toHaveProperty('addon');
    expect(first.err).toBe('');
    expect((await run(...ACCOUNT, '--sandbox', SCENARIO, '--json', '--seed', '7')).out).toBe(first.out);
  });
});

it('planned shows what would be done and how to do it, and changes nothing', async () => {
  const { code, out, changes } = await run(
    ...words`${ACCOUNT} --annotation remove --reason ${"it's time"} --dry-run --sandbox ${SCENARIO}`,
  );
  expect([code, changes]).toEqual([0, []]);
  expect(out).toMatch(/^✔ planned .*nothing was changed\n/);
  expect(out).toMatch(
    /\nAttempt\n +1\. associate and restart: pods roll, capacity stays\n\nSteps {2}associate and restart\n/,
  );
  expect(out).toMatch(
    /calls: eks:CreatePodIdentityAssociation\n[^]*undo: +delete the association, and restart its pods, which then use IRSA again/,
  );
  expect(out).toMatch(
    /remove the annotation eks\.amazonaws\.com\/role-arn from payments\/api\n +calls: kubernetes: patch of the service account\n +undo: +set it again/,
  );
  expect(out).toContain(`+ association payments/api → ${ROLE}`);
  expect(out).toMatch(/Pods {2}current state\n(.*\n){6}/);
  expect(out).toContain(`\n✔ planned: this is what a migration would do; nothing was changed.\n`);
  expect(out).toContain(
    `\nTo carry out the plan:\n  npm run --silent pod-identity -- migrate-workload ${ACCOUNT.join(' ')} --annotation remove --reason 'it'\\''s time' --sandbox ${SCENARIO}\n`,
  );
});

it.each<[string, string[], RegExp]>([
  [
    'no annotation',
    ['--cluster', 'payments-prod', '--namespace', 'payments', '--service-account', 'web', '--sandbox', SCENARIO],
    /✖ service-account-uses-irsa: .*payments\/web has no annotation .* then restart its pods: aws eks create-pod-identity-association .* --service-account web --role-arn ROLE_ARN see:/,
  ],
  [
    'no annotation, and a role that is named',
    words`--cluster payments-prod --namespace payments --service-account web --role-arn ${ROLE} --sandbox
          ${SCENARIO}`,
    new RegExp(`--service-account web --role-arn ${ROLE} see:`),
  ],
  [
    "an add-on's service account",
    words`--cluster catalogue-prod --namespace kube-system --service-account ebs-csi-controller-sa
          --sandbox sandbox/scenarios/in-place.json`,
    /✖ service-account-owner: .* belongs to add-on aws-ebs-csi-driver\. do: Migrate the add-on instead: npm run --silent pod-identity -- migrate --cluster catalogue-prod --region eu-west-1 --account 111122223333 --addon aws-ebs-csi-driver --sandbox \S+ see:/,
  ],
  [
    'nobody',
    ['--cluster', 'payments-prod', '--namespace', 'payments', '--service-account', 'nobody', '--sandbox', SCENARIO],
    /✖ service-account: Service account payments\/nobody does not exist in cluster payments-prod\. do: Check --namespace and --service-account;.* npm run --silent pod-identity -- identities --cluster payments-prod .*--sandbox \S+ /,
  ],
  [
    'no such cluster',
    ['--cluster', 'nowhere', '--namespace', 'payments', '--service-account', 'api', '--sandbox', SCENARIO],
    /✖ cluster-exists: /,
  ],
])('blocked %s: shows why and what to do, and changes nothing', async (_, flags, message) => {
  const { code, out, changes } = await run(...flags);
  expect([code, changes]).toEqual([3, []]);
  expect(out).toMatch(/^✖ blocked .*nothing was changed\n/);
  expect(out.replaceAll(/\n +/g, ' ')).toMatch(message);
  expect(out).not.toMatch(/To carry out the plan|What changed/);
});

describe('that fails half-way', () => {
  it('is rolled back, exits with 4 and shows why', async () => {
    const { code, out, err } = await run(...ACCOUNT, '--sandbox', scenarioFile(keepsItsIdentity));
    expect(code).toBe(4);
    expect(out).toMatch(/^↩ rolled-back .*: the service account was restored to its former state\n/);
    expect(out.replaceAll(/\n +/g, ' ')).toMatch(/Why PodsOnWrongIdentity: .*outbox-0 \(irsa\)/);
    expect(out).not.toMatch(/the add-on's|service account now:/);
    expect(out).toMatch(/associations created and deleted again:\n {4}= a-\w{17} {2}payments\/api/);
    expect(out).toMatch(/payments\/outbox-0 +api +irsa +irsa /);
    expect(err).toMatch(/✔ Restore the associations.*[^]*✔ Verify the pods' former identity/);
  });

  it('and cannot be rolled back exits with 5 and prints the commands', async () => {
    const file = scenarioFile((scenario) => {
      keepsItsIdentity(scenario);
      scenario.faults = [{ ...REFUSED, step: 'restore-associations', operation: 'DeletePodIdentityAssociation' }];
    });
    const { code, out } = await run(...ACCOUNT, '--sandbox', file);
    expect(code).toBe(5);
    expect(out).toMatch(/^✖ needs-human/);
    expect(out).toContain('associations created that the rollback was to delete:');
    expect(out).not.toContain('associations deleted');
    expect(out).toMatch(
      /What you have to do now\n[^]*aws eks delete-pod-identity-association .*\n[^]*kubectl -n payments rollout restart deployment\/api\n[^]* {2}npm run --silent pod-identity -- rollback 01\w{24} --sandbox \S+\n\n✖ needs-human: .*\n$/,
    );
  });
});
