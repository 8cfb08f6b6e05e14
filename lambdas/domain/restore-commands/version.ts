/**
 * Which version of an add-on the restore commands create. EKS refuses a version that it does not offer for the cluster's
 * Kubernetes version, so the former one may be refused after an upgrade of the cluster.
 */
import type { OfferedVersion } from '../aws/eks.ts';
import type { Addon } from '../terms/observed.ts';
import type { Target } from '../terms/subject.ts';
import { ifWanted, note } from '../text/shell.ts';
import { eksCommand } from './lines.ts';

/** What EKS offers of the add-on for the Kubernetes version that the cluster has now. */
export interface Offer {
  kubernetes: string;
  versions: readonly OfferedVersion[];
}

/** Returns the former version if EKS offers it or the offer could not be read, and EKS's default version otherwise. */
export function versionToCreate({ version }: Pick<Addon, 'version'>, offer?: Offer): string {
  const { versions = [] } = offer ?? {};
  if (versions.some((one) => one.version === version)) return version;
  return (versions.find((one) => one.default) ?? versions[0])?.version ?? version;
}

/** Returns the lines before a create: why its version is another one, and how to find the present ones later. */
export function versionLines({ region }: Target, was: Pick<Addon, 'name' | 'version'>, offer?: Offer): string[] {
  const { kubernetes, versions } = offer ?? {};
  const version = versionToCreate(was, offer);
  const forKubernetes = kubernetes === undefined ? undefined : ['--kubernetes-version', kubernetes];
  return [
    ...(version === was.version
      ? []
      : [
          note`EKS does not offer version ${was.version} for Kubernetes ${kubernetes ?? ''}, which the cluster has now: the create names ${version}, the default version. The configuration is that of the former version.`,
        ]),
    ...(versions?.length === 0
      ? [note`EKS offers no version of ${was.name} for Kubernetes ${kubernetes ?? ''}: ask AWS Support.`]
      : []),
    note`If EKS answers that the version is not supported, the cluster was upgraded since. To list the versions that it offers, run the next line without the colon, with the Kubernetes version that the cluster has by then.`,
    ifWanted(
      eksCommand('describe-addon-versions', ['--region', region, '--addon-name', was.name], forKubernetes, [
        '--query',
        'addons[].addonVersions[].[addonVersion,compatibilities[0].defaultVersion]',
        '--output',
        'text',
      ]),
    ),
  ];
}
