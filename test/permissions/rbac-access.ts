/** The access that `grant-access` prints, put into scenarios, and held against what calls rested on. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { type ServiceRoles, wantedEntries } from '../../lambdas/domain/access/entries.ts';
import type { Manifest, RoleManifest } from '../../lambdas/domain/access/manifests.ts';
import { loadAssembly } from '../../sandbox/assembly/assembly.ts';
import type { RuleUse } from '../../sandbox/kubernetes/rbac.ts';
import { homeOf } from '../../sandbox/build/build.ts';
import type { Scenario } from '../../sandbox/scenario/scenario.ts';
import { runProgram } from '../cli/run-program.ts';

/**
 * What `grant-access` prints with these flags for a scenario's only cluster, read from its YAML as kubectl reads it.
 */
export const printedFor = async (scenario: Scenario, flags: readonly string[]): Promise<Manifest[]> => {
  const directory = mkdtempSync(join(tmpdir(), 'access-'));
  try {
    const file = join(directory, 'scenario.json');
    writeFileSync(file, JSON.stringify(scenario));
    const cluster = scenario.accounts[0]!.clusters[0]!.name;
    const { code, out, err } = await runProgram('grant-access', '--cluster', cluster, ...flags, '--sandbox', file);
    if (code !== 0) throw new Error(`grant-access ended with ${code}: ${err}`);
    return parseAllDocuments(out).map((document) => document.toJS() as Manifest);
  } finally {
    rmSync(directory, { recursive: true });
  }
};

/**
 * The scenario's clusters let in the roles of the service, by the groups of `grant-access` and these objects, and
 * nobody else. `other`: puts roles into other groups than theirs.
 */
export const withAccess = (
  scenario: Scenario,
  manifests: readonly Manifest[],
  directory: string,
  other: (roles: ServiceRoles) => ServiceRoles = (roles) => roles,
): void => {
  const { outputs } = loadAssembly(directory, homeOf(scenario));
  const arns = (output: string): string[] => outputs[output]!.split(',');
  const entries = wantedEntries(
    other({
      all: arns('KubernetesRoleArns'),
      restart: arns('KubernetesRestartRoleArns'),
      annotate: arns('KubernetesAnnotateRoleArns'),
    }),
  );
  for (const { clusters } of scenario.accounts) {
    for (const cluster of clusters) {
      cluster.accessEntries = entries.map(({ principalArn, groups }) => ({
        principalArn,
        type: 'STANDARD',
        kubernetesGroups: groups,
        policies: [],
        tags: {},
      }));
      cluster.rbac = structuredClone(manifests) as typeof cluster.rbac;
    }
  }
};

/** One verb on one resource, of one name where the rule names objects. */
export interface Right {
  source: string;
  rule: number;
  verb: string;
  group: string;
  resource: string;
  name?: string;
}

const isRole = (manifest: Manifest): manifest is RoleManifest => 'rules' in manifest;
const sourceOf = ({ kind, metadata: { name, namespace } }: Manifest): string =>
  `${kind} ${namespace === undefined ? '' : `${namespace}/`}${name}`;

export const rightsOf = (manifests: readonly Manifest[]): Right[] =>
  manifests.filter(isRole).flatMap((role) =>
    role.rules.flatMap(({ verbs, apiGroups, resources, resourceNames }, rule) =>
      verbs.flatMap((verb) =>
        apiGroups.flatMap((group) =>
          resources.flatMap((resource): Right[] => {
            const right = { source: sourceOf(role), rule, verb, group, resource };
            return resourceNames === undefined ? [right] : resourceNames.map((name) => ({ ...right, name }));
          }),
        ),
      ),
    ),
  );

export const rightName = ({ source, verb, group, resource, name }: Right | RuleUse): string =>
  `${source}: ${verb} ${resource}${group === '' ? '' : `.${group}`}${name === undefined ? '' : ` ${name}`}`;

export const isRuleUsed = (right: Right, uses: readonly RuleUse[]): boolean =>
  uses.some((use) => rightName(use) === rightName(right));

/** No resource has it: a rule needs a verb, a resource and a name. */
const NOTHING = 'nothing';
const left = (list: readonly string[], taken: string): string[] =>
  list.length === 1 ? [NOTHING] : list.filter((one) => one !== taken);

/** These manifests without that right: the rule keeps its other resources, or names. */
export const withoutRight = (
  manifests: readonly Manifest[],
  { source, rule: index, resource, name }: Right,
): Manifest[] =>
  manifests.map((manifest) => {
    if (!isRole(manifest) || sourceOf(manifest) !== source) return manifest;
    const rules = manifest.rules.map((rule, at) => {
      if (at !== index) return rule;
      return name === undefined
        ? { ...rule, resources: left(rule.resources, resource) }
        : { ...rule, resourceNames: left(rule.resourceNames ?? [], name) };
    });
    return { ...manifest, rules };
  });
