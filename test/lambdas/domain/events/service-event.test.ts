import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { approvalNeeded, type OutboxEvent } from '../../../../lambdas/domain/events/outbox-events.ts';
import type { Approval } from '../../../../lambdas/domain/approval/approval.ts';
import type { Check } from '../../../../lambdas/domain/terms/check.ts';
import type { Migration } from '../../../../lambdas/domain/record/migration.ts';
import { type Outcome, OUTCOMES } from '../../../../lambdas/domain/terms/outcome.ts';
import {
  detailTypeOf,
  MOST,
  serviceEvent,
  serviceEventOf,
  type ServiceEvent,
} from '../../../../lambdas/domain/events/service-event.ts';
import { isPrintable } from '../../../../lambdas/domain/text/text.ts';
import { at, MIGRATION_ID, endedAs } from '../../run-examples.ts';
import { aMigration, aPlan, aRequest, aRollback, ADDON, ROLE, target, anAddon, anAssociation } from '../../fixtures.ts';
import { codePoint } from '../../../code-points.ts';
import { matching, containing } from '../../matchers.ts';
import { forAllIn } from '../../../for-all.ts';

const HASH = 'a'.repeat(64);
const anApproval = (change: Partial<Approval> = {}): Approval => ({
  round: 1,
  planHash: HASH,
  state: 'pending',
  requestedAt: at(10),
  expiresAt: at(3600),
  ...change,
});
const ended = (outcome: Outcome, change: Partial<Migration> = {}) => aMigration({ ...endedAs(outcome, 60), ...change });
const published = (record: Migration, event: OutboxEvent): ServiceEvent => {
  const built = serviceEventOf(record, event);
  expect(built).toBeDefined();
  return serviceEvent.parse(built);
};
const outcomeOf = (type: string): { outcome?: Outcome } => {
  const outcome = OUTCOMES.find((one) => one === type);
  return outcome ? { outcome } : {};
};
const failing: Check = { id: 'agent-ready', status: 'fail', message: 'The agent is not there.', remedy: 'Install it.' };
const trigger = {
  kind: 'cross-account-pass-role' as const,
  eventId: 'c0ffee',
  at: at(-60),
  principal: 'arn:aws:sts::111122223333:assumed-role/ci/run-1',
  userAgent: 'APN/1.0 HashiCorp/1.0 Terraform/1.9.0',
};

describe('the event of a migration', () => {
  it('has the outcome, the target, the verification and one id for each outbox event', () => {
    const request = aRequest({ requestedBy: 'ann', reason: 'why not' });
    const built = published(ended('migrated', { verified: 'ready', request }), 'migrated');
    expect(built).toMatchObject({
      version: '1',
      eventId: `${MIGRATION_ID}#migrated`,
      type: 'migrated',
      outcome: 'migrated',
      migrationId: MIGRATION_ID,
      at: at(60),
      ...target,
      addon: ADDON,
      verified: 'ready',
      dryRun: false,
      requestedBy: 'ann',
      reason: 'why not',
      title: 'Migrated: aws-ebs-csi-driver on dev',
    });
    // The requester was not authenticated.
    expect(built).not.toHaveProperty('requester');
    expect(built.message).toContain(
      'Requested by an unknown requester, who states "ann".\nReason, as stated in the request: why not',
    );
    expect(built.message).toContain(
      'is on EKS Pod Identity; verified: ready (stable; use of the credentials not observed).',
    );
  });

  it('exists for each type of event, with a title and a message of printable lines', () => {
    const record = ended('planned', { approvals: [anApproval()] });
    for (const type of ['started', 'approval-needed', ...OUTCOMES] as const) {
      const built = published({ ...record, ...outcomeOf(type) }, type);
      expect([built.eventId, built.message]).toEqual([`${MIGRATION_ID}#${type}`, built.lines.join('\n')]);
      expect(built.lines[0]).toBe(built.title);
      expect(built.lines.every((line) => line !== '' && isPrintable(line))).toBe(true);
      expect(built.message).toContain(`migration ${MIGRATION_ID}`);
    }
  });

  it('names the service account of a migration without an add-on, and its own command', () => {
    const { addon: _, ...others } = aRequest({ dryRun: true });
    const serviceAccount = { namespace: 'payments', name: 'api' };
    const built = published(ended('planned', { request: { ...others, serviceAccount } }), 'planned');
    expect(built).toMatchObject({ serviceAccount, dryRun: true, title: 'Planned: payments/api on dev' });
    expect(built).not.toHaveProperty('addon');
    expect(built.message).toContain(
      'pod-identity migrate-workload --cluster dev --region eu-west-1 --namespace payments --service-account api --deployed',
    );
  });

  it('of an outcome that was replaced has no details of the later outcome', () => {
    const record = ended('rolled-back', {
      failure: { name: 'X', message: 'secret of the later end' },
      rollback: aRollback({ startedAt: at(50), after: 'migrated' }),
    });
    const built = published(record, 'migrated');
    expect(built).toMatchObject({ outcome: 'migrated', at: at(50) });
    expect(built.message).toContain(
      'The migration had ended migrated, and was resumed later: its outcome is now rolled-back.',
    );
    expect(JSON.stringify(built)).not.toContain('later end');
    expect(built).not.toHaveProperty('verified');
  });

  it('has a detail type for its type', () => {
    const types = (['needs-human', 'migrated', 'approval-needed'] as const).map((type) => detailTypeOf({ type }));
    expect(types).toEqual(
      ['Needs Human', 'Migrated', 'Approval Needed'].map((name) => `Pod Identity Migration ${name}`),
    );
  });
});

