/** Reads a cluster from EKS. */
import {
  type AddonInfo,
  DescribeAccessEntryCommand,
  DescribeAddonCommand,
  DescribeAddonConfigurationCommand,
  DescribeClusterCommand,
  DescribeFargateProfileCommand,
  DescribePodIdentityAssociationCommand,
  paginateDescribeAddonVersions,
  paginateListAccessEntries,
  paginateListAddons,
  paginateListAssociatedAccessPolicies,
  paginateListCapabilities,
  paginateListFargateProfiles,
  paginateListPodIdentityAssociations,
} from '@aws-sdk/client-eks';
import { aws, awsOrUndefined } from '../../lambdas/adapters/aws-errors.ts';
import { AGENT_ADDON } from '../../lambdas/domain/addons/registry.ts';
import type { Reader } from './reader.ts';
import type { AddonAnswers, EksAnswers, EntryAnswers } from './recording.ts';

/** Reads all pages of a list. */
const pages = async <Page, Item>(list: AsyncIterable<Page>, itemsOf: (page: Page) => Item[] | undefined) => {
  const all: Item[] = [];
  for await (const page of list) all.push(...(itemsOf(page) ?? []));
  return all;
};

/** Describes each of the names; what was deleted in the meantime is left out. */
const each = async <Name, T>(
  reader: Reader,
  action: string,
  names: readonly Name[],
  describe: (name: Name) => Promise<T | undefined>,
): Promise<T[]> => {
  const found: T[] = [];
  for (const name of names) {
    const one = await reader.call(action, () => awsOrUndefined(`${action} ${String(name)}`, () => describe(name)));
    if (one !== undefined) found.push(one);
  }
  return found;
};

const readVersions = (reader: Reader, addonName: string, kubernetesVersion: string): Promise<AddonInfo | undefined> =>
  reader.attempt(
    `the versions of ${addonName}`,
    'the versions of the sandbox are used, if it knows the add-on',
    undefined,
    () =>
      reader.call('eks:DescribeAddonVersions', async () => {
        const found = await aws(`eks:DescribeAddonVersions ${addonName}`, () =>
          pages(
            paginateDescribeAddonVersions({ client: reader.eks }, { addonName, kubernetesVersion }),
            (page) => page.addons,
          ),
        );
        const [first] = found;
        return first && { ...first, addonVersions: found.flatMap(({ addonVersions = [] }) => addonVersions) };
      }),
  );

/** Reads what EKS answers about an add-on: the installed version, and the one that EKS would install. */
const readAddon = async (reader: Reader, name: string, kubernetesVersion: string): Promise<AddonAnswers> => {
  const { target, eks } = reader;
  const addon = await reader.call('eks:DescribeAddon', async () => {
    const input = { clusterName: target.cluster, addonName: name };
    return (await awsOrUndefined(`eks:DescribeAddon ${name}`, () => eks.send(new DescribeAddonCommand(input))))?.addon;
  });
  const offered = await readVersions(reader, name, kubernetesVersion);
  const versions = offered?.addonVersions ?? [];
  const usual = versions.find(({ compatibilities = [] }) =>
    compatibilities.some(({ defaultVersion }) => defaultVersion),
  );
  const wanted = [addon?.addonVersion, usual?.addonVersion, versions[0]?.addonVersion];
  const configurations: AddonAnswers['configurations'] = new Map();
  for (const addonVersion of new Set(wanted.filter((one) => one !== undefined))) {
    const input = { addonName: name, addonVersion };
    const answer = await reader.attempt(
      `the configuration of ${name} ${addonVersion}`,
      'no service account of that version supports an association',
      undefined,
      () =>
        reader.call('eks:DescribeAddonConfiguration', () =>
          aws(`eks:DescribeAddonConfiguration ${name} ${addonVersion}`, () =>
            eks.send(new DescribeAddonConfigurationCommand(input)),
          ),
        ),
    );
    if (answer) configurations.set(addonVersion, answer);
  }
  return { name, configurations, ...(addon ? { addon } : {}), ...(offered ? { offered } : {}) };
};

const readEntry = async (reader: Reader, principalArn: string): Promise<EntryAnswers | undefined> => {
  const { eks, target } = reader;
  const input = { clusterName: target.cluster, principalArn };
  const answer = await reader.call('eks:DescribeAccessEntry', () =>
    awsOrUndefined(`eks:DescribeAccessEntry ${principalArn}`, () => eks.send(new DescribeAccessEntryCommand(input))),
  );
  if (!answer?.accessEntry) return undefined;
  const policies = await reader.call('eks:ListAssociatedAccessPolicies', () =>
    aws(`eks:ListAssociatedAccessPolicies ${principalArn}`, () =>
      pages(paginateListAssociatedAccessPolicies({ client: eks }, input), (page) => page.associatedAccessPolicies),
    ),
  );
  return { entry: answer.accessEntry, policies };
};

