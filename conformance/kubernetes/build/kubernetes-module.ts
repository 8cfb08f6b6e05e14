/** The `go.mod` that builds a release of Kubernetes. Pure. */

const PROGRAMS = ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler'];

/** Returns the modules that this `go.mod` of `k8s.io/kubernetes` replaces by directories of its repository. */
const stagingModules = (goMod: string): string[] =>
  [...goMod.matchAll(/^(?:replace)?\s*(k8s\.io\/[\w-]+) => \.\/staging\//gm)].map(([, path = '']) => path).toSorted();

/**
 * Returns the `go.mod` of a module whose tools are the programs of this release. It replaces each module that
 * Kubernetes develops in its own repository, and requires in version v0.0.0, by the one that was published with the
 * release.
 */
export const goModFor = (release: string, goMod: string): string => {
  const published = `v0.${release.split('.').slice(1).join('.')}`;
  return [
    'module conformance/kubernetes',
    '',
    'go 1.26',
    '',
    'tool (',
    ...PROGRAMS.map((name) => `\tk8s.io/kubernetes/cmd/${name}`),
    ')',
    '',
    `require k8s.io/kubernetes v${release}`,
    '',
    'replace (',
    ...stagingModules(goMod).map((path) => `\t${path} => ${path} ${published}`),
    ')',
    '',
  ].join('\n');
};