describe('the event `approval-needed`', () => {
  const planned = (): Migration => {
    const record = aMigration({
      plan: aPlan({ purge: ['a-1'], checks: [{ id: 'sharing', status: 'warn', message: 'Others use the role.' }] }),
    });
    return { ...record, approvals: [anApproval({ planHash: record.plan?.hash ?? '' })] };
  };

  it('has a summary of the plan, its hash, the expiry, and how to approve', () => {
    const record = planned();
    const hash = record.plan?.hash ?? '';
    const built = published(record, 'approval-needed');
    const approval = { round: 1, expiresAt: at(3600) };
    expect(built).toMatchObject({ type: 'approval-needed', at: at(10), planHash: hash, approval });
    const parts = [
      'Plan: in place (pods are replaced in a rolling update, capacity is kept). If the pods do not get the new identity that way: recreate with preserve (pods are replaced in a rolling update, capacity is kept).',
      `+ association kube-system/ebs-csi-controller-sa with ${ROLE}`,
      '- association a-1',
      'Warning (sharing): Others use the role.',
      `Plan hash: ${hash}`,
      at(3600),
      `pod-identity approve ${MIGRATION_ID} --plan ${hash} --deployed`,
      `POST /migrations/${MIGRATION_ID}/approval {"decision":"approve","planHash":"${hash}"}`,
    ];
    expect(parts.filter((part) => !built.lines.some((line) => line.includes(part)))).toEqual([]);
  });

  it('is a separate event for each round', () => {
    const second = anApproval({ round: 2, planHash: 'b'.repeat(64), requestedAt: at(20) });
    const record = { ...planned(), approvals: [anApproval({ state: 'expired' }), second] };
    const built = published(record, approvalNeeded(2));
    expect(built).toMatchObject({
      eventId: `${MIGRATION_ID}#approval-needed.2`,
      type: 'approval-needed',
      planHash: 'b'.repeat(64),
      approval: { round: 2 },
      at: at(20),
    });
    expect(built.message).toContain('This is request 2 for an approval');
    // The record's plan is not the plan that the approval is about.
    expect(built.message).toContain('The plan that this approval was about has been replaced.');
    expect(built.message).not.toContain('+ association');
  });

  it('is not published for a round that the record does not have', () =>
    expect(serviceEventOf(planned(), approvalNeeded(3))).toBeUndefined());
});

