/** For any trust policies, annotations and requests, no service account can use a role that the rule does not allow. */
import * as fc from 'fast-check';
import { parseTrust } from '../../../../lambdas/domain/trust/policy.ts';
import { expect, it } from 'vitest';
import { clusterArn } from '../../../../lambdas/domain/aws/arn.ts';
import type { Association } from '../../../../lambdas/domain/terms/observed.ts';
import type { Plan } from '../../../../lambdas/domain/record/plan.ts';
import { planMigration } from '../../../../lambdas/domain/plan/plan.ts';
import { evaluatePodIdentity, issuerName, parsePolicy } from '../../../../lambdas/domain/policy/index.ts';
import {
  type Account,
  byVariable,
  permitted,
  podsMayUse,
  policyFor,
  type Trusting,
  trustings,
} from '../../../grants-oracle.ts';
import { ACCOUNT, ISSUER, NAMESPACE, OTHER_ROLE, ROLE, SERVICE_ACCOUNT, target } from '../../example.ts';
import { anAssociation } from '../../eks-fixtures.ts';
import { aRequest, someFacts } from '../../fixtures.ts';
import { runs } from '../../../runs.ts';
import { forAllIn } from '../../../for-all.ts';

const SECOND = 'second-sa';
const STRANGER = 'stranger';
const NAMES = [SERVICE_ACCOUNT, SECOND, STRANGER];
/** The last one is named like its namespace, which a policy variable may compare. */
const ALL_NAMES = [...NAMES, NAMESPACE];
const OF_ADDON = [SERVICE_ACCOUNT, SECOND];
const ROLES = [ROLE, OTHER_ROLE];
const LOCATION = { account: ACCOUNT, clusterArn: clusterArn(target), issuer: issuerName(ISSUER) };

interface World {
  trust: Record<string, Trusting[]>;
  providerExists: boolean;
  /** Service accounts that the add-on takes associations for. */
  takes: string[];
  /** By service account: the role that it is annotated with. */
  annotated: Record<string, string>;
  associated: { name: string; roleArn: string; isUnfinished: boolean }[];
  granted: { name: string; roleArn: string }[];
  roles: Record<string, string>;
  roleArn?: string | undefined;
  repair: boolean;
}

const role = fc.constantFrom(...ROLES);
const byName = fc.dictionary(fc.constantFrom(...NAMES), role, { maxKeys: 3 });
const usual = <T>(value: T, other: fc.Arbitrary<T>): fc.Arbitrary<T> => fc.oneof(fc.constant(value), other);
const trust = trustings([NAMESPACE, 'web'], NAMES);
const fields: { [Field in keyof World]-?: fc.Arbitrary<World[Field]> } = {
  trust: fc.record({ [ROLE]: trust, [OTHER_ROLE]: trust }),
  // Mostly as fleets are, so that some of these worlds let a migration through.
  providerExists: fc.constantFrom(true, true, true, false),
  takes: usual([SERVICE_ACCOUNT], fc.subarray(OF_ADDON, { minLength: 1 })),
  annotated: usual<Record<string, string>>({ [SERVICE_ACCOUNT]: ROLE }, byName),
  associated: fc.uniqueArray(
    fc.record({ name: fc.constantFrom(...NAMES), roleArn: role, isUnfinished: fc.boolean() }),
    { maxLength: 2, selector: ({ name }) => name },
  ),
  granted: fc.array(fc.record({ name: fc.constantFrom(...NAMES), roleArn: role }), { maxLength: 2 }),
  roles: fc.oneof({ weight: 2, arbitrary: fc.constant({}) }, { weight: 1, arbitrary: byName }),
  roleArn: fc.oneof({ weight: 3, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: role }),
  repair: fc.boolean(),
};
/** Worlds in which a trust policy's variables decide about a service account that is named like its namespace. */
const ofVariables = fc.record<World>({
  ...fields,
  trust: fc.record({
    [ROLE]: fc.tuple(byVariable, trust).map(([first, rest]) => [first, ...rest]),
    [OTHER_ROLE]: trust,
  }),
  takes: fc.constant([SERVICE_ACCOUNT, NAMESPACE]),
  annotated: fc.constant({}),
  // The other service account does not block.
  granted: fc.constant([{ name: SERVICE_ACCOUNT, roleArn: ROLE }]),
  repair: fc.constant(true),
});
const world = fc.oneof({ weight: 8, arbitrary: fc.record<World>(fields) }, { weight: 1, arbitrary: ofVariables });

