/**
 * Trust policies from the documentation, public repositories and bug reports, and hostile policies: each with the verdicts
 * that IAM would reach, and, unless they are `allowed`, a part of the reason.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { parseClusterArn } from '../../../../lambdas/domain/aws/arn.ts';
import { parsePolicy } from '../../../../lambdas/domain/policy/document.ts';
import type { Evaluation } from '../../../../lambdas/domain/policy/request.ts';
import { evaluateTrust } from '../../../../lambdas/domain/policy/trust.ts';

/** Parts of one reason: whole fields, `says` for a part of its message, `path` for the beginning of its path. */
const because = z.strictObject({
  statement: z.string().optional(),
  key: z.string().optional(),
  action: z.string().optional(),
  path: z.string().optional(),
  says: z.string().optional(),
});
const expected = z.union([
  z.strictObject({ verdict: z.literal('allowed') }),
  z.strictObject({ verdict: z.enum(['denied', 'unknown', 'invalid']), because }),
]);
const fixture = z.strictObject({
  name: z.string(),
  /** The page or repository from which the form of the policy is taken. */
  source: z.string().min(1),
  /** Explains a verdict that may be unexpected. */
  why: z.string().optional(),
  /** What differs from the usual use; `null` for what is not known. */
  use: z
    .strictObject({
      clusterArn: z.string().default('arn:aws:eks:eu-west-1:111122223333:cluster/dev'),
      namespace: z.string().default('kube-system'),
      serviceAccount: z.string().default('ebs-csi-controller-sa'),
      oidcIssuer: z
        .string()
        .nullable()
        .default('https://oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLED539D4633E53DE1B71EXAMPLE'),
      disableSessionTags: z.boolean().optional(),
      roleAccount: z.string().optional(),
    })
    .prefault({})
    .transform(({ oidcIssuer, ...rest }) => ({ ...rest, ...(oidcIssuer !== null && { oidcIssuer }) })),
  policy: z.unknown(),
  podIdentity: expected,
  irsa: expected,
});
type Fixture = z.infer<typeof fixture>;

const folder = join(import.meta.dirname, 'fixtures');
const themes = readdirSync(folder).map((file) => {
  const fixtures = z.array(fixture).parse(JSON.parse(readFileSync(join(folder, file), 'utf8')));
  return [file.replace('.json', ''), fixtures.map((one): [string, Fixture] => [one.name, one])] as const;
});

function evaluated({ policy, use }: Fixture): { podIdentity: Evaluation; irsa: Evaluation } {
  if (!parseClusterArn(use.clusterArn)) throw new Error(`${use.clusterArn} is no cluster's ARN`);
  return evaluateTrust(parsePolicy(policy, 'trust'), use);
}

const gives = ({ reasons }: Evaluation, wanted: z.infer<typeof because>): boolean =>
  reasons.some(
    (one) =>
      (wanted.statement === undefined || one.statement === wanted.statement) &&
      (wanted.key === undefined || one.key === wanted.key) &&
      (wanted.action === undefined || one.action === wanted.action) &&
      (wanted.path === undefined || one.path?.startsWith(wanted.path) === true) &&
      (wanted.says === undefined || one.message.includes(wanted.says)),
  );

describe.each(themes)('trust policies: %s', (_theme, fixtures) => {
  it.each(fixtures)('%s', (name, one) => {
    const found = evaluated(one);
    for (const way of ['podIdentity', 'irsa'] as const) {
      const reasons = found[way].reasons.map((reason) => reason.message).join(' | ');
      expect(`${way} ${found[way].verdict}`, `${name}: ${reasons}`).toBe(`${way} ${one[way].verdict}`);
      if (one[way].verdict === 'allowed') continue;
      const wanted = (one[way] as { because: z.infer<typeof because> }).because;
      expect(
        gives(found[way], wanted),
        `${name}: ${way} should have ${JSON.stringify(wanted)}, has ${JSON.stringify(found[way].reasons)}`,
      ).toBe(true);
    }
  });
});

it('the fixtures are many, each with a unique name and parts of the expected reason', () => {
  const all = themes.flatMap(([, fixtures]) => fixtures.map(([, one]) => one));
  expect(all.length).toBeGreaterThan(200);
  expect(new Set(all.map((one) => one.name)).size).toBe(all.length);
  for (const way of ['podIdentity', 'irsa'] as const)
    expect(new Set(all.map((one) => one[way].verdict))).toEqual(new Set(['allowed', 'denied', 'unknown', 'invalid']));
});