describe('what to do next', () => {
  it('is the remedy of each check, for a blocked migration', () => {
    const checks: Check[] = [failing, { id: 'fine', status: 'pass', message: 'ok' }];
    const built = published(ended('blocked', { plan: aPlan({ verdict: 'blocked', attempts: [], checks }) }), 'blocked');
    expect(built.message).toContain('- agent-ready: The agent is not there.\n  What to do: Install it.');
    expect(built.message).not.toContain('fine');
  });

  it('is nothing, for a migration that is blocked since IRSA is the better fit', () => {
    const reason = { ...failing, id: 'unsupported-compute', message: 'On AWS Fargate.', keepIrsa: true as const };
    const plan = aPlan({ verdict: 'keep-irsa', attempts: [], checks: [reason, failing] });
    const built = published(ended('blocked', { plan }), 'blocked');
    expect(built.title).toMatch(/^Keep IRSA: aws-ebs-csi-driver on /);
    expect(built.message).toMatch(
      /Nothing was changed\.\nIRSA is the better fit:\n- unsupported-compute: On AWS Fargate\.[^]*- agent-ready/,
    );
    expect(built.message).toContain('Nothing is left to do. To migrate it all the same');
  });

  it('is shown as the error, if no check blocks', () => {
    const failure = { name: 'ApprovalExpired', message: 'nobody decided' };
    const built = published(ended('blocked', { failure }), 'blocked');
    expect([built.message, built.failure]).toEqual([containing('Error: ApprovalExpired: nobody decided'), failure]);
  });

  it('is shown as the first error and the command for details, after a rollback', () => {
    const failure = { name: 'PodsOnWrongIdentity', message: 'they kept it' };
    const built = published(ended('rolled-back', { verified: 'injected', failure }), 'rolled-back');
    expect(built.message).toContain('The previous state was restored; former identity verified on the pods.');
    expect(built.message).toContain('First error: PodsOnWrongIdentity: they kept it');
    expect(built.message).toContain(`pod-identity show ${MIGRATION_ID} --deployed`);
  });

  it('is the list of commands in their order, if a person is needed', () => {
    const restoreCommands = [
      'aws eks update-addon --region eu-west-1 --cluster-name dev --addon-name aws-ebs-csi-driver',
      ": 'then'",
      `pod-identity rollback ${MIGRATION_ID} --deployed`,
    ];
    const built = published(ended('needs-human', { restoreCommands }), 'needs-human');
    expect([built.restoreCommands, built.message]).toEqual([restoreCommands, containing(restoreCommands.join('\n'))]);
  });

  it('leaves a command that is too long for the message out of it, and has it whole in `restoreCommands`', () => {
    const long = `kubectl -n x annotate ${'y'.repeat(MOST.line)}`;
    const built = published(ended('needs-human', { restoreCommands: [long] }), 'needs-human');
    expect(built.restoreCommands).toEqual([long]);
    expect(built.message).not.toContain('kubectl');
    expect(built.lines).toContainEqual(matching(/^: 'A line was left out here, because it is too long for an event/));
  });

  it('contains no command with values, and no command that is cut', () => {
    const secret = 'password-of-the-configuration';
    const restoreCommands = [
      `aws eks create-addon --region eu-west-1 --configuration-values '{"a":"${secret}"}'`,
      `aws eks create-addon --configuration-values=${secret}`,
      `: aws iam update-assume-role-policy --role-name r --policy-document '{"x":"${secret}"}'`,
      `aws eks tag-resource --tags '{"x":"${secret}"}'`,
      `aws eks update-pod-identity-association --policy '${secret}'`,
      `kubectl -n x annotate ${'y'.repeat(MOST.command)}`,
      ...Array.from({ length: 40 }, (_, index) => `kubectl -n kube-system rollout restart deployment/d${index}`),
    ];
    const built = published(ended('needs-human', { restoreCommands }), 'needs-human');
    expect(JSON.stringify(built)).not.toContain(secret);
    expect(built.restoreCommands).toHaveLength(MOST.commands);
    expect(built.restoreCommands?.slice(0, 6).every((line) => line.startsWith(": 'A line "))).toBe(true);
    expect(built.restoreCommands?.[6]).toBe('kubectl -n kube-system rollout restart deployment/d0');
    expect(built.restoreCommands?.at(-1)).toBe(`: '22 more lines: pod-identity show ${MIGRATION_ID} --deployed'`);
  });
});

describe("the event of a migration that CloudTrail's event started", () => {
  const denied = (outcome: Outcome, change: Partial<Migration> = {}): ServiceEvent =>
    published(ended(outcome, { trigger, request: aRequest({ dryRun: true }), ...change }), outcome);

  it('has the diagnosis, the plan, the command that fixes it, and what to change in Terraform afterwards', () => {
    const built = denied('planned');
    const title = 'UpdateAddon was denied, a migration would fix it: aws-ebs-csi-driver on dev';
    expect(built).toMatchObject({ trigger, title });
    for (const part of [
      ['Terraform or OpenTofu called UpdateAddon for add-on aws-ebs-csi-driver of cluster dev at'],
      [`The caller was ${trigger.principal}.`, 'serviceAccountRoleArn: ""'],
      ['Cross-account pass role is not allowed.', 'c0ffee', 'The call changed nothing.', 'Plan: in place'],
      [`To carry out the plan: pod-identity migrate --cluster dev --region eu-west-1 --addon ${ADDON} --deployed`],
      [`#   remove: service_account_role_arn = "${ROLE}"`, 'resource "aws_eks_addon" "aws_ebs_csi_driver" {'],
      ['  pod_identity_association {', `    role_arn        = "${ROLE}"`],
      ['do not use -refresh=false or an earlier plan file'],
      [`For the exact code: pod-identity hand-off ${MIGRATION_ID} --format terraform --deployed`],
    ].flat()) {
      expect(built.message).toContain(part);
    }
    // An ordinary plan refreshes anyway.
    expect(built.message).not.toContain('-refresh-only');
  });

  it('is not cut, even if the names are long', () => {
    const long = 'x'.repeat(100);
    const built = denied('planned', {
      request: aRequest({ dryRun: true, addon: long, target: { ...target, cluster: long } }),
      trigger: { ...trigger, eventId: 'e'.repeat(128), principal: 'p'.repeat(380) },
    });
    expect(built.lines.filter((line) => line.endsWith('…'))).toEqual([]);
    expect(built.title).toHaveLength(MOST.title);
  });

  it('has the checks if the migration is blocked, and no plan if there is nothing to migrate', () => {
    const blocked = denied('blocked', { plan: aPlan({ verdict: 'blocked', attempts: [], checks: [failing] }) });
    expect(blocked.message).toContain('- agent-ready: The agent is not there.');
    const kept = denied('blocked', { plan: aPlan({ verdict: 'keep-irsa', attempts: [], checks: [failing] }) });
    expect(kept.title).toMatch(/^UpdateAddon was denied, IRSA is the better fit: /);
    expect(denied('already-migrated').message).toContain('Add-on aws-ebs-csi-driver is already on EKS Pod Identity.');
    expect(denied('already-migrated').message).toContain('Remove service_account_role_arn');
  });

  it('has how to approve, if an approval is needed', () => {
    const record = aMigration({ trigger });
    const approvals = [anApproval({ planHash: record.plan?.hash ?? '' })];
    const built = published({ ...record, approvals }, 'approval-needed');
    expect(built.message).toContain('serviceAccountRoleArn: ""');
    expect(built.message).toContain(`pod-identity approve ${MIGRATION_ID}`);
  });

  it.each([
    ['APN/1.0 Pulumi/1.0 (https://www.pulumi.com) terraform-provider-aws', 'Pulumi'],
    ['eksctl/0.200.0', 'eksctl'],
    ['aws-cli/2.17.0 md/awscrt', 'The AWS CLI'],
    ['Mozilla/5.0', 'An unknown tool'],
    [undefined, 'An unknown tool'],
  ])('of a call with user agent %s names the caller: %s', (userAgent, name) => {
    const { userAgent: _, ...rest } = trigger;
    const built = denied('planned', { trigger: { ...rest, ...(userAgent === undefined ? {} : { userAgent }) } });
    expect(built.lines[2]?.startsWith(`${name} called UpdateAddon `)).toBe(true);
    expect(built.message.includes('aws_eks_addon')).toBe(name === 'Pulumi');
  });
});

describe('an entry', () => {
  const MOST_BYTES = 200_000;
  const pieces = ['"', '\\', '\u{1f600}', '\u001b', '\u{202e}', 'ä', '\ud800', ' --region x', '\n'];
  const repeated = fc
    .tuple(fc.constantFrom(...pieces), fc.integer({ min: 1, max: 100_000 }))
    .map(([piece, count]) => piece.repeat(Math.ceil(count / piece.length)));
  const long = fc.oneof(fc.string({ unit: codePoint, maxLength: 50 }), repeated);
  const texts = fc.array(long, { maxLength: 60 });
  const types = fc.constantFrom('started' as const, 'approval-needed' as const, ...OUTCOMES);

  it('conforms to the schema and has less than 200 KB, even if the texts of the record are long', () =>
    forAllIn(150, types, fc.boolean(), long, long, texts, long, (type, byEvent, message, name, many, hash) => {
      const checks: Check[] = many.map((text, index) => {
        return { id: text, status: index % 2 === 0 ? 'warn' : 'fail', message: text, remedy: text };
      });
      const record = aMigration({
        status: 'ended',
        ...outcomeOf(type),
        startedAt: message,
        endedAt: name,
        failure: { name, message },
        restoreCommands: many,
        warnings: checks,
        approvals: [anApproval({ planHash: hash, expiresAt: message })],
        ...(byEvent ? { trigger: { ...trigger, at: message } } : {}),
      });
      const associations = many.map((text) => ({ namespace: text, serviceAccount: text, roleArn: text }));
      record.plan = aPlan({ hash, checks, purge: many, associations, installAgent: { version: message } });
      const built = serviceEvent.parse(serviceEventOf(record, type));
      expect(Buffer.byteLength(JSON.stringify(built))).toBeLessThan(MOST_BYTES);
      expect(built.lines.every(isPrintable)).toBe(true);
    }));

  it('has less than 200 KB in the worst case', () => {
    const worst = 'ä\\"\u{1f600}'.repeat(100_000);
    const many = Array.from({ length: 100 }, () => worst);
    const record = ended('needs-human', {
      failure: { name: worst, message: worst },
      restoreCommands: many.map((text) => text.slice(0, MOST.command)),
      warnings: many.map((text) => ({ id: text, status: 'warn', message: text })),
      request: aRequest({ requestedBy: 'ä'.repeat(256), reason: '"'.repeat(1024) }),
    });
    const built = published(record, 'needs-human');
    expect(Buffer.byteLength(JSON.stringify(built))).toBeLessThan(MOST_BYTES);
    expect(built.lines).toHaveLength(MOST.lines);
  });

  it('contains no configuration values and policies, even if the record has them', () => {
    const secret = 'VALUE-THAT-NOBODY-MAY-SEE';
    const whole = anAssociation({ policy: secret, tags: { x: secret }, externalId: secret });
    for (const type of ['started', 'approval-needed', ...OUTCOMES] as const) {
      const record = ended('planned', {
        ...outcomeOf(type),
        approvals: [anApproval()],
        associations: { purged: [whole], created: [whole], restored: [whole] },
        plan: aPlan({
          addon: anAddon({ configurationValues: secret, tags: { x: secret } }),
          carryOver: [{ namespace: 'n', serviceAccount: 's', from: 'a-1', policy: secret, tags: { x: secret } }],
          trustRepairs: [{ roleArn: ROLE, before: secret, after: secret, statement: { x: secret } }],
        }),
        trustChanges: [{ roleArn: ROLE, before: secret, after: secret, statement: { x: secret }, notedAt: at(0) }],
      });
      expect(JSON.stringify(published(record, type))).not.toContain(secret);
    }
  });
});
