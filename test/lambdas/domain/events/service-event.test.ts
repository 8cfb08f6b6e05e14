import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { approvalNeeded, type OutboxEvent } from '../../../../lambdas/domain/events/outbox-events.ts';
import type { Approval, Check, Migration, Outcome } from '../../../../lambdas/domain/migration/model.ts';
import { OUTCOMES } from '../../../../lambdas/domain/migration/model.ts';
import {
  detailTypeOf,
  MOST,
  serviceEvent,
  type ServiceEvent,
  serviceEventOf,
} from '../../../../lambdas/domain/events/service-event.ts';
import { isPrintable } from '../../../../lambdas/domain/text/text.ts';
import {
  ADDON,
  aMigration,
  anAddon,
  anAssociation,
  aPlan,
  aRequest,
  at,
  MIGRATION_ID,
  ROLE,
  target,
  aRollback,
} from '../../fixtures.ts';

const HASH = 'a'.repeat(64);
const anApproval = (change: Partial<Approval> = {}): Approval => ({
  round: 1,
  planHash: HASH,
  state: 'pending',
  requestedAt: at(10),
  expiresAt: at(3600),
  ...change,
});
const ended = (outcome: Outcome, change: Partial<Migration> = {}): Migration =>
  aMigration({ status: 'ended', outcome, endedAt: at(60), ...change });
const event = (record: Migration, told: OutboxEvent): ServiceEvent => {
  const made = serviceEventOf(record, told);
  expect(made).toBeDefined();
  return serviceEvent.parse(made);
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
  it('says what, where and how, under one id for what is told', () => {
    const made = event(
      ended('migrated', { verified: 'injected', request: aRequest({ requestedBy: 'ann', reason: 'why not' }) }),
      'migrated',
    );
    expect(made).toMatchObject({
      version: '1',
      eventId: `${MIGRATION_ID}#migrated`,
      type: 'migrated',
      outcome: 'migrated',
      migrationId: MIGRATION_ID,
      at: at(60),
      ...target,
      addon: ADDON,
      verified: 'injected',
      dryRun: false,
      requestedBy: 'ann',
      reason: 'why not',
    });
    expect(made.title).toBe('Migrated: aws-ebs-csi-driver on dev');
    // Nobody has authenticated who that is.
    expect(made).not.toHaveProperty('requester');
    expect(made.message).toContain(
      'Requested by an unknown requester, who states "ann".\nReason, as the request states it: why not',
    );
    expect(made.message).toContain('verified on its pods');
  });

  it('is there for each thing that can be told, with a title and a message of printable lines', () => {
    const record = ended('planned', { approvals: [anApproval()] });
    for (const told of ['started', 'approval-needed', ...OUTCOMES] as const) {
      const made = event(
        { ...record, ...(OUTCOMES.some((one) => one === told) ? { outcome: told as Outcome } : {}) },
        told,
      );
      expect(made.eventId).toBe(`${MIGRATION_ID}#${told}`);
      expect(made.message).toBe(made.lines.join('\n'));
      expect(made.lines[0]).toBe(made.title);
      expect(made.lines.every((line) => line !== '' && isPrintable(line))).toBe(true);
      expect(made.message).toContain(`migration ${MIGRATION_ID}`);
    }
  });

  it('of a service account names it, and the command of its own', () => {
    const request = aRequest({ dryRun: true });
    const { addon: _, ...others } = request;
    const made = event(
      ended('planned', { request: { ...others, serviceAccount: { namespace: 'payments', name: 'api' } } }),
      'planned',
    );
    expect(made).toMatchObject({
      serviceAccount: { namespace: 'payments', name: 'api' },
      dryRun: true,
      title: 'Planned: payments/api on dev',
    });
    expect(made).not.toHaveProperty('addon');
    expect(made.message).toContain(
      'pod-identity migrate-workload --cluster dev --region eu-west-1 --namespace payments --service-account api --deployed',
    );
  });

  it('of an end that another has replaced does not tell that one as its own', () => {
    const record = ended('rolled-back', {
      failure: { name: 'X', message: 'secret of the later end' },
      rollback: aRollback({ startedAt: at(50), after: 'migrated' }),
    });
    const made = event(record, 'migrated');
    expect(made).toMatchObject({ outcome: 'migrated', at: at(50) });
    expect(made.message).toContain(
      'It had ended migrated; since then it was taken up again, and has ended rolled-back.',
    );
    expect(JSON.stringify(made)).not.toContain('later end');
    expect(made).not.toHaveProperty('verified');
  });

  it('has a detail type of its own', () => {
    expect(detailTypeOf({ type: 'needs-human' })).toBe('Pod Identity Migration Needs Human');
    expect(detailTypeOf({ type: 'migrated' })).toBe('Pod Identity Migration Migrated');
    expect(detailTypeOf({ type: 'approval-needed' })).toBe('Pod Identity Migration Approval Needed');
  });
});

