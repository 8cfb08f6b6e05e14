/** The commands after a plan that is blocked, by a migration and by `plan`. */
import { describe, expect, it } from 'vitest';
import { nextAfter } from '../../cli/print/next.ts';
import type { Check } from '../../lambdas/domain/terms/check.ts';
import { aPlan, aReport } from './fixtures.ts';

const check = (id: string, status: Check['status'], remedy: string): Check => ({ id, status, message: id, remedy });
const IMAGE = check(
  'aws-sdk-version',
  'fail',
  "Upgrade it first. If these support it, plan again with --accept image:a/b:1 --accept 'image:a/c@sha256:0'",
);
const CONTAINER = check('unknown-credentials', 'unknown', 'Accept it: --accept unknown-credentials:api/app');
const OWNER = check('owner-ack', 'fail', 'Suspend it, then plan again with --accept owner:ack');

const CONSUMERS = check(
  'consumers',
  'fail',
  "Use EKS Pod Identity in them. To accept that they break: --accept consumer:SecretStore/shop/aws --accept 'consumer:system:serviceaccount:*:api'.",
);
const POLICY = check(
  'network-policies',
  'fail',
  '--accept network-policy:NetworkPolicy/shop/default-deny, if its pods reach the agent.',
);
const TARGET_ROLE = check('target-roles', 'fail', 'Or: --accept target-role:arn:aws:iam::444455556666:role/data');

const commandsAfter = (...checks: Check[]): (string | readonly string[])[] =>
  nextAfter(aReport({ outcome: 'blocked', plan: aPlan({ verdict: 'blocked', checks }) }), { command: 'migrate x' }).map(
    ({ command }) => command,
  );

describe('after a blocked plan', () => {
  it('the command plans again, and another one accepts the software that blocks it', () => {
    expect(commandsAfter(IMAGE)).toEqual([
      'migrate x --dry-run',
      "migrate x --accept image:a/b:1 --accept 'image:a/c@sha256:0' --dry-run",
    ]);
    expect(commandsAfter(IMAGE, CONTAINER, OWNER)).toEqual([
      'migrate x --accept owner:ack --dry-run',
      "migrate x --accept owner:ack --accept image:a/b:1 --accept 'image:a/c@sha256:0' --accept unknown-credentials:api/app --dry-run",
    ]);
  });

  it('nothing is accepted of what does not block, or of other checks', () => {
    expect(commandsAfter({ ...IMAGE, status: 'warn' }, OWNER)).toEqual(['migrate x --accept owner:ack --dry-run']);
    expect(commandsAfter(check('other', 'fail', '--accept image:a/b:1'))).toEqual(['migrate x --dry-run']);
    expect(commandsAfter({ ...CONSUMERS, status: 'warn' })).toEqual(['migrate x --dry-run']);
  });

  it('another command accepts each object, role and policy that the remedies name, once', () => {
    expect(commandsAfter(CONSUMERS, POLICY, TARGET_ROLE)).toEqual([
      'migrate x --dry-run',
      "migrate x --accept consumer:SecretStore/shop/aws --accept 'consumer:system:serviceaccount:*:api' --accept network-policy:NetworkPolicy/shop/default-deny --accept target-role:arn:aws:iam::444455556666:role/data --dry-run",
    ]);
    expect(commandsAfter(CONSUMERS, CONSUMERS, IMAGE)[1]).toBe(
      "migrate x --accept consumer:SecretStore/shop/aws --accept 'consumer:system:serviceaccount:*:api' --accept image:a/b:1 --accept 'image:a/c@sha256:0' --dry-run",
    );
  });

  it('says what is accepted by which command', () => {
    const whys = (...checks: Check[]): string[] =>
      nextAfter(aReport({ outcome: 'blocked', plan: aPlan({ verdict: 'blocked', checks }) }), { command: 'x' }).map(
        ({ why }) => why,
      );
    expect(whys(IMAGE)[1]).toBe('If you know that the software uses EKS Pod Identity, accept it and plan again');
    expect(whys(IMAGE, POLICY)[1]).toBe('If you accept what these checks name, plan again');
  });
});
