/** The programs of a control plane: which package of which Go module each is, and where its build is stored. */
import { join } from 'node:path';
import { goProgram, type Program } from '../../build/program.ts';

export const KUBERNETES_VERSIONS = ['1.35', '1.30'] as const;
export type KubernetesVersion = (typeof KUBERNETES_VERSIONS)[number];

export const isKubernetesVersion = (text: string): text is KubernetesVersion =>
  KUBERNETES_VERSIONS.some((version) => version === text);

const RELEASES: Record<KubernetesVersion, string> = { '1.35': '1.35.4', '1.30': '1.30.4' };
/** Returns the release of a version, such as v1.35.4. */
export const releaseOf = (version: KubernetesVersion): string => `v${RELEASES[version]}`;

const program = (
  module: string,
  tool: string,
  release: string,
  name: string,
  packagePath: string,
  variables: Record<string, string>,
): Program =>
  goProgram({
    tool,
    release,
    name,
    package: packagePath,
    variables,
    module: join(import.meta.dirname, '..', 'tools', module),
  });

const ofKubernetes = (version: KubernetesVersion, name: string): Program => {
  const release = RELEASES[version];
  const [major = '', minor = ''] = release.split('.');
  return program(`kubernetes-${version}`, 'kubernetes', release, name, `k8s.io/kubernetes/cmd/${name}`, {
    'k8s.io/component-base/version.gitVersion': `v${release}`,
    'k8s.io/component-base/version.gitMajor': major,
    'k8s.io/component-base/version.gitMinor': minor,
  });
};

export interface Programs {
  etcd: Program;
  apiServer: Program;
  controllerManager: Program;
  scheduler: Program;
  kwok: Program;
}

/** Returns the programs of a control plane of this version, the quickest to build first. */
export const programsOf = (version: KubernetesVersion): Programs => ({
  etcd: program('etcd', 'etcd', '3.6.13', 'etcd', 'go.etcd.io/etcd/server/v3', {}),
  kwok: program('kwok', 'kwok', '0.8.0', 'kwok', 'sigs.k8s.io/kwok/cmd/kwok', {
    'sigs.k8s.io/kwok/pkg/consts.Version': 'v0.8.0',
  }),
  scheduler: ofKubernetes(version, 'kube-scheduler'),
  controllerManager: ofKubernetes(version, 'kube-controller-manager'),
  apiServer: ofKubernetes(version, 'kube-apiserver'),
});
