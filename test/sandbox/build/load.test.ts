import { readdirSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseScenario, readScenario } from '../../../sandbox/build/load.ts';
import { ACCOUNT, ROLE, scenarioFile } from '../support.ts';
import { type Change, changed, problemOf, type File, messageOf } from './problems.ts';

const SCENARIOS = new URL('../../../sandbox/scenarios', import.meta.url).pathname;
const OTHER_ROLE = 'arn:aws:iam::444455556666:role/r';
const READ_ONLY = 'arn:aws:iam::aws:policy/ReadOnlyAccess';
const OWN_POLICY = `arn:aws:iam::${ACCOUNT}:policy/archive`;
const policy = { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: 's3:*', Resource: '*' }] };
const role = (file: File, parts: object, index = 0): void => void Object.assign(file.accounts[0]!.roles[index]!, parts);

describe('parseScenario', () => {
  it('accepts a valid file, as text or as an object, and fills in the defaults', () => {
    const scenario = parseScenario(JSON.stringify(scenarioFile()), 'dev.json');
    expect(scenario).toEqual(parseScenario(scenarioFile(), 'dev.json'));
    expect(scenario).toMatchObject({ seed: 1, startAt: '2026-01-15T09:00:00.000Z', knobs: { iamLagSeconds: 10 } });
    expect(scenario.accounts[0]!.roles[0]).toMatchObject({ policies: [], attachedPolicies: [] });
  });

  it('accepts a trust policy that IAM would refuse: scenarios may test how the service handles it', () => {
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
    ['{\n  "accounts": nul\n}', 'line 2, column 15'],
    ['{"seed": 1,\n "knobs": {"keepIrsaRole": true, "keepIrsaRole": false}}', 'line 2, column 34'],
    ['{\n  "seed": 1,\n}', 'line 3, column 1'],
    ['{"seed": 1', 'line 1, column 11'],
    ['{"seed": 1} more', 'line 1, column 13'],
    ['', 'line 1, column 1'],
  ])('reports where %j stops being JSON', (text, location) =>
    expect(messageOf(text)).toMatch(
      new RegExp(`^The scenario dev\\.json is not JSON: ${location}: .+\\. Correct the file and start again\\.$`),
    ),
  );

  const notPrincipal = 'with NotPrincipal. Use Principal to list who may assume the role.';
  it.each<[statement: object, why: string]>([
    [{ Effect: 'Allow', NotPrincipal: { AWS: '*' } }, notPrincipal],
    [{ Effect: 'Deny', NotPrincipal: { AWS: '*' } }, notPrincipal],
    [{ Principal: '*' }, 'with "Principal": "*". Use "Principal": {"AWS": "*"}.'],
    [
      { Principal: { AWS: '*' }, NotAction: 's?s:AssumeRole' },
      'with a wildcard in the service of an action. Use the name of the service, such as sts.',
    ],
  ])('reports a trust policy with %j', (statement, why) => {
    const trustPolicy = { Statement: { Effect: 'Allow', Action: 'sts:AssumeRole', ...statement } };
    expect(problemOf((file) => role(file, { trustPolicy }))).toBe(
      `accounts[0].roles[0].trustPolicy: IAM does not accept a trust policy ${why}`,
    );
  });

  const problems: Record<string, Change | object> = {
    'accounts[0].clusters[0].version: is missing: must be of type string. Add it.': (file) =>
      delete (file.accounts[0]!.clusters[0]! as Partial<File['accounts'][0]['clusters'][0]>).version,
    'accounts[0].id: must be an AWS account id (12 digits); it is "12". Change it.': (file) =>
      (file.accounts[0]!.id = '12'),
    'knobs.createEndsIn: must be one of "ACTIVE"|"CREATE_FAILED"|"DEGRADED"; it is "DONE". Change it.': (file) =>
      (file['knobs'] = { createEndsIn: 'DONE' }),
    'accounts[0].clusters[0].addon: the field is unknown. Correct its spelling, or remove it.': (file) =>
      Object.assign(file.accounts[0]!.clusters[0]!, { addon: [] }),
    'accounts[0].roles[0].trustPolicy: must be a policy document: an object, or its JSON text. Add it.': (file) =>
      (file.accounts[0]!.roles[0]!.trustPolicy = 7),
    'accounts[0].roles[0].trustPolicy: the text is not JSON.': (file) =>
      (file.accounts[0]!.roles[0]!.trustPolicy = '{'),
    'accounts[0].roles[0].policies[0].document: IAM would refuse the policy: Statement[0].Resource is missing. Change it.':
      {
        policies: [
          { name: 'p', document: { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: 's3:*' }] } },
        ],
      },
    'accounts[0].roles[0].policies[0].document: the text is not JSON.': { policies: [{ name: 'p', document: '{' }] },
    'accounts[0].roles[0].policies[0].name: must be a policy name': { policies: [{ name: 'a/b', document: policy }] },
    'accounts[0].roles[0].policies[1].name: the policy p occurs twice': {
      policies: [
        { name: 'p', document: policy },
        { name: 'p', document: policy },
      ],
    },
    'accounts[0].roles[0].attachedPolicies[0].arn: must be the ARN of a managed policy': {
      attachedPolicies: [{ arn: 'ReadOnlyAccess' }],
    },
    [`accounts[0].roles[0].attachedPolicies[1].arn: the policy ${READ_ONLY} occurs twice`]: {
      attachedPolicies: [{ arn: READ_ONLY }, { arn: READ_ONLY }],
    },
    [`accounts[0].roles[0].attachedPolicies[0]: ${OWN_POLICY} is a customer managed policy. Add its document.`]: {
      attachedPolicies: [{ arn: OWN_POLICY }],
    },
    [`accounts[0].roles[0].attachedPolicies[0].arn: the policy belongs to account 444455556666, but its role to account ${ACCOUNT}.`]:
      { attachedPolicies: [{ arn: 'arn:aws:iam::444455556666:policy/p', document: policy }] },
    'accounts[0].roles[0].attachedPolicies[0].document: IAM would refuse the policy: Statement must have at least one statement. Change it.':
      { attachedPolicies: [{ arn: READ_ONLY, document: { Statement: [] } }] },
    [`accounts[0].roles[1].attachedPolicies[0].document: ${OWN_POLICY} has a different document than at ${ROLE}. Use the same document in both.`]:
      (file) => {
        file.accounts[0]!.roles.push({ ...file.accounts[0]!.roles[0]!, arn: `${ROLE}-2` });
        for (const [index, document] of [policy, { ...policy, Version: '2008-10-17' }].entries())
          role(file, { attachedPolicies: [{ arn: OWN_POLICY, document }] }, index);
      },
    [`accounts[0].roles[0].permissionsBoundary.arn: the policy belongs to account 444455556666, but its role to account ${ACCOUNT}.`]:
      { permissionsBoundary: { arn: 'arn:aws:iam::444455556666:policy/p', document: policy } },
    [`accounts[0].roles[0].permissionsBoundary: ${OWN_POLICY} is a customer managed policy. Add its document.`]: {
      permissionsBoundary: { arn: OWN_POLICY },
    },
    'accounts[0].roles[0].permissionsBoundary.document: the text is not JSON.': {
      permissionsBoundary: { arn: READ_ONLY, document: '{' },
    },
    'accounts[0].roles[0].permissionsBoundary.arn: must be the ARN of a managed policy': {
      permissionsBoundary: { arn: 'central' },
    },
    [`accounts[0].roles[0].permissionsBoundary.document: ${OWN_POLICY} has a different document than at ${ROLE}. Use the same document in both.`]:
      {
        attachedPolicies: [{ arn: OWN_POLICY, document: policy }],
        permissionsBoundary: { arn: OWN_POLICY, document: { ...policy, Version: '2008-10-17' } },
      },
    [`accounts[0].roles[0].arn: the role belongs to account 444455556666, but is listed in account ${ACCOUNT}.`]: (
      file,
    ) => (file.accounts[0]!.roles[0]!.arn = OTHER_ROLE),
    [`accounts[1].id: the account ${ACCOUNT} occurs twice (the other one is item 0 of the list, counted from 0).`]: (
      file,
    ) => file.accounts.push(structuredClone(file.accounts[0]!)),
    'accounts[0].roles[1].arn: the role name ebs-csi occurs twice': (file) =>
      file.accounts[0]!.roles.push({ ...file.accounts[0]!.roles[0]!, arn: ROLE.replace('/app/', '/') }),
    'accounts[0].clusters[1].name: the cluster dev in eu-west-1 occurs twice': (file) =>
      file.accounts[0]!.clusters.push(structuredClone(file.accounts[0]!.clusters[0]!)),
    [`home.account: the account 444455556666 does not exist. The scenario has: ${ACCOUNT}.`]: (file) =>
      (file['home'] = { account: '444455556666', region: 'eu-west-1' }),
    'catalogue[0].withdrawnVersions[0]: the catalogue has no version v9 of vpc-cni.': (file) =>
      (file['catalogue'] = [{ addon: 'vpc-cni', withdrawnVersions: ['v9'] }]),
    'accounts[0].disabledRegions[1]: the region us-east-1 is enabled in every account and cannot be disabled.': (
      file,
    ) => Object.assign(file.accounts[0]!, { disabledRegions: ['eu-south-1', 'us-east-1'] }),
    'accounts[0].disabledRegions[1]: the region eu-south-1 occurs twice': (file) =>
      Object.assign(file.accounts[0]!, { disabledRegions: ['eu-south-1', 'eu-south-1'] }),
    'accounts[0].disabledRegions[0]: the service itself is deployed in this region.': (file) => {
      file['home'] = { account: ACCOUNT, region: 'eu-south-1' };
      Object.assign(file.accounts[0]!, { disabledRegions: ['eu-south-1'] });
    },
    [`throttles[0].account: the account 444455556666 does not exist. The scenario has: ${ACCOUNT}.`]: (file) =>
      (file['throttles'] = [{ service: 'eks', account: '444455556666', callsPerSecond: 5 }]),
    'throttles[0].region: must be omitted for iam, which has no regions': (file) =>
      (file['throttles'] = [{ service: 'iam', region: 'eu-west-1', callsPerSecond: 5 }]),
  };
  it.each(Object.entries(problems))('reports %s', (line, change) =>
    expect(
      problemOf(typeof change === 'function' ? (change as Change) : (file) => role(file, change)).slice(0, line.length),
    ).toBe(line),
  );

  it('reports every problem at once', () => {
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

  it('reports what is wrong with a path', async () => {
    await expect(readScenario('/nowhere/dev.json')).rejects.toThrow(
      'The scenario /nowhere/dev.json cannot be read: the file does not exist.',
    );
    const directory = await mkdtemp(join(tmpdir(), 'scenario-'));
    await expect(readScenario(directory)).rejects.toThrow('the path is a directory. Pass the path of a JSON file.');
    const file = join(directory, 'bad.json');
    await writeFile(file, '{ "accounts": [] }');
    await expect(readScenario(file)).rejects.toThrow(`The scenario ${file} has a problem:\n  accounts: `);
    await rm(directory, { recursive: true });
  });
});
