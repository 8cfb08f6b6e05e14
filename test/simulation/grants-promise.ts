/**
 * The promise about which service accounts are granted a role, computed from the state before the run and independent
 * of the service's own evaluation.
 */
import { clusterArn, oidcProviderArn } from '../../lambdas/domain/aws/arn.ts';
import type { MigrationRequest } from '../../lambdas/domain/request/request.ts';
import { evaluateIrsa, evaluatePodIdentity, parsePolicy, type TrustUse } from '../../lambdas/domain/policy/index.ts';
import { isObject } from '../../sandbox/json.ts';
import type { Call } from '../../sandbox/calls/call-log.ts';
import { inputOf } from './calls.ts';
import { allMigrations, changes, effective, migrationOf } from './observe.ts';
import { about, type Promised } from './promised.ts';
import type { RunResult } from './run.ts';

interface Pair {
  namespace: string;
  serviceAccount: string;
  roleArn: string;
  /** The association is passed to an add-on, which accepts only its own service accounts. */
  isOfAddon: boolean;
}

const textsOf = (value: unknown): string[] => [value ?? []].flat().map(String);

/** Returns the grants that a call of a workflow step makes. A rollback only restores what existed before. */
const givenBy = (call: Call, { addon }: MigrationRequest, { before }: RunResult): Pair[] => {
  const input = inputOf(call);
  if (call.operation === 'CreatePodIdentityAssociation' && call.step === 'create-association') {
    const { namespace, serviceAccount, roleArn } = input;
    return [
      {
        namespace: String(namespace),
        serviceAccount: String(serviceAccount),
        roleArn: String(roleArn),
        isOfAddon: false,
      },
    ];
  }
  if (call.step !== 'update-addon' && call.step !== 'create-addon') return [];
  const namespace = before.addons.get(addon ?? '')?.namespace ?? '';
  return [input['podIdentityAssociations'] ?? []]
    .flat()
    .filter(isObject)
    .map((one) => ({
      namespace,
      serviceAccount: String(one['serviceAccount']),
      roleArn: String(one['roleArn']),
      isOfAddon: true,
    }));
};

interface Claims {
  irsa: boolean;
  association: boolean;
  addonRole: boolean;
  podIdentity: boolean;
  isNew: boolean;
}

/** Evaluates each ground on the state before the run; the sandbox's deployment has no `roleGrants`. */
const claimsOf = (result: RunResult, { target, addon }: MigrationRequest, pair: Pair): Claims => {
  const { before, cluster } = result;
  const { namespace, serviceAccount, roleArn, isOfAddon } = pair;
  const issuer = cluster.oidcIssuer;
  const policy = parsePolicy(before.trustPolicies.get(roleArn) ?? '', 'trust');
  const use: TrustUse = {
    clusterArn: clusterArn(target),
    namespace,
    serviceAccount,
    ...(issuer === undefined ? {} : { oidcIssuer: issuer }),
  };
  const pods = (change: Partial<TrustUse>): string => evaluatePodIdentity(policy, { ...use, ...change }).verdict;
  const addonRole = before.addons.get(addon ?? '')?.serviceAccountRoleArn;
  const annotated = before.annotations.get(`${namespace}/${serviceAccount}`);
  const association = [...before.associations.values()].some(
    (one) => one.namespace === namespace && one.serviceAccount === serviceAccount && one.roleArn === roleArn,
  );
  const ownRole = addon === undefined ? annotated : addonRole;
  return {
    irsa:
      issuer !== undefined &&
      before.oidcProviders.has(oidcProviderArn(target, issuer)) &&
      evaluateIrsa(policy, use).verdict === 'allowed',
    association,
    addonRole: isOfAddon && addonRole === roleArn && annotated === roleArn,
    podIdentity:
      pods({}) === 'allowed' &&
      pods({ namespace: 'elsewhere' }) === 'denied' &&
      pods({ serviceAccount: 'another' }) === 'denied' &&
      // A policy variable may compare the two.
      pods({ namespace: 'another', serviceAccount: serviceAccount.replace(namespace, 'another') }) === 'denied' &&
      pods({ clusterArn: clusterArn({ ...target, cluster: 'another' }) }) === 'denied',
    isNew: roleArn !== ownRole && !association,
  };
};

