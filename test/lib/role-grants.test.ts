/** The setting `roleGrants`, from the file to the layer. */
import { describe, expect, it } from 'vitest';
import { deploymentSettings } from '../../lambdas/domain/settings/deployment.ts';
import { deploymentSettingsOf } from '../../lib/settings-layer.ts';
import { configFiles, ROLES } from './config-files.ts';

const { read, refusal } = configFiles();
const GRANT = {
  roles: ['role/eks-addons/dns', 'arn:aws:iam::222233334444:role/dns-*'],
  clusters: ['cluster/prod-*', 'arn:aws:eks:eu-*:111122223333:cluster/edge'],
  serviceAccounts: ['external-dns/external-dns', 'team-?/*'],
};

describe('roleGrants', () => {
  it('ship in the layer, roles of the own account by their path', () => {
    const config = read({ ...ROLES, roleGrants: [GRANT] });
    const layer = deploymentSettingsOf(config);
    expect([layer.roleGrants, deploymentSettings.parse(JSON.parse(JSON.stringify(layer)))]).toEqual([[GRANT], layer]);
    expect(deploymentSettingsOf(read(ROLES))).not.toHaveProperty('roleGrants');
  });

  it.each<[string, object, RegExp]>([
    [
      'without clusters',
      { roles: GRANT.roles, serviceAccounts: GRANT.serviceAccounts },
      /roleGrants\.0\.clusters.*must name clusters/,
    ],
    ['of no role', { ...GRANT, roles: [] }, /roleGrants\.0\.roles.*must name roles/],
    ['of every role', { ...GRANT, roles: ['role/*'] }, /roleGrants\.0\.roles\.0.*matches every role/],
    [
      'for every namespace',
      { ...GRANT, serviceAccounts: ['*/agent'] },
      /serviceAccounts\.0.*the namespace must have a letter or digit/,
    ],
    ['for no namespace', { ...GRANT, serviceAccounts: ['agent'] }, /serviceAccounts\.0.*namespace before name/],
    [
      'of clusters in every account',
      { ...GRANT, clusters: ['arn:aws:eks:eu-west-1:*:cluster/prod'] },
      /clusters\.0.*must be the ARN of a cluster/,
    ],
    ['of a cluster that is a name alone', { ...GRANT, clusters: ['prod'] }, /clusters\.0.*cluster\/prod/],
    ['with a field more', { ...GRANT, namespaces: ['x'] }, /roleGrants\.0.*namespaces/],
  ])('%s are refused, with where and what to write', (_, grant, message) =>
    expect(refusal({ ...ROLES, roleGrants: [grant] }).join('\n')).toMatch(message),
  );
  it('as text are refused', () =>
    expect(refusal({ ...ROLES, roleGrants: 'role/x' }).join('\n')).toMatch(/roleGrants.*must be a list of entries/));
  it('on the command line are sent to the file', () =>
    expect(refusal(ROLES, { roleGrants: 'role/x' }).join('\n')).toMatch(/roleGrants.*only in the configuration file/));
});
