import * as fc from 'fast-check';
import { parseTrust } from '../../../../lambdas/domain/trust/policy.ts';
import { describe, expect, it } from 'vitest';
import { repairProblem, retirementProblem } from '../../../../lambdas/domain/trust/own-changes.ts';
import { proposeRepair, undoRepair } from '../../../../lambdas/domain/trust/repair.ts';
import { proposeRetirement, undoRetirement } from '../../../../lambdas/domain/trust/retire.ts';
import { type JsonObject, nameOf, sameJson } from '../../../../lambdas/domain/trust/statements.ts';
import { ISSUER, podIdentityStatement, ROLE, target } from '../../fixtures.ts';
import {
  aStatement,
  controller,
  everybody,
  policyOf,
  PROVIDER,
  statementLists,
  statementsIn,
  verdicts,
} from './policies.ts';
import { forAllIn } from '../../../for-all.ts';

const RUNS = 300;
const notedAt = '2026-01-05T09:00:00.000Z';
const versions = fc.constantFrom('2012-10-17', '2008-10-17', null);
const two = [controller, everybody[2]!];
const accounts = fc.constantFrom([controller], two, [{ ...controller, disableSessionTags: true }]);
const issuers = fc.constantFrom({ oidcIssuer: ISSUER }, {});
const allVerdicts = (policy: string): unknown => everybody.map((one) => verdicts(policy, one));

/** Counts the cases that a property met, so that it cannot pass because the case never occurs. */
function counted<Kind extends string>(): { count: (kind: Kind) => void; of: (kind: Kind) => number } {
  const counts = new Map<Kind, number>();
  return { count: (kind) => counts.set(kind, (counts.get(kind) ?? 0) + 1), of: (kind) => counts.get(kind) ?? 0 };
}

describe('repair of any policy', () => {
  it('allows Pod Identity, is idempotent, revokes nothing, keeps every other statement and can be undone', () => {
    const met = counted<'nothing' | 'repair' | 'refuse'>();
    forAllIn(RUNS, statementLists, versions, accounts, issuers, (statements, version, serviceAccounts, issuer) => {
      const before = policyOf(statements, version);
      const request = { target, serviceAccounts, ...issuer, maxLength: 100_000 };
      const proposal = proposeRepair({ trustPolicy: parseTrust(before), ...request });
      met.count(proposal.do);
      if (proposal.do !== 'repair') return;
      const { after, statement } = proposal;
      for (const one of serviceAccounts)
        expect(verdicts(after, one)).toEqual({ podIdentity: 'allowed', irsa: verdicts(before, one).irsa });
      const irsaOf = (policy: string) => everybody.map((one) => verdicts(policy, one).irsa);
      expect(irsaOf(after)).toEqual(irsaOf(before));
      expect(JSON.stringify(statementsIn(after))).toBe(JSON.stringify([...statements, statement]));
      expect(proposeRepair({ trustPolicy: parseTrust(after), ...request })).toEqual({ do: 'nothing' });
      const undone = undoRepair({ roleArn: ROLE, before, after, statement, notedAt }, after);
      expect(undone).toEqual({ do: 'write', document: before });
      expect(repairProblem({ before, after, statement }, request)).toBeUndefined();
    });
    for (const kind of ['nothing', 'repair', 'refuse'] as const) expect(met.of(kind)).toBeGreaterThan(3);
  });

  it('is undone in a policy that has changed since', () =>
    forAllIn(150, statementLists, aStatement, fc.nat(5), (statements, foreign, at) => {
      const before = policyOf(statements);
      const request = { target, serviceAccounts: [controller], maxLength: 100_000 };
      const proposal = proposeRepair({ trustPolicy: parseTrust(before), ...request });
      fc.pre(proposal.do === 'repair');
      if (proposal.do !== 'repair') return;
      const { after, statement } = proposal;
      const current = statementsIn(after).toSpliced(at, 0, foreign);
      const undone = undoRepair({ roleArn: ROLE, before, notedAt, after, statement }, policyOf(current));
      const Statement = current.filter((one) => !sameJson(one, statement));
      expect(undone).toEqual({ do: 'write', document: JSON.stringify({ Version: '2012-10-17', Statement }) });
    }));
});

const namesOurProvider = (statement: JsonObject): boolean => JSON.stringify(statement['Principal']).includes(PROVIDER);

