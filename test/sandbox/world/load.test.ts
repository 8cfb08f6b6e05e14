import { readdirSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ScenarioError, parseScenario, readScenario } from '../../../sandbox/world/load.ts';
import { ACCOUNT, ROLE, scenarioFile } from '../support.ts';

const SCENARIOS = new URL('../../../sandbox/scenarios', import.meta.url).pathname;

type File = ReturnType<typeof scenarioFile>;

const messageOf = (json: unknown): string => {
  try {
    parseScenario(json, 'dev.json');
  } catch (error) {
    expect(error).toBeInstanceOf(ScenarioError);
    return (error as Error).message;
  }
  throw new Error('The scenario was taken.');
};

const changed = (change: (file: File & Record<string, unknown>) => void): File => {
  const file = scenarioFile();
  change(file);
  return file;
};

const OTHER_ROLE = 'arn:aws:iam::444455556666:role/r';
const association = {
  namespace: 'kube-system',
  serviceAccount: 'sa',
  roleArn: ROLE,
  createdAt: '2025-06-01T00:00:00.000Z',
};

const workload = { kind: 'Deployment', namespace: 'shop', name: 'checkout', createdAt: '2025-06-01T00:00:00.000Z' };
const adot = { name: 'adot', version: 'v0.109.0-eksbuild.2', createdAt: '2025-06-01T00:00:00.000Z' };
const collector = {
  apiVersion: 'opentelemetry.io/v1beta1',
  kind: 'OpenTelemetryCollector',
  plural: 'opentelemetrycollectors',
  namespace: 'shop',
  name: 'traces',
};
const clusterRole = { kind: 'ClusterRole', metadata: { name: 'reader' }, rules: [] };
const VIEW = 'arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy';
const READ_ONLY = 'arn:aws:iam::aws:policy/ReadOnlyAccess';
const OWN_POLICY = `arn:aws:iam::${ACCOUNT}:policy/archive`;
const policy = { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: 's3:*', Resource: '*' }] };
const role = (file: File, parts: object, index = 0): void => void Object.assign(file.accounts[0]!.roles[index]!, parts);
const add = (file: File, parts: object): void => void Object.assign(file.accounts[0]!.clusters[0]!, parts);
const extra = (file: File, variable: object): void =>
  void Object.assign(file.accounts[0]!.clusters[0]!.addons[0]!, { extraEnv: [variable] });
const modify = (file: File, ...fields: string[]): void =>
  void Object.assign(file.accounts[0]!.clusters[0]!.addons[0]!, {
    modifiedFields: fields.map((field) => ({ field, manager: 'helm' })),
  });

