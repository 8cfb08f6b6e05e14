/** Reads an add-on, its associations and its pods, through the same ports that the service uses. */
import { collectEvidence } from '../../lambdas/domain/verification/pod-identity.ts';
import type { Addon, Association } from '../../lambdas/domain/terms/observed.ts';
import type { PodEvidence } from '../../lambdas/domain/terms/evidence.ts';
import type { Target } from '../../lambdas/domain/terms/subject.ts';
import type { Pod } from '../../lambdas/ports/index.ts';
import { portsOf } from '../../lambdas/runtime/wiring.ts';
import type { SandboxBackend } from '../backend.ts';
import { hanging, type Style } from '../text/style.ts';

export interface Sight {
  addon: Addon | undefined;
  /** Associations of the service accounts for which the add-on supports one. */
  associations: Association[];
  pods: PodEvidence[];
  /** One pod that counts, and its environment variables that decide how its SDKs get credentials. */
  example?: { pod: string; env: string[] };
}

const NAMESPACE = 'kube-system';

/** Variables of IRSA, then of Pod Identity (EKS User Guide, "How EKS Pod Identity works"). */
const CREDENTIAL_KEYS = [
  'AWS_ROLE_ARN',
  'AWS_WEB_IDENTITY_TOKEN_FILE',
  'AWS_CONTAINER_CREDENTIALS_FULL_URI',
  'AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE',
];

export const look = (backend: SandboxBackend, target: Target, addonName: string): Promise<Sight> =>
  backend.clock.spawn(async () => {
    const { eks, kubernetes } = portsOf(backend.sandbox.clients(), target);
    const addon = await eks.describeAddon(addonName);
    const namespace = addon?.namespace ?? NAMESPACE;
    const configuration = addon && (await eks.describeConfiguration(addonName, addon.version));
    const accounts = (configuration?.podIdentity ?? []).map(({ serviceAccount }) => serviceAccount);
    const associations = (
      await Promise.all(accounts.map((account) => eks.listAssociations(namespace, account)))
    ).flat();
    const all = await kubernetes.listPods(namespace);
    const pods = collectEvidence(all, new Set(accounts));
    const first = all.find(({ uid }) => uid === pods.find(({ identity }) => identity !== 'not-applicable')?.uid);
    return { addon, associations, pods, ...(first ? { example: { pod: first.name, env: environment(first) } } : {}) };
  });

const environment = ({ containers }: Pod): string[] => {
  const env = containers.find(({ init }) => !init)?.env ?? {};
  return CREDENTIAL_KEYS.flatMap((name) => (name in env ? [`${name}=${env[name] ?? ''}`] : []));
};

const roleName = (arn: string): string => arn.split('/').at(-1) ?? arn;

/** Returns how the pods that use the add-on's role get their credentials, with the variable that shows it. */
export const podLines = ({ pods, example }: Pick<Sight, 'pods' | 'example'>, style: Style): string[] => {
  const counted = pods.filter(({ identity }) => identity !== 'not-applicable');
  const by = [...new Set(counted.map(({ identity }) => identity))].map(
    (identity) => `${counted.filter((pod) => pod.identity === identity).length} on ${identity}`,
  );
  return hanging(
    '  pods         ',
    `${by.join(', ')}${example?.env[0] === undefined ? '' : ` (${example.env[0].split('=')[0] ?? ''})`}`,
    style,
  );
};

/** Returns the add-on, its associations, and how its pods get their credentials. */
export const sightLines = (sight: Sight, style: Style): string[] => {
  const { addon, associations } = sight;
  if (!addon) return ['The add-on does not exist.'];
  return [
    `${style.paint('bold', addon.name)} ${addon.version}, ${addon.status}`,
    `  IRSA role    ${roleName(addon.serviceAccountRoleArn ?? 'none')}`,
    ...associations.flatMap(({ id, namespace, serviceAccount, ownerArn }) =>
      hanging(
        '  association  ',
        `${id} (${ownerArn ? 'owned by the add-on' : 'standalone, left over'}) for ${namespace}/${serviceAccount}`,
        style,
      ),
    ),
    ...podLines(sight, style),
  ];
};