describe('the event of an approval that is needed', () => {
  const planned = (): Migration => {
    const record = aMigration({
      plan: aPlan({ purge: ['a-1'], checks: [{ id: 'sharing', status: 'warn', message: 'Others use the role.' }] }),
    });
    return { ...record, approvals: [anApproval({ planHash: record.plan?.hash ?? '' })] };
  };

  it('has the plan in short, its hash, until when, and how to approve', () => {
    const record = planned();
    const hash = record.plan?.hash ?? '';
    const made = event(record, 'approval-needed');
    expect(made).toMatchObject({
      type: 'approval-needed',
      at: at(10),
      planHash: hash,
      approval: { round: 1, expiresAt: at(3600) },
    });
    const parts = [
      'The plan: in place; pods roll, capacity stays. If the pods do not take the new identity so: recreate with preserve (pods roll, capacity stays).',
      `+ association kube-system/ebs-csi-controller-sa with ${ROLE}`,
      '- association a-1',
      'Warning, sharing: Others use the role.',
      `Plan ${hash}`,
      at(3600),
      `pod-identity approve ${MIGRATION_ID} --plan ${hash} --deployed`,
      `POST /migrations/${MIGRATION_ID}/approval {"decision":"approve","planHash":"${hash}"}`,
    ];
    expect(parts.filter((part) => !made.lines.some((line) => line.includes(part)))).toEqual([]);
  });

  it('of a later round is another event, about that round', () => {
    const record = {
      ...planned(),
      approvals: [
        anApproval({ state: 'expired' }),
        anApproval({ round: 2, planHash: 'b'.repeat(64), requestedAt: at(20) }),
      ],
    };
    const made = event(record, approvalNeeded(2));
    expect(made).toMatchObject({
      eventId: `${MIGRATION_ID}#approval-needed.2`,
      type: 'approval-needed',
      planHash: 'b'.repeat(64),
      approval: { round: 2 },
      at: at(20),
    });
    expect(made.message).toContain('asked for the 2. time');
    // The record's plan is not the one that it is about.
    expect(made.message).toContain('does not stand any more');
    expect(made.message).not.toContain('+ association');
  });

  it('is none where the record does not know that round', () => {
    expect(serviceEventOf(planned(), approvalNeeded(3))).toBeUndefined();
  });
});