const mayBeGiven = ({ irsa, association, addonRole, podIdentity, isNew }: Claims): boolean =>
  podIdentity || (!isNew && (irsa || association || addonRole));

/** Returns the service accounts that new statements allow; `undefined` if one of these statements names none. */
const allowedBy = (call: Call, { target }: MigrationRequest, { before }: RunResult): Pair[] | undefined => {
  const role = [...before.trustPolicies.keys()].find((arn) => arn.endsWith(`/${String(inputOf(call)['RoleName'])}`));
  const statements = (text: string): unknown[] => {
    const document: unknown = JSON.parse(text);
    return isObject(document) ? [document['Statement']].flat() : [];
  };
  const had = new Set(statements(before.trustPolicies.get(role ?? '') ?? '{}').map((one) => JSON.stringify(one)));
  const added = statements(String(inputOf(call)['PolicyDocument']))
    .filter((one) => !had.has(JSON.stringify(one)) && JSON.stringify(one).includes('pods.eks.amazonaws.com'))
    .filter(isObject);
  const pairs = added.map((statement) => {
    const conditions = Object.values(isObject(statement['Condition']) ? statement['Condition'] : {}).filter(isObject);
    const valuesOf = (key: string): string[] => conditions.flatMap((one) => textsOf(one[key]));
    if (!valuesOf('aws:SourceArn').includes(clusterArn(target))) return [];
    return valuesOf('aws:RequestTag/kubernetes-namespace').flatMap((namespace) =>
      valuesOf('aws:RequestTag/kubernetes-service-account').map((serviceAccount) => ({
        namespace,
        serviceAccount,
        roleArn: role ?? '',
        isOfAddon: false,
      })),
    );
  });
  return pairs.some((one) => one.length === 0) ? undefined : pairs.flat();
};

const text = ({ namespace, serviceAccount, roleArn }: Pair): string => `${roleArn} to ${namespace}/${serviceAccount}`;

export const rolesAreGranted: Promised = {
  name: 'roles-are-granted',
  statement:
    "Role R may be granted to subject S (cluster, namespace, service account) only if, on fresh facts and without the request's accepted keys: (1) R's IRSA trust is `allowed` for S under this cluster's current issuer, whose provider exists (wildcards count, with a warning); or (2) an association S→R exists that no unfinished migration created; or (3) R is the add-on's IRSA role and S's service account is one of that add-on's and annotated with it; or (4) R's trust allows pods.eks for S and denies it when namespace, service account, cluster or several of them are exchanged, and names them without a policy variable; or (5) the deployment's setting `roleGrants` (roles, clusters, service accounts) names it. `unknown` blocks. New roles by `roleArn`, and add-ons on the node role, need (4) or (5). A trust repair needs (1), (2) or (5), and its statement names cluster, namespace and service account; with session tags disabled it needs (5). An annotation alone is not evidence: anyone who may edit a service account can write it.",
  broken: (result) => {
    const problems: string[] = [];
    for (const call of effective(changes(result))) {
      const migrationId = migrationOf(result, call.execution);
      const request = allMigrations(result).find((one) => one.migrationId === migrationId)?.request;
      if (!request) continue;
      for (const pair of givenBy(call, request, result))
        if (!mayBeGiven(claimsOf(result, request, pair)))
          problems.push(`${about(call)} granted ${text(pair)} without any ground for it`);
      if (call.operation !== 'UpdateAssumeRolePolicy' || call.step !== 'repair-trust') continue;
      const allowed = allowedBy(call, request, result);
      if (!allowed) problems.push(`${about(call)} allowed principals other than the service accounts that it names`);
      for (const pair of allowed ?? []) {
        const { irsa, association } = claimsOf(result, request, pair);
        if (!irsa && !association) problems.push(`${about(call)} allowed ${text(pair)} without any ground for it`);
      }
    }
    return problems;
  },
};
