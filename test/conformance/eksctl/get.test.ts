/** The pure parts of the comparison of eksctl's reads. */
import { describe, expect, it } from 'vitest';
import { readingsOf, refusalsOf } from '../../../conformance/eksctl/get/commands.ts';
import { fieldsOf, under } from '../../../conformance/eksctl/get/facts.ts';
import { rowsOf } from '../../../conformance/eksctl/get/table.ts';
import { addonDocuments, associationDocuments, isNewer } from '../../../conformance/eksctl/get/world.ts';
import { buildWorld, readScenario } from '../../../sandbox/build/load.ts';
import { findCluster } from '../../../sandbox/world/world.ts';

it('facts name each field of a document, and the elements of its lists', () => {
  const facts = fieldsOf([
    { Name: 'b', Region: 'eu-west-1', Tags: { team: 'x' }, Ids: ['2', '1'], None: null, Empty: [] },
    { Name: 'a', Region: 'eu-west-1', CreatedAt: '2026-01-15T09:00:00Z', Inner: [{ Code: 'C', Message: '' }] },
  ]);
  expect([...facts]).toEqual([
    ['names', 'eu-west-1 a, eu-west-1 b'],
    ['eu-west-1 b Name', 'b'],
    ['eu-west-1 b Region', 'eu-west-1'],
    ['eu-west-1 b Tags team', 'x'],
    ['eu-west-1 b Ids', '2, 1'],
    ['eu-west-1 a Name', 'a'],
    ['eu-west-1 a Region', 'eu-west-1'],
    ['eu-west-1 a CreatedAt', '2026-01-15T09:00:00.000Z'],
    ['eu-west-1 a Inner names', 'C'],
    ['eu-west-1 a Inner C Code', 'C'],
    ['eu-west-1 a Inner C Message', ''],
  ]);
  expect([[...under('get', fieldsOf([]))], [...under('get', fieldsOf({ A: 1 }))]]).toEqual([[], [['get: A', '1']]]);
});

it('tables have cells between tabs, also empty ones', () => {
  const text = [
    '2026-11-29 13:14:21 [ℹ]  getting all addons',
    'NAME\t\tVERSION\tSECURITYGROUPS\tPROVIDER',
    'reliability-dev\t1.31\t\t\tEKS',
    'dev\t\t1.31\tsg-1\t\tEKS',
    '',
  ].join('\n');
  expect(rowsOf(text)).toEqual([
    { NAME: 'reliability-dev', VERSION: '1.31', SECURITYGROUPS: '', PROVIDER: 'EKS' },
    { NAME: 'dev', VERSION: '1.31', SECURITYGROUPS: 'sg-1', PROVIDER: 'EKS' },
  ]);
  expect(rowsOf('')).toEqual([]);
});

describe('what the world requires', () => {
  it.each([
    ['v1.38.1-eksbuild.2', 'v1.38.1-eksbuild.1', true],
    ['v1.38.1-eksbuild.1', 'v1.38.1-eksbuild.1', false],
    ['v1.9.0-eksbuild.1', 'v1.10.0-eksbuild.1', false],
    ['v2.0.0-eksbuild.1', 'v1.10.0-eksbuild.9', true],
  ])('%s is newer than %s: %s', (version, than, newer) => expect(isNewer(version, than)).toBe(newer));

  it('are the add-ons with the associations that they own, and all associations', async () => {
    const world = buildWorld(await readScenario('sandbox/scenarios/fsx-csi-irsa.json'));
    const cluster = findCluster(world, '111122223333', 'us-west-2', 'hpc-prod')!;
    const [owned] = associationDocuments(cluster).filter(({ OwnerARN }) => OwnerARN !== '');
    const addon = addonDocuments(world, cluster).find(({ Name }) => Name === 'aws-fsx-csi-driver')!;
    expect(addon.PodIdentityAssociations).toEqual([
      {
        AssociationID: owned!.AssociationARN.split('/').at(-1),
        Namespace: 'kube-system',
        ServiceAccount: owned!.ServiceAccountName,
        RoleARN: owned!.RoleARN,
      },
    ]);
    expect(addon.NewerVersion).not.toContain(addon.Version);
    const readings = readingsOf(world, cluster);
    expect(readings.map(({ title }) => title)).toEqual([
      'get cluster',
      'get cluster --all-regions',
      'get cluster --name',
      'get addon',
      'get podidentityassociation',
    ]);
    for (const { rows, document } of readings) expect(rows()).toHaveLength(document().length);
    for (const { error } of refusalsOf(cluster)) expect(error).toContain('StatusCode: 404');
  });
});