const idOf = (name: string): string => `a-${name}`;
const associationsOf = ({ associated }: World): Association[] =>
  associated.map(({ name, roleArn }) => anAssociation({ id: idOf(name), serviceAccount: name, roleArn }));

const planOf = (given: World): Plan =>
  planMigration(
    someFacts({
      request: aRequest({
        roles: given.roles,
        trust: given.repair ? 'repair' : 'validate',
        accept: ALL_NAMES.map((name) => `identity-loss:${name}`),
        ...(given.roleArn === undefined ? {} : { roleArn: given.roleArn }),
      }),
      podIdentity: given.takes.map((serviceAccount) => ({ serviceAccount, recommendedManagedPolicies: [] })),
      roles: Object.fromEntries(
        ROLES.map((arn) => [arn, { trustPolicy: parseTrust(JSON.stringify(policyFor(given.trust[arn]!, LOCATION))) }]),
      ),
      rolePolicies: Object.fromEntries(ROLES.map((arn) => [arn, { policies: [] }])),
      repairableRoleArns: ROLES,
      oidcProvider: { seen: given.providerExists },
      associations: associationsOf(given),
      unfinished: given.associated.filter(({ isUnfinished }) => isUnfinished).map(({ name }) => idOf(name)),
      annotated: {
        seen: Object.entries(given.annotated).map(([name, roleArn]) => ({
          namespace: NAMESPACE,
          name,
          roleArn,
          annotatedBy: ['eks'],
          labels: { 'app.kubernetes.io/name': 'aws-ebs-csi-driver' },
          annotations: {},
          managers: ['eks'],
        })),
      },
      roleGrants: given.granted.map(({ name, roleArn }) => ({
        roles: [roleArn],
        clusters: ['cluster/dev'],
        serviceAccounts: [`${NAMESPACE}/${name}`],
      })),
    }),
  );

/** What the rule says of the pair, by the state before. */
const claimOf = (given: World, name: string, roleArn: string): ReturnType<typeof permitted> => {
  const subject: Account = { namespace: NAMESPACE, name };
  const isAssociated = given.associated.some(
    (one) => one.name === name && one.roleArn === roleArn && !one.isUnfinished,
  );
  return permitted({
    subject,
    trust: given.trust[roleArn]!,
    providerExists: given.providerExists,
    isAssociated,
    isOfAddon: roleArn === ROLE && given.takes.includes(name) && given.annotated[name] === ROLE,
    isGranted: given.granted.some((one) => one.name === name && one.roleArn === roleArn),
    isNew: roleArn !== ROLE && !isAssociated,
  });
};

/** How a plan that is carried out breaks the rule. */
const brokenBy = (given: World, { associations, trustRepairs }: Plan): string[] => {
  const broken: string[] = [];
  for (const { serviceAccount: name, roleArn } of associations) {
    const claim = claimOf(given, name, roleArn);
    // One that is there already, with that role, is given nothing.
    const kept = given.associated.some((one) => one.name === name && one.roleArn === roleArn);
    const could = podsMayUse(given.trust[roleArn]!, { namespace: NAMESPACE, name });
    if (!kept && !claim.association) broken.push(`${name} got ${roleArn}`);
    if (!could && !claim.repair) broken.push(`${roleArn} was opened for ${name}`);
  }
  // Whom a repair lets in: those alone that the rule lets it.
  for (const { roleArn, after } of trustRepairs)
    for (const namespace of [NAMESPACE, 'web'])
      for (const name of ALL_NAMES) {
        const use = { clusterArn: clusterArn(target), namespace, serviceAccount: name };
        const may = evaluatePodIdentity(parsePolicy(after, 'trust'), use).verdict === 'allowed';
        const could = podsMayUse(given.trust[roleArn]!, { namespace, name });
        if (may && !could && !(namespace === NAMESPACE && claimOf(given, name, roleArn).repair))
          broken.push(`${roleArn} was opened for ${namespace}/${name}`);
      }
  return broken;
};

it('no service account can use a role after a migration that the rule did not give it before', () => {
  const seen = { migrate: 0, repaired: 0, blocked: 0 };
  forAllIn(runs(250, 2500), world, (given) => {
    const plan = planOf(given);
    if (plan.verdict !== 'migrate') {
      seen.blocked += 1;
      return;
    }
    seen.migrate += 1;
    seen.repaired += plan.trustRepairs.length;
    expect(brokenBy(given, plan)).toEqual([]);
  });
  expect(seen.migrate).toBeGreaterThan(5);
  expect(seen.blocked).toBeGreaterThan(100);
});
