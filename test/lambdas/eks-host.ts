/** The restore commands on the port Eks: for the tests over the fake, whose clock `sleep` moves. */
import { MigrationError } from '../../lambdas/domain/failures/errors.ts';
import type { Association } from '../../lambdas/domain/terms/observed.ts';
import type { Clock, Eks } from '../../lambdas/ports/index.ts';
import type { ScriptHost } from './aws-commands.ts';
import { anAssociation, NAMESPACE, target } from './fixtures.ts';

interface Input {
  clusterName: string;
  addonName: string;
  addonVersion: string;
  associationId: string;
  namespace: string;
  serviceAccount: string;
  roleArn: string;
  resourceArn: string;
  serviceAccountRoleArn?: string;
  podIdentityAssociations?: { serviceAccount: string; roleArn: string }[];
  configurationValues?: string;
  resolveConflicts?: 'NONE' | 'OVERWRITE' | 'PRESERVE';
  namespaceConfig?: { namespace: string };
  preserve?: boolean;
  targetRoleArn?: string;
  disableSessionTags?: boolean;
  policy?: string;
  tags?: Record<string, string>;
}

const missing = (what: string): MigrationError => new MigrationError('NotFound', `ResourceNotFoundException: ${what}`);

export interface EksHost extends ScriptHost {
  /** What was asked of kubectl and of pod-identity, line by line. */
  readonly said: string[];
}

export function eksHost(eks: Eks, clock: Clock): EksHost {
  const said: string[] = [];
  let calls = 0;
  const operations: Record<string, (input: Input) => Promise<unknown>> = {
    DescribeAddon: async ({ addonName }) => {
      const addon = await eks.describeAddon(addonName);
      if (!addon) throw missing(`No addon: ${addonName}`);
      return { addon };
    },
    CreateAddon: ({
      addonName,
      addonVersion,
      podIdentityAssociations,
      namespaceConfig,
      tags = {},
      serviceAccountRoleArn,
      configurationValues,
      resolveConflicts,
    }) =>
      eks.createAddon({
        addon: addonName,
        version: addonVersion,
        tags,
        clientRequestToken: `pasted-${calls}`,
        serviceAccountRoleArn,
        configurationValues,
        resolveConflicts,
        ...namespaceConfig,
        ...(podIdentityAssociations
          ? {
              podIdentityAssociations: podIdentityAssociations.map((one) => ({
                ...one,
                namespace: namespaceConfig?.namespace ?? NAMESPACE,
              })),
            }
          : {}),
      }),
    UpdateAddon: ({
      addonName,
      addonVersion,
      configurationValues,
      podIdentityAssociations,
      serviceAccountRoleArn,
      resolveConflicts,
    }) => {
      if (addonVersion !== undefined || configurationValues !== undefined)
        throw new Error('an update of restore commands leaves version and configuration as they are');
      const associations = podIdentityAssociations?.map((one) => ({ ...one, namespace: NAMESPACE }));
      return eks.updateAddon({
        addon: addonName,
        serviceAccountRoleArn,
        resolveConflicts,
        podIdentityAssociations: associations,
        clientRequestToken: `pasted-${calls}`,
      });
    },
    DeleteAddon: async ({ addonName, preserve = false }) => {
      if (!(await eks.deleteAddon(addonName, { preserve }))) throw missing(`No addon: ${addonName}`);
    },
    CreatePodIdentityAssociation: (input) =>
      eks.createAssociation(
        anAssociation({ ...(input as unknown as Partial<Association>), tags: input.tags ?? {} }),
        `pasted-${calls}`,
      ),
    UpdatePodIdentityAssociation: ({ associationId, targetRoleArn, disableSessionTags, policy }) =>
      eks.updateAssociation(associationId, { targetRoleArn, disableSessionTags, policy }, `pasted-${calls}`),
    DeletePodIdentityAssociation: async ({ associationId }) => {
      if (!(await eks.deleteAssociation(associationId))) throw missing(associationId);
    },
    ListPodIdentityAssociations: async ({ namespace, serviceAccount }) => ({
      associations: (await eks.listAssociations(namespace, serviceAccount)).map((one) => ({
        associationId: one.id,
        associationArn: one.arn,
      })),
    }),
    TagResource: ({ resourceArn, tags = {} }) => eks.tagResource(resourceArn, tags),
  };
  return {
    said,
    eks: async (operation, input, region) => {
      calls += 1;
      if (region !== target.region || (input['clusterName'] !== undefined && input['clusterName'] !== target.cluster))
        throw new Error(`${operation} at another target`);
      const run = operations[operation];
      if (!run) throw new Error(`no operation ${operation}`);
      return run(input as unknown as Input);
    },
    kubectl: async (words) => void said.push(`kubectl ${words.join(' ')}`),
    podIdentity: async (words) => void said.push(`pod-identity ${words.join(' ')}`),
    sleep: (milliseconds) => clock.sleep(milliseconds),
  };
}