const readEntries = (reader: Reader): Promise<EntryAnswers[] | undefined> =>
  reader.attempt(
    'the access entries',
    'the rehearsal assumes nodes with the usual role, and nobody else with access',
    undefined,
    async () => {
      const arns = await reader.call('eks:ListAccessEntries', () =>
        aws('eks:ListAccessEntries', () =>
          pages(
            paginateListAccessEntries({ client: reader.eks }, { clusterName: reader.target.cluster }),
            (page) => page.accessEntries,
          ),
        ),
      );
      const entries: EntryAnswers[] = [];
      for (const arn of arns) {
        const entry = await readEntry(reader, arn);
        if (entry) entries.push(entry);
      }
      return entries;
    },
  );

const readAssociations = (reader: Reader): Promise<EksAnswers['associations']> => {
  const { eks, target } = reader;
  const { cluster: clusterName } = target;
  return reader.attempt('the Pod Identity associations', 'the rehearsal has none', [], async () => {
    const ids = await reader.call('eks:ListPodIdentityAssociations', () =>
      aws('eks:ListPodIdentityAssociations', () =>
        pages(paginateListPodIdentityAssociations({ client: eks }, { clusterName }), (page) =>
          (page.associations ?? []).flatMap(({ associationId }) => associationId ?? []),
        ),
      ),
    );
    return each(
      reader,
      'eks:DescribePodIdentityAssociation',
      ids,
      async (associationId) =>
        (await eks.send(new DescribePodIdentityAssociationCommand({ clusterName, associationId }))).association,
    );
  });
};

const readFargateProfiles = (reader: Reader): Promise<EksAnswers['fargateProfiles']> => {
  const { eks, target } = reader;
  const { cluster: clusterName } = target;
  return reader.attempt('the Fargate profiles', 'no pod of the rehearsal runs on Fargate', [], async () => {
    const names = await reader.call('eks:ListFargateProfiles', () =>
      aws('eks:ListFargateProfiles', () =>
        pages(paginateListFargateProfiles({ client: eks }, { clusterName }), (page) => page.fargateProfileNames),
      ),
    );
    return each(
      reader,
      'eks:DescribeFargateProfile',
      names,
      async (fargateProfileName) =>
        (await eks.send(new DescribeFargateProfileCommand({ clusterName, fargateProfileName }))).fargateProfile,
    );
  });
};

const readCapabilities = (reader: Reader): Promise<EksAnswers['capabilities']> =>
  reader.attempt('the EKS capabilities', 'the rehearsal has none', [], () =>
    reader.call('eks:ListCapabilities', () =>
      aws('eks:ListCapabilities', () =>
        pages(
          paginateListCapabilities({ client: reader.eks }, { clusterName: reader.target.cluster }),
          (page) => page.capabilities,
        ),
      ),
    ),
  );

/** Returns undefined for a cluster that does not exist. Throws a `MigrationError` if the cluster cannot be read. */
export const readEks = async (reader: Reader): Promise<EksAnswers | undefined> => {
  const { eks, target } = reader;
  const answer = await reader.call('eks:DescribeCluster', () =>
    awsOrUndefined('eks:DescribeCluster', () => eks.send(new DescribeClusterCommand({ name: target.cluster }))),
  );
  const { cluster } = answer ?? {};
  if (!cluster) return undefined;
  reader.progress('add-ons');
  const names = await reader.attempt('the add-ons', 'the rehearsal has none', [], () =>
    reader.call('eks:ListAddons', () =>
      aws('eks:ListAddons', () =>
        pages(paginateListAddons({ client: eks }, { clusterName: target.cluster }), (page) => page.addons),
      ),
    ),
  );
  const addons: AddonAnswers[] = [];
  for (const name of new Set([...names, AGENT_ADDON])) {
    const found = await reader.attempt(`the add-on ${name}`, 'the rehearsal does not have it', undefined, () =>
      readAddon(reader, name, cluster.version ?? ''),
    );
    if (found) addons.push(found);
  }
  reader.progress('associations');
  const associations = await readAssociations(reader);
  reader.progress('access entries');
  const hasEntries = cluster.accessConfig?.authenticationMode !== 'CONFIG_MAP';
  const entries = hasEntries ? await readEntries(reader) : undefined;
  const fargateProfiles = await readFargateProfiles(reader);
  const capabilities = await readCapabilities(reader);
  return { cluster, addons, associations, fargateProfiles, capabilities, ...(entries ? { entries } : {}) };
};