describe('retire of any policy', () => {
  const retiring = fc.constantFrom([controller], two);

  it("removes this cluster's trust of these service accounts alone, and can be undone", () => {
    const met = counted<'nothing' | 'remove' | 'refuse' | 'kept' | 'list' | 'others'>();
    forAllIn(1200, statementLists, versions, retiring, (statements, version, serviceAccounts) => {
      const before = policyOf([...statements, podIdentityStatement], version);
      const request = { trustPolicy: before, target, oidcIssuer: ISSUER, serviceAccounts };
      const asked = proposeRetirement(request);
      met.count(asked.do);
      const proposal = proposeRetirement({ ...request, existing: everybody });
      // Who exists matters only for patterns.
      expect(asked.do === 'list' ? asked : proposal).toEqual(asked);
      expect(proposal.do).not.toBe('list');
      const open = serviceAccounts.filter((one) => verdicts(before, one).irsa !== 'denied');
      expect(proposal.do === 'nothing' ? open : []).toEqual([]);
      if (proposal.do !== 'remove') return;
      const { after, removed, others, patterns } = proposal;
      if (removed.some((one) => one.kept)) met.count('kept');
      if (others.length > 0) met.count('others');
      expect(patterns.length === 0 ? others : []).toEqual([]);
      for (const one of serviceAccounts)
        expect(verdicts(after, one)).toEqual({ podIdentity: 'allowed', irsa: 'denied' });
      // Exactly the named ones lose the trust; for all others, nothing changes.
      const losing = new Set(others.map(nameOf));
      const rest = everybody.filter((one) => !serviceAccounts.includes(one));
      const stay = rest.filter((one) => !losing.has(nameOf(one)));
      expect(stay.map((one) => verdicts(after, one))).toEqual(stay.map((one) => verdicts(before, one)));
      for (const one of rest.filter((each) => losing.has(nameOf(each))))
        expect(verdicts(after, one).irsa).not.toBe('allowed');
      const untouched = (policy: string): JsonObject[] =>
        statementsIn(policy).filter((one) => !namesOurProvider(one) || one['Effect'] === 'Deny');
      expect(JSON.stringify(untouched(after))).toBe(JSON.stringify(untouched(before)));
      expect(proposeRetirement({ ...request, trustPolicy: after, existing: everybody }).do).toBe('nothing');
      const retirement = { roleArn: ROLE, before, after, removed, notedAt };
      expect(undoRetirement(retirement, after)).toEqual({ do: 'write', document: before });
      expect(undoRetirement(retirement, before)).toEqual({ do: 'nothing' });
      const scope = { target, serviceAccounts, oidcIssuer: ISSUER };
      expect(retirementProblem(retirement, { ...scope, trustBefore: before })).toBeUndefined();
      // A record alone is not enough for a pattern.
      expect(retirementProblem(retirement, scope) === undefined).toBe(patterns.length === 0);
    });
    for (const kind of ['nothing', 'remove', 'refuse', 'kept', 'list', 'others'] as const)
      expect(met.of(kind)).toBeGreaterThan(3);
  });

  it('is undone in a policy that has changed since, with the same verdicts for every service account', () =>
    forAllIn(150, statementLists, fc.nat(5), retiring, (statements, at, serviceAccounts) => {
      const trustPolicy = policyOf([...statements, podIdentityStatement]);
      const request = { trustPolicy, target, oidcIssuer: ISSUER, serviceAccounts };
      const proposal = proposeRetirement({ ...request, existing: everybody });
      fc.pre(proposal.do === 'remove');
      if (proposal.do !== 'remove') return;
      const foreign = {
        Sid: 'Foreign',
        Effect: 'Allow',
        Principal: { Service: 'lambda.amazonaws.com' },
        Action: 'sts:AssumeRole',
      };
      const current = policyOf(statementsIn(proposal.after).toSpliced(at, 0, foreign));
      const undone = undoRetirement(
        { roleArn: ROLE, before: trustPolicy, after: proposal.after, removed: proposal.removed, notedAt },
        current,
        100_000,
      );
      const document = undone.do === 'write' ? undone.document : undone.do === 'nothing' ? current : undone.why;
      expect(allVerdicts(document)).toEqual(allVerdicts(trustPolicy));
      expect(statementsIn(document)).toContainEqual(foreign);
    }));
});