describe('parseScenario', () => {
  it('takes a good file, as text or as an object, and fills in the defaults', () => {
    const scenario = parseScenario(JSON.stringify(scenarioFile()), 'dev.json');
    expect(scenario).toEqual(parseScenario(scenarioFile(), 'dev.json'));
    expect(scenario).toMatchObject({ seed: 1, startAt: '2026-01-15T09:00:00.000Z', knobs: { iamLagSeconds: 10 } });
    expect(scenario.accounts[0]!.roles[0]).toMatchObject({ policies: [], attachedPolicies: [] });
  });

  it('takes a trust policy that IAM would not: what the service makes of it is what a scenario may be for', () => {
    for (const trustPolicy of [{ Statement: [] }, '[]', { Version: '1' }])
      expect(
        parseScenario(
          changed((file) => role(file, { trustPolicy })),
          'dev.json',
        ).accounts[0]!.roles[0]!.trustPolicy,
      ).toEqual(trustPolicy);
  });

  it.each([
    ['{\n  "accounts": [,]\n}', 'line 2, column 16'],
    ['{\n  "accounts": nul\n}', 'line 2, column 18'],
    ['{\n  "seed": 1,\n}', 'line 3, column 1'],
    ['{"seed": 1', 'line 1, column 11'],
    ['{"seed": 1} more', 'line 1, column 13'],
    ['', 'line 1, column 1'],
  ])('says where %j stops being JSON', (text, place) => {
    expect(messageOf(text)).toMatch(
      new RegExp(`^The scenario dev\\.json is not JSON: ${place}: .+\\. Correct that place and start again\\.$`),
    );
  });

  it.each<[string, (file: File & Record<string, unknown>) => void, string]>([
    [
      'a field that is missing',
      (file) => delete (file.accounts[0]!.clusters[0]! as Partial<File['accounts'][0]['clusters'][0]>).version,
      'accounts[0].clusters[0].version: is missing: must be of type string. Add it.',
    ],
    [
      'a value of a wrong form',
      (file) => (file.accounts[0]!.id = '12'),
      'accounts[0].id: must be an AWS account id (12 digits); it is "12". Change it.',
    ],
    [
      'a wrong choice',
      (file) => (file['knobs'] = { createEndsIn: 'DONE' }),
      'knobs.createEndsIn: must be one of "ACTIVE"|"CREATE_FAILED"|"DEGRADED"; it is "DONE". Change it.',
    ],
    [
      'an unknown field',
      (file) => Object.assign(file.accounts[0]!.clusters[0]!, { addon: [] }),
      'accounts[0].clusters[0].addon: there is no such field. Correct its spelling, or remove it.',
    ],
    [
      'a trust policy that is none',
      (file) => (file.accounts[0]!.roles[0]!.trustPolicy = 7),
      'accounts[0].roles[0].trustPolicy: must be a policy document: an object, or its JSON text. Add it.',
    ],
    [
      'a trust policy that is not JSON',
      (file) => (file.accounts[0]!.roles[0]!.trustPolicy = '{'),
      'accounts[0].roles[0].trustPolicy: the text is not JSON.',
    ],
    [
      'a policy that IAM would not take',
      (file) =>
        role(file, {
          policies: [
            { name: 'p', document: { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: 's3:*' }] } },
          ],
        }),
      'accounts[0].roles[0].policies[0].document: IAM would not take the policy: Statement[0].Resource is missing. Change it.',
    ],
    [
      'a policy that is not JSON',
      (file) => role(file, { policies: [{ name: 'p', document: '{' }] }),
      'accounts[0].roles[0].policies[0].document: the text is not JSON.',
    ],
    [
      'a policy name with a slash',
      (file) => role(file, { policies: [{ name: 'a/b', document: policy }] }),
      'accounts[0].roles[0].policies[0].name: must be a policy name',
    ],
    [
      'a policy twice',
      (file) =>
        role(file, {
          policies: [
            { name: 'p', document: policy },
            { name: 'p', document: policy },
          ],
        }),
      'accounts[0].roles[0].policies[1].name: the policy p is there twice',
    ],
    [
      'a managed policy that is none',
      (file) => role(file, { attachedPolicies: [{ arn: 'ReadOnlyAccess' }] }),
      'accounts[0].roles[0].attachedPolicies[0].arn: must be the ARN of a managed policy',
    ],
    [
      'a managed policy twice',
      (file) => role(file, { attachedPolicies: [{ arn: READ_ONLY }, { arn: READ_ONLY }] }),
      `accounts[0].roles[0].attachedPolicies[1].arn: the policy ${READ_ONLY} is there twice`,
    ],
    [
      'a managed policy of the account without a document',
      (file) => role(file, { attachedPolicies: [{ arn: OWN_POLICY }] }),
      `accounts[0].roles[0].attachedPolicies[0]: ${OWN_POLICY} is the account's own. Add its document.`,
    ],
    [
      'a managed policy of another account',
      (file) => role(file, { attachedPolicies: [{ arn: 'arn:aws:iam::444455556666:policy/p', document: policy }] }),
      `accounts[0].roles[0].attachedPolicies[0].arn: the policy is of account 444455556666, but its role of account ${ACCOUNT}.`,
    ],
    [
      'a managed policy that IAM would not take',
      (file) => role(file, { attachedPolicies: [{ arn: READ_ONLY, document: { Statement: [] } }] }),
      'accounts[0].roles[0].attachedPolicies[0].document: IAM would not take the policy: Statement must have at least one statement. Change it.',
    ],
    [
      'a managed policy that says something else at another role',
      (file) => {
        file.accounts[0]!.roles.push({ ...file.accounts[0]!.roles[0]!, arn: `${ROLE}-2` });
        for (const [index, document] of [policy, { ...policy, Version: '2008-10-17' }].entries())
          role(file, { attachedPolicies: [{ arn: OWN_POLICY, document }] }, index);
      },
      `accounts[0].roles[1].attachedPolicies[0].document: ${OWN_POLICY} says something else than it does at ${ROLE}. Make them equal.`,
    ],
    [
      'a boundary of another account',
      (file) => role(file, { permissionsBoundary: { arn: 'arn:aws:iam::444455556666:policy/p', document: policy } }),
      `accounts[0].roles[0].permissionsBoundary.arn: the policy is of account 444455556666, but its role of account ${ACCOUNT}.`,
    ],
    [
      'a boundary of the account without a document',
      (file) => role(file, { permissionsBoundary: { arn: OWN_POLICY } }),
      `accounts[0].roles[0].permissionsBoundary: ${OWN_POLICY} is the account's own. Add its document.`,
    ],
    [
      'a boundary that IAM would not take',
      (file) => role(file, { permissionsBoundary: { arn: READ_ONLY, document: '{' } }),
      'accounts[0].roles[0].permissionsBoundary.document: the text is not JSON.',
    ],
    [
      'a boundary that is no ARN',
      (file) => role(file, { permissionsBoundary: { arn: 'central' } }),
      'accounts[0].roles[0].permissionsBoundary.arn: must be the ARN of a managed policy',
    ],
    [
      'a boundary that says something else as a policy',
      (file) =>
        role(file, {
          attachedPolicies: [{ arn: OWN_POLICY, document: policy }],
          permissionsBoundary: { arn: OWN_POLICY, document: { ...policy, Version: '2008-10-17' } },
        }),
      `accounts[0].roles[0].permissionsBoundary.document: ${OWN_POLICY} says something else than it does at ${ROLE}. Make them equal.`,
    ],
    [
      'an unknown add-on',
      (file) => (file.accounts[0]!.clusters[0]!.addons[0]!.name = 'ebs'),
      "accounts[0].clusters[0].addons[0].name: the sandbox's catalogue has no add-on ebs. It has: ",
    ],
    [
      'an unknown version',
      (file) => (file.accounts[0]!.clusters[0]!.addons[0]!.version = 'v9'),
      'accounts[0].clusters[0].addons[0].version: the catalogue has no version v9 of aws-ebs-csi-driver. For Kubernetes 1.31 it has: v1.44.0-eksbuild.1, ',
    ],
    [
      'an owner that is not installed',
      (file) => file.accounts[0]!.clusters[0]!.associations.push({ ...association, owner: 'vpc-cni' }),
      'accounts[0].clusters[0].associations[0].owner: the add-on vpc-cni is not installed on cluster dev.',
    ],
    [
      'a role of another account',
      (file) => (file.accounts[0]!.roles[0]!.arn = OTHER_ROLE),
      `accounts[0].roles[0].arn: the role is of account 444455556666, but stands in account ${ACCOUNT}.`,
    ],
    [
      "an add-on's role of another account",
      (file) => (file.accounts[0]!.clusters[0]!.addons[0]!.serviceAccountRoleArn = OTHER_ROLE),
      'accounts[0].clusters[0].addons[0].serviceAccountRoleArn: the role is of account 444455556666',
    ],
    [
      'an account twice',
      (file) => file.accounts.push(structuredClone(file.accounts[0]!)),
      `accounts[1].id: the account ${ACCOUNT} is there twice (the other one is number 0 of the list, counted from 0).`,
    ],
    [
      'a role name twice',
      (file) => file.accounts[0]!.roles.push({ ...file.accounts[0]!.roles[0]!, arn: ROLE.replace('/app/', '/') }),
      'accounts[0].roles[1].arn: the role name ebs-csi is there twice',
    ],
    [
      'a cluster twice',
      (file) => file.accounts[0]!.clusters.push(structuredClone(file.accounts[0]!.clusters[0]!)),
      'accounts[0].clusters[1].name: the cluster dev in eu-west-1 is there twice',
    ],
    [
      'an add-on twice',
      (file) => file.accounts[0]!.clusters[0]!.addons.push({ ...file.accounts[0]!.clusters[0]!.addons[0]! }),
      'accounts[0].clusters[0].addons[1].name: the add-on aws-ebs-csi-driver is there twice',
    ],
    [
      'an association twice',
      (file) => file.accounts[0]!.clusters[0]!.associations.push(association, { ...association }),
      'accounts[0].clusters[0].associations[1]: the association of kube-system/sa is there twice',
    ],
    [
      'a home that is not there',
      (file) => (file['home'] = { account: '444455556666', region: 'eu-west-1' }),
      `home.account: there is no account 444455556666. The scenario has: ${ACCOUNT}.`,
    ],
    [
      'an unknown version withdrawn',
      (file) => (file['catalogue'] = [{ addon: 'vpc-cni', withdrawnVersions: ['v9'] }]),
      'catalogue[0].withdrawnVersions[0]: the catalogue has no version v9 of vpc-cni.',
    ],
    [
      'a session policy without disableSessionTags',
      (file) => file.accounts[0]!.clusters[0]!.associations.push({ ...association, policy: '{}' }),
      'accounts[0].clusters[0].associations[0].disableSessionTags: must be true where there is a policy',
    ],
    [
      'a session policy that is not JSON',
      (file) =>
        file.accounts[0]!.clusters[0]!.associations.push({ ...association, policy: '{', disableSessionTags: true }),
      'accounts[0].clusters[0].associations[0].policy: the text is not JSON.',
    ],
    [
      'a field of no form that EKS has',
      (file) => modify(file, '.spec.replicas'),
      'accounts[0].clusters[0].addons[0].modifiedFields[0].field: must name kind, object and field as EKS does in a conflict',
    ],
    [
      'a field of a workload that the add-on has not',
      (file) => modify(file, 'Deployment.apps ebs-csi - .spec.replicas'),
      'accounts[0].clusters[0].addons[0].modifiedFields[0].field: aws-ebs-csi-driver has no Deployment.apps ebs-csi. It has: Deployment.apps ebs-csi-controller, DaemonSet.apps ebs-csi-node.',
    ],
    [
      'a field twice',
      (file) => modify(file, 'ConfigMap c - .data.x', 'ConfigMap c - .data.x'),
      'accounts[0].clusters[0].addons[0].modifiedFields[1].field: the field ConfigMap c - .data.x is there twice',
    ],
    [
      'a workload of an unknown kind',
      (file) => add(file, { workloads: [{ ...workload, kind: 'Job' }] }),
      'accounts[0].clusters[0].workloads[0].kind: must be one of "Deployment"|"DaemonSet"|"StatefulSet"; it is "Job". Change it.',
    ],
    [
      'a workload that an add-on has',
      (file) => add(file, { workloads: [{ ...workload, namespace: 'kube-system', name: 'ebs-csi-controller' }] }),
      'accounts[0].clusters[0].workloads[0]: the add-on aws-ebs-csi-driver has a Deployment of that name.',
    ],
    [
      'replicas of a DaemonSet',
      (file) => add(file, { workloads: [{ ...workload, kind: 'DaemonSet', replicas: 2 }] }),
      'accounts[0].clusters[0].workloads[0].replicas: a DaemonSet has one pod on each node.',
    ],
    [
      'a paused StatefulSet',
      (file) => add(file, { workloads: [{ ...workload, kind: 'StatefulSet', paused: true }] }),
      "accounts[0].clusters[0].workloads[0].paused: a StatefulSet can't be paused.",
    ],
    [
      'OnDelete of a Deployment',
      (file) => add(file, { workloads: [{ ...workload, updateStrategy: 'OnDelete' }] }),
      'accounts[0].clusters[0].workloads[0].updateStrategy: a Deployment has no such strategy.',
    ],
    [
      'an update strategy that is the rule',
      (file) => add(file, { workloads: [{ ...workload, kind: 'DaemonSet', updateStrategy: 'RollingUpdate' }] }),
      'accounts[0].clusters[0].workloads[0].updateStrategy: ',
    ],
    [
      'a workload twice',
      (file) => add(file, { workloads: [workload, workload] }),
      'accounts[0].clusters[0].workloads[1]: the workload Deployment shop/checkout is there twice',
    ],
    [
      'a value of what the sandbox has not',
      (file) =>
        Object.assign(file.accounts[0]!.clusters[0]!.addons[0]!, {
          modifiedFields: [{ field: 'ConfigMap c - .data.x', manager: 'helm', value: 'y' }],
        }),
      'accounts[0].clusters[0].addons[0].modifiedFields[0].value: the sandbox has no ConfigMap c to set it in. Remove it.',
    ],
    [
      'nodes of Auto Mode in a cluster without',
      (file) => add(file, { nodes: [{ count: 1, compute: 'auto' }] }),
      'accounts[0].clusters[0].nodes[0].compute: the cluster has no Auto Mode.',
    ],
    [
      'Windows nodes on Auto Mode',
      (file) => add(file, { autoMode: true, nodes: [{ count: 1, os: 'windows' }] }),
      'accounts[0].clusters[0].nodes[0].os: there are no Windows nodes on Auto Mode.',
    ],
    [
      'Windows nodes on Fargate',
      (file) => add(file, { nodes: [{ count: 1, os: 'windows', compute: 'fargate' }] }),
      'accounts[0].clusters[0].nodes[0].os: there are no Windows nodes on fargate.',
    ],
    [
      'nodes of an unknown kind',
      (file) => add(file, { nodes: [{ count: 1, compute: 'moon' }] }),
      'accounts[0].clusters[0].nodes',
    ],
    [
      'Fargate profiles without nodes',
      (file) => add(file, { fargateProfiles: [{ name: 'p', namespace: 'shop' }] }),
      'accounts[0].clusters[0].fargateProfiles: no node is on Fargate. Add such a group to nodes',
    ],
    [
      'a Fargate profile twice',
      (file) =>
        add(file, {
          nodes: [{ count: 1, compute: 'fargate' }],
          fargateProfiles: [
            { name: 'p', namespace: 'a' },
            { name: 'p', namespace: 'b' },
          ],
        }),
      'accounts[0].clusters[0].fargateProfiles[1].name: the Fargate profile p is there twice',
    ],
    [
      'a variable of a workload that the add-on has not',
      (file) => extra(file, { workload: 'ebs', name: 'A', value: 'x' }),
      'accounts[0].clusters[0].addons[0].extraEnv[0].workload: aws-ebs-csi-driver has no workload ebs. It has: ebs-csi-controller, ebs-csi-node.',
    ],
    [
      'a variable of a container that the workload has not',
      (file) => extra(file, { workload: 'ebs-csi-node', container: 'csi-attacher', name: 'A', value: 'x' }),
      'accounts[0].clusters[0].addons[0].extraEnv[0].container: ebs-csi-node has no container csi-attacher. It has: ',
    ],
    [
      'a variable without a value',
      (file) => extra(file, { name: 'A' }),
      'accounts[0].clusters[0].addons[0].extraEnv[0]: A needs either a value or a secret. Add one of them.',
    ],
    [
      'a variable with value and secret',
      (file) => extra(file, { name: 'A', value: 'x', secret: { name: 's', key: 'k' } }),
      'accounts[0].clusters[0].addons[0].extraEnv[0]: A needs either a value or a secret. Remove one of them.',
    ],
    [
      "a workload's variable without a value",
      (file) =>
        add(file, { workloads: [{ ...workload, containers: [{ name: 'c', image: 'i', env: [{ name: 'A' }] }] }] }),
      'accounts[0].clusters[0].workloads[0].containers[0].env[0]: A needs either a value or a secret.',
    ],
    [
      'a variable with a bad name',
      (file) => extra(file, { name: '1A', value: 'x' }),
      'accounts[0].clusters[0].addons[0].extraEnv[0].name: must be the name of an environment variable',
    ],
    [
      'a custom resource without a group',
      (file) => add(file, { customResources: [{ ...collector, apiVersion: 'v1' }] }),
      'accounts[0].clusters[0].customResources[0].apiVersion: must be group and version, such as opentelemetry.io/v1beta1; it is "v1". Change it.',
    ],
    [
      'a custom resource of another kind',
      (file) => add(file, { addons: [adot], customResources: [{ ...collector, kind: 'Collector' }] }),
      'accounts[0].clusters[0].customResources[0].kind: opentelemetrycollectors.opentelemetry.io, as adot defines them, are of kind OpenTelemetryCollector. Change it.',
    ],
    [
      'a custom resource of another version',
      (file) => add(file, { addons: [adot], customResources: [{ ...collector, apiVersion: 'opentelemetry.io/v2' }] }),
      'accounts[0].clusters[0].customResources[0].apiVersion: opentelemetrycollectors.opentelemetry.io, as adot defines them, are served in opentelemetry.io/v1beta1, opentelemetry.io/v1alpha1. Change it.',
    ],
    [
      'a custom resource without a namespace',
      (file) => add(file, { addons: [adot], customResources: [{ ...collector, namespace: undefined }] }),
      'accounts[0].clusters[0].customResources[0].namespace: opentelemetrycollectors.opentelemetry.io, as adot defines them, have a namespace. Add it.',
    ],
    [
      'custom resources that are not alike',
      (file) => add(file, { customResources: [collector, { ...collector, name: 'other', namespace: undefined }] }),
      'accounts[0].clusters[0].customResources[1].namespace: opentelemetrycollectors.opentelemetry.io, as number 0 of the list has them, have a namespace. Add it.',
    ],
    [
      'a custom resource twice',
      (file) => add(file, { customResources: [collector, collector] }),
      'accounts[0].clusters[0].customResources[1]: the custom resource opentelemetrycollectors.opentelemetry.io shop/traces is there twice',
    ],
    ['a tag of AWS itself', (file) => add(file, { tags: { 'aws:x': 'y' } }), 'accounts[0].clusters[0].tags.aws:x: '],
    [
      'too many tags',
      (file) => add(file, { tags: Object.fromEntries(Array.from({ length: 51 }, (_, index) => [`t${index}`, ''])) }),
      'accounts[0].clusters[0].tags: must be 50 tags at most',
    ],
    [
      'an API server in an unknown state',
      (file) => add(file, { apiServer: 'slow' }),
      'accounts[0].clusters[0].apiServer: must be one of "reachable"|"unreachable"; it is "slow". Change it.',
    ],
    [
      'a region that can not be disabled',
      (file) => Object.assign(file.accounts[0]!, { disabledRegions: ['eu-south-1', 'us-east-1'] }),
      "accounts[0].disabledRegions[1]: every account has us-east-1, which can't be disabled.",
    ],
    [
      'a disabled region twice',
      (file) => Object.assign(file.accounts[0]!, { disabledRegions: ['eu-south-1', 'eu-south-1'] }),
      'accounts[0].disabledRegions[1]: the region eu-south-1 is there twice',
    ],
    [
      'a disabled region of the service',
      (file) => {
        file['home'] = { account: ACCOUNT, region: 'eu-south-1' };
        Object.assign(file.accounts[0]!, { disabledRegions: ['eu-south-1'] });
      },
      'accounts[0].disabledRegions[0]: the service itself is deployed there.',
    ],
    [
      'a throttle of an account that is not there',
      (file) => (file['throttles'] = [{ service: 'eks', account: '444455556666', callsPerSecond: 5 }]),
      `throttles[0].account: there is no account 444455556666. The scenario has: ${ACCOUNT}.`,
    ],
    [
      'a throttle of IAM in a region',
      (file) => (file['throttles'] = [{ service: 'iam', region: 'eu-west-1', callsPerSecond: 5 }]),
      'throttles[0].region: must be left out of a throttle of iam, which has no regions',
    ],
    [
      'an access entry of an assumed role',
      (file) => add(file, { accessEntries: [{ principalArn: 'arn:aws:sts::111122223333:assumed-role/r/s' }] }),
      'accounts[0].clusters[0].accessEntries[0].principalArn: must be the ARN of an IAM role or user',
    ],
    [
      'an access entry twice',
      (file) => add(file, { accessEntries: [{ principalArn: ROLE }, { principalArn: ROLE }] }),
      `accounts[0].clusters[0].accessEntries[1].principalArn: the access entry of ${ROLE} is there twice`,
    ],
    [
      "a node's access entry with groups",
      (file) => add(file, { accessEntries: [{ principalArn: ROLE, type: 'EC2_LINUX', kubernetesGroups: ['g'] }] }),
      'accounts[0].clusters[0].accessEntries[0].type: an entry of type EC2_LINUX is for nodes',
    ],
    [
      'an access policy that is none',
      (file) =>
        add(file, { accessEntries: [{ principalArn: ROLE, policies: [{ policyArn: 'AmazonEKSViewPolicy' }] }] }),
      'accounts[0].clusters[0].accessEntries[0].policies[0].policyArn: must be the ARN of an access policy',
    ],
    [
      'an access policy twice',
      (file) =>
        add(file, { accessEntries: [{ principalArn: ROLE, policies: [{ policyArn: VIEW }, { policyArn: VIEW }] }] }),
      `accounts[0].clusters[0].accessEntries[0].policies[1].policyArn: the access policy ${VIEW} is there twice`,
    ],
    [
      'a scope of an unknown type',
      (file) =>
        add(file, {
          accessEntries: [{ principalArn: ROLE, policies: [{ policyArn: VIEW, accessScope: { type: 'all' } }] }],
        }),
      'accounts[0].clusters[0].accessEntries[0].policies[0].accessScope.type: must be one of "cluster"|"namespace"; it is "all". Change it.',
    ],
    [
      'a scope without namespaces',
      (file) =>
        add(file, {
          accessEntries: [{ principalArn: ROLE, policies: [{ policyArn: VIEW, accessScope: { type: 'namespace' } }] }],
        }),
      'accounts[0].clusters[0].accessEntries[0].policies[0].accessScope.namespaces: is missing: must be of type array. Add it.',
    ],
    [
      'an RBAC object of an unknown kind',
      (file) => add(file, { rbac: [{ kind: 'ServiceAccount', metadata: { name: 'a' } }] }),
      'accounts[0].clusters[0].rbac[0].kind: must be one of "Role"|"ClusterRole"|"RoleBinding"|"ClusterRoleBinding"; it is "ServiceAccount". Change it.',
    ],
    [
      'a Role without a namespace',
      (file) => add(file, { rbac: [{ kind: 'Role', metadata: { name: 'a' }, rules: [] }] }),
      'accounts[0].clusters[0].rbac[0].metadata.namespace: is missing: must be of type string. Add it.',
    ],
    [
      'an RBAC object twice',
      (file) => add(file, { rbac: [clusterRole, clusterRole] }),
      'accounts[0].clusters[0].rbac[1].metadata.name: the ClusterRole reader is there twice',
    ],
  ])('says what is wrong with %s', (_what, change, line) => {
    const message = messageOf(changed(change));
    expect(message.split('\n')[0]).toMatch(/^The scenario dev\.json has a problem:$/);
    expect(message.split('\n')[1]?.slice(0, line.length + 2)).toBe(`  ${line}`);
  });

  it('names every problem at once', () => {
    const message = messageOf(
      changed((file) => {
        file.accounts[0]!.clusters[0]!.region = 'nowhere';
        file.accounts[0]!.clusters[0]!.nodes = -1;
      }),
    );
    expect(message).toContain('has 2 problems:');
    expect(message).toContain('accounts[0].clusters[0].region: must be an AWS region');
    expect(message).toContain('accounts[0].clusters[0].nodes: ');
  });
});

describe('readScenario', () => {
  it.each(readdirSync(SCENARIOS).filter((file) => file.endsWith('.json')))(
    'reads %s, which has a description and names the schema',
    async (file) => {
      const scenario = await readScenario(join(SCENARIOS, file));
      expect(scenario.description.length).toBeGreaterThan(40);
      expect(join(SCENARIOS, scenario.$schema!)).toBe(join(SCENARIOS, '..', 'scenario.schema.json'));
    },
  );

  it('says what is wrong with a path', async () => {
    await expect(readScenario('/nowhere/dev.json')).rejects.toThrow(
      "The scenario /nowhere/dev.json can't be read: there is no such file.",
    );
    const directory = await mkdtemp(join(tmpdir(), 'scenario-'));
    await expect(readScenario(directory)).rejects.toThrow('that is a directory. Give the path of a JSON file.');
    const file = join(directory, 'bad.json');
    await writeFile(file, '{ "accounts": [] }');
    await expect(readScenario(file)).rejects.toThrow(`The scenario ${file} has a problem:\n  accounts: `);
    await rm(directory, { recursive: true });
  });
});
