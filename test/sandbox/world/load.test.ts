import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ScenarioError, parseScenario, readScenario } from '../../../sandbox/world/load.ts';
import { ACCOUNT, ROLE, scenarioFile } from '../support.ts';

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
const association = { namespace: 'kube-system', serviceAccount: 'sa', roleArn: ROLE, createdAt: '2025-06-01T00:00:00.000Z' };

describe('parseScenario', () => {
  it('takes a good file, as text or as an object, and fills in the defaults', () => {
    const scenario = parseScenario(JSON.stringify(scenarioFile()), 'dev.json');
    expect(scenario).toEqual(parseScenario(scenarioFile(), 'dev.json'));
    expect(scenario).toMatchObject({ seed: 1, startAt: '2026-01-15T09:00:00.000Z', knobs: { iamLagSeconds: 10 } });
  });

  it.each([
    ['{\n  "accounts": [,]\n}', 'line 2, column 16'],
    ['{\n  "accounts": nul\n}', 'line 2, column 18'],
    ['{\n  "seed": 1,\n}', 'line 3, column 1'],
    ['{"seed": 1', 'line 1, column 11'],
    ['{"seed": 1} more', 'line 1, column 13'],
    ['', 'line 1, column 1'],
  ])('says where %j stops being JSON', (text, place) => {
    expect(messageOf(text)).toMatch(new RegExp(`^The scenario dev\\.json is not JSON: ${place}: .+\\. Correct that place and start again\\.$`));
  });

  it.each<[string, (file: File & Record<string, unknown>) => void, string]>([
    ['a field that is missing', (file) => delete (file.accounts[0]!.clusters[0]! as Partial<File['accounts'][0]['clusters'][0]>).version, 'accounts[0].clusters[0].version: is missing: must be of type string. Add it.'],
    ['a value of a wrong form', (file) => (file.accounts[0]!.id = '12'), 'accounts[0].id: must be an AWS account id (12 digits); it is "12". Change it.'],
    ['a wrong choice', (file) => (file['knobs'] = { createEndsIn: 'DONE' }), 'knobs.createEndsIn: must be one of "ACTIVE"|"CREATE_FAILED"|"DEGRADED"; it is "DONE". Change it.'],
    ['an unknown field', (file) => Object.assign(file.accounts[0]!.clusters[0]!, { addon: [] }), 'accounts[0].clusters[0].addon: there is no such field. Correct its spelling, or remove it.'],
    ['a trust policy that is none', (file) => (file.accounts[0]!.roles[0]!.trustPolicy = 7), 'accounts[0].roles[0].trustPolicy: must be a policy document: an object, or its JSON text. Add it.'],
    ['a trust policy that is not JSON', (file) => (file.accounts[0]!.roles[0]!.trustPolicy = '{'), 'accounts[0].roles[0].trustPolicy: the text is not JSON.'],
    ['an unknown add-on', (file) => (file.accounts[0]!.clusters[0]!.addons[0]!.name = 'ebs'), "accounts[0].clusters[0].addons[0].name: the sandbox's catalogue has no add-on ebs. It has: "],
    ['an unknown version', (file) => (file.accounts[0]!.clusters[0]!.addons[0]!.version = 'v9'), 'accounts[0].clusters[0].addons[0].version: the catalogue has no version v9 of aws-ebs-csi-driver. For Kubernetes 1.31 it has: v1.44.0-eksbuild.1, '],
    ['an owner that is not installed', (file) => file.accounts[0]!.clusters[0]!.associations.push({ ...association, owner: 'vpc-cni' }), 'accounts[0].clusters[0].associations[0].owner: the add-on vpc-cni is not installed on cluster dev.'],
    ['a role of another account', (file) => (file.accounts[0]!.roles[0]!.arn = OTHER_ROLE), `accounts[0].roles[0].arn: the role is of account 444455556666, but stands in account ${ACCOUNT}.`],
    ["an add-on's role of another account", (file) => (file.accounts[0]!.clusters[0]!.addons[0]!.serviceAccountRoleArn = OTHER_ROLE), 'accounts[0].clusters[0].addons[0].serviceAccountRoleArn: the role is of account 444455556666'],
    ['an account twice', (file) => file.accounts.push(structuredClone(file.accounts[0]!)), `accounts[1].id: the account ${ACCOUNT} is there twice (the other one is number 0 of the list, counted from 0).`],
    ['a role name twice', (file) => file.accounts[0]!.roles.push({ ...file.accounts[0]!.roles[0]!, arn: ROLE.replace('/app/', '/') }), 'accounts[0].roles[1].arn: the role name ebs-csi is there twice'],
    ['a cluster twice', (file) => file.accounts[0]!.clusters.push(structuredClone(file.accounts[0]!.clusters[0]!)), 'accounts[0].clusters[1].name: the cluster dev in eu-west-1 is there twice'],
    ['an add-on twice', (file) => file.accounts[0]!.clusters[0]!.addons.push({ ...file.accounts[0]!.clusters[0]!.addons[0]! }), 'accounts[0].clusters[0].addons[1].name: the add-on aws-ebs-csi-driver is there twice'],
    ['an association twice', (file) => file.accounts[0]!.clusters[0]!.associations.push(association, { ...association }), 'accounts[0].clusters[0].associations[1]: the association of kube-system/sa is there twice'],
    ['a home that is not there', (file) => (file['home'] = { account: '444455556666', region: 'eu-west-1' }), `home.account: there is no account 444455556666. The scenario has: ${ACCOUNT}.`],
    ['an unknown version withdrawn', (file) => (file['catalogue'] = [{ addon: 'vpc-cni', withdrawnVersions: ['v9'] }]), 'catalogue[0].withdrawnVersions[0]: the catalogue has no version v9 of vpc-cni.'],
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
  it('reads the scenarios that come along', async () => {
    const scenario = await readScenario(new URL('../../../sandbox/scenarios/ebs-csi-irsa.json', import.meta.url).pathname);
    expect(scenario.accounts[0]?.clusters[0]?.name).toBe('reliability-dev');
  });

  it('says what is wrong with a path', async () => {
    await expect(readScenario('/nowhere/dev.json')).rejects.toThrow("The scenario /nowhere/dev.json can't be read: there is no such file.");
    const directory = await mkdtemp(join(tmpdir(), 'scenario-'));
    await expect(readScenario(directory)).rejects.toThrow('that is a directory. Give the path of a JSON file.');
    const file = join(directory, 'bad.json');
    await writeFile(file, '{ "accounts": [] }');
    await expect(readScenario(file)).rejects.toThrow(`The scenario ${file} has a problem:\n  accounts: `);
    await rm(directory, { recursive: true });
  });
});