describe('what to do', () => {
  it('is in the event of one that is blocked: each check with its remedy', () => {
    const made = event(
      ended('blocked', {
        plan: aPlan({
          verdict: 'blocked',
          attempts: [],
          checks: [failing, { id: 'fine', status: 'pass', message: 'ok' }],
        }),
      }),
      'blocked',
    );
    expect(made.message).toContain('- agent-ready: The agent is not there.\n  What to do: Install it.');
    expect(made.message).not.toContain('fine');
  });

  it('is the error where no check is in the way', () => {
    const made = event(
      ended('blocked', { failure: { name: 'ApprovalExpired', message: 'nobody decided' } }),
      'blocked',
    );
    expect(made.message).toContain('Why: ApprovalExpired: nobody decided');
    expect(made.failure).toEqual({ name: 'ApprovalExpired', message: 'nobody decided' });
  });

  it('is the first error, and where to look, where it was rolled back', () => {
    const made = event(
      ended('rolled-back', { verified: 'injected', failure: { name: 'PodsOnWrongIdentity', message: 'they kept it' } }),
      'rolled-back',
    );
    expect(made.message).toContain('The first error: PodsOnWrongIdentity: they kept it');
    expect(made.message).toContain(`pod-identity show ${MIGRATION_ID} --deployed`);
  });

  it('are the commands where a person is needed, in their order', () => {
    const handOff = [
      'aws eks update-addon --region eu-west-1 --cluster-name dev --addon-name aws-ebs-csi-driver',
      ": 'then'",
      `pod-identity rollback ${MIGRATION_ID} --deployed`,
    ];
    const made = event(ended('needs-human', { handOff }), 'needs-human');
    expect(made.handOff).toEqual(handOff);
    expect(made.message).toContain(handOff.join('\n'));
  });

  it('has no command in the message that is cut there, and is whole in the field of its own', () => {
    const long = `kubectl -n x annotate ${'y'.repeat(MOST.line)}`;
    const made = event(ended('needs-human', { handOff: [long] }), 'needs-human');
    expect(made.handOff).toEqual([long]);
    expect(made.message).not.toContain('kubectl');
    expect(made.lines).toContainEqual(expect.stringMatching(/^: 'A line that is too long for an event belongs here/));
  });

  it('hands on no command with values in it, nor one that is cut', () => {
    const secret = 'password-of-the-configuration';
    const handOff = [
      `aws eks create-addon --region eu-west-1 --configuration-values '{"a":"${secret}"}'`,
      `aws eks create-addon --configuration-values=${secret}`,
      `: aws iam update-assume-role-policy --role-name r --policy-document '{"x":"${secret}"}'`,
      `aws eks tag-resource --tags '{"x":"${secret}"}'`,
      `aws eks update-pod-identity-association --policy '${secret}'`,
      `kubectl -n x annotate ${'y'.repeat(MOST.command)}`,
      ...Array.from({ length: 40 }, (_, index) => `kubectl -n kube-system rollout restart deployment/d${index}`),
    ];
    const made = event(ended('needs-human', { handOff }), 'needs-human');
    expect(JSON.stringify(made)).not.toContain(secret);
    expect(made.handOff).toHaveLength(MOST.commands);
    expect(made.handOff?.slice(0, 6).every((line) => line.startsWith(": 'A line "))).toBe(true);
    expect(made.handOff?.[6]).toBe('kubectl -n kube-system rollout restart deployment/d0');
    expect(made.handOff?.at(-1)).toBe(`: '22 more lines: pod-identity show ${MIGRATION_ID} --deployed'`);
  });
});

describe('the event of what CloudTrail told of', () => {
  const denied = (outcome: Outcome, change: Partial<Migration> = {}): ServiceEvent =>
    event(ended(outcome, { trigger, request: aRequest({ dryRun: true }), ...change }), outcome);

  it('has the diagnosis, the plan, the one command that fixes it, and what to change in Terraform after that', () => {
    const made = denied('planned');
    expect(made).toMatchObject({
      trigger,
      title: 'UpdateAddon was denied, a migration fixes it: aws-ebs-csi-driver on dev',
    });
    for (const part of [
      'Terraform called UpdateAddon for add-on aws-ebs-csi-driver of cluster dev at',
      `It was called as ${trigger.principal}.`,
      'serviceAccountRoleArn: ""',
      'Cross-account pass role is not allowed.',
      'c0ffee',
      'Nothing was changed by it.',
      'The plan: in place',
      'To carry it out: pod-identity migrate --cluster dev --region eu-west-1 --addon aws-ebs-csi-driver --deployed',
      'drop service_account_role_arn',
      `pod_identity_association with service_account = "ebs-csi-controller-sa" and role_arn = "${ROLE}"`,
    ]) {
      expect(made.message).toContain(part);
    }
  });

  it('is not cut, however long the names are', () => {
    const long = 'x'.repeat(100);
    const made = denied('planned', {
      request: aRequest({ dryRun: true, addon: long, target: { ...target, cluster: long } }),
      trigger: { ...trigger, eventId: 'e'.repeat(128), principal: 'p'.repeat(380) },
    });
    expect(made.lines.filter((line) => line.endsWith('…'))).toEqual([]);
    expect(made.title).toHaveLength(MOST.title);
  });

  it('has the checks where the migration is blocked, and no plan where there is nothing to migrate', () => {
    expect(
      denied('blocked', { plan: aPlan({ verdict: 'blocked', attempts: [], checks: [failing] }) }).message,
    ).toContain('- agent-ready: The agent is not there.');
    expect(denied('already-migrated').message).toContain('It is on EKS Pod Identity already.');
    expect(denied('already-migrated').message).toContain('drop service_account_role_arn');
  });

  it('has how to approve where that is asked for', () => {
    const record = aMigration({ trigger });
    const made = event(
      { ...record, approvals: [anApproval({ planHash: record.plan?.hash ?? '' })] },
      'approval-needed',
    );
    expect(made.message).toContain('serviceAccountRoleArn: ""');
    expect(made.message).toContain(`pod-identity approve ${MIGRATION_ID}`);
  });

  it.each([
    ['APN/1.0 Pulumi/1.0 (https://www.pulumi.com) terraform-provider-aws', 'Pulumi'],
    ['eksctl/0.200.0', 'eksctl'],
    ['aws-cli/2.17.0 md/awscrt', 'The AWS CLI'],
    ['Mozilla/5.0', 'Somebody'],
    [undefined, 'Somebody'],
  ])('of the user agent %s says who it was: %s', (userAgent, name) => {
    const { userAgent: _, ...rest } = trigger;
    const made = denied('planned', { trigger: { ...rest, ...(userAgent === undefined ? {} : { userAgent }) } });
    expect(made.lines[2]?.startsWith(`${name} called UpdateAddon `)).toBe(true);
    expect(made.message.includes('aws_eks_addon')).toBe(name === 'Pulumi');
  });
});

describe('an entry', () => {
  const MOST_BYTES = 200_000;
  const long = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 50 }),
    fc
      .constantFrom('"', '\\', '\u{1f600}', '\u001b', '\u{202e}', 'ä', '\ud800', ' --region x', '\n')
      .chain((piece) =>
        fc.integer({ min: 1, max: 100_000 }).map((count) => piece.repeat(Math.ceil(count / piece.length))),
      ),
  );
  const texts = fc.array(long, { maxLength: 60 });

  it('is one of the schema and has less than 200 KB, however long the texts of the record are', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('started', 'approval-needed', ...OUTCOMES),
        fc.boolean(),
        long,
        long,
        texts,
        long,
        (told, byEvent, message, name, many, hash) => {
          const checks: Check[] = many.map((text, index) => ({
            id: text,
            status: index % 2 === 0 ? 'warn' : 'fail',
            message: text,
            remedy: text,
          }));
          const record = aMigration({
            status: 'ended',
            ...(OUTCOMES.some((one) => one === told) ? { outcome: told as Outcome } : {}),
            startedAt: message,
            endedAt: name,
            failure: { name, message },
            handOff: many,
            warnings: checks,
            approvals: [anApproval({ planHash: hash, expiresAt: message })],
            ...(byEvent ? { trigger: { ...trigger, at: message } } : {}),
          });
          record.plan = aPlan({
            hash,
            checks,
            purge: many,
            associations: many.map((text) => ({ namespace: text, serviceAccount: text, roleArn: text })),
            installAgent: { version: message },
          });
          const made = serviceEvent.parse(serviceEventOf(record, told));
          expect(Buffer.byteLength(JSON.stringify(made))).toBeLessThan(MOST_BYTES);
          expect(made.lines.every(isPrintable)).toBe(true);
        },
      ),
      { numRuns: 150 },
    );
  });

  it('has less than 200 KB in the worst case', () => {
    const worst = 'ä\\"\u{1f600}'.repeat(100_000);
    const many = Array.from({ length: 100 }, () => worst);
    const record = ended('needs-human', {
      failure: { name: worst, message: worst },
      handOff: many.map((text) => text.slice(0, MOST.command)),
      warnings: many.map((text) => ({ id: text, status: 'warn', message: text })),
      request: aRequest({ requestedBy: 'ä'.repeat(256), reason: '"'.repeat(1024) }),
    });
    const made = event(record, 'needs-human');
    expect(Buffer.byteLength(JSON.stringify(made))).toBeLessThan(MOST_BYTES);
    expect(made.lines).toHaveLength(MOST.lines);
  });

  it('has nothing of configuration values and policies, wherever the record has them', () => {
    const secret = 'VALUE-THAT-NOBODY-MAY-SEE';
    const whole = anAssociation({ policy: secret, tags: { x: secret }, externalId: secret });
    for (const told of ['started', 'approval-needed', ...OUTCOMES] as const) {
      const record = ended('planned', {
        ...(OUTCOMES.some((one) => one === told) ? { outcome: told as Outcome } : {}),
        approvals: [anApproval()],
        associations: { purged: [whole], created: [whole], restored: [whole] },
        plan: aPlan({
          addon: anAddon({ configurationValues: secret, tags: { x: secret } }),
          carryOver: [{ namespace: 'n', serviceAccount: 's', from: 'a-1', policy: secret, tags: { x: secret } }],
          trustRepairs: [{ roleArn: ROLE, before: secret, after: secret, statement: { x: secret } }],
        }),
        trustChanges: [{ roleArn: ROLE, before: secret, after: secret, statement: { x: secret }, notedAt: at(0) }],
      });
      expect(JSON.stringify(event(record, told))).not.toContain(secret);
    }
  });
});
