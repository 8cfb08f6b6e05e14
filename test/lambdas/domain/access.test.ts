import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { entryChange, mapRolesOf, takesAccessEntries, wantedEntries } from '../../../lambdas/domain/access/entries.ts';
import type { BindingManifest, Manifest, RoleManifest } from '../../../lambdas/domain/access/manifests.ts';
import {
  accessManifests,
  manifestChange,
  manifestName,
  withdrawnRole,
} from '../../../lambdas/domain/access/manifests.ts';
import {
  ACCESS_GROUPS,
  ANNOTATE_EVERYTHING,
  annotationRules,
  customResourceRules,
  customResourcesOf,
  READ_RULES,
  RESTART_EVERYTHING,
  restartRules,
} from '../../../lambdas/domain/access/rules.ts';
import type { WorkloadRef } from '../../../lambdas/domain/kubernetes/objects.ts';
import { ACCESS_OF_STEPS } from '../../../lambdas/domain/steps/work.ts';
import { stepSchemas } from '../../../lambdas/steps/schemas.ts';
import { containing } from '../matchers.ts';

const ref = (kind: WorkloadRef['kind'], name: string, namespace = 'kube-system'): WorkloadRef => {
  return { kind, namespace, name };
};
const DEPLOYMENT = ref('Deployment', 'ebs-csi-controller');
const EBS = { addon: 'aws-ebs-csi-driver', namespace: 'kube-system', workloads: [DEPLOYMENT] };
const OTEL = 'opentelemetry-operator-system';
const ADOT = {
  addon: 'adot',
  namespace: OTEL,
  workloads: [ref('DaemonSet', 'logs', OTEL), ref('Deployment', 'b', OTEL), ref('Deployment', 'a', OTEL)],
};
const API = {
  serviceAccount: { namespace: 'payments', name: 'api' },
  annotation: 'remove' as const,
  workloads: [ref('Deployment', 'web', 'payments'), ref('StatefulSet', 'outbox', 'payments')],
};
const manifestsOf = (...addons: Parameters<typeof accessManifests>[0]): Manifest[] =>
  accessManifests(addons).map(({ manifest }) => manifest);
const LABELS = { 'app.kubernetes.io/managed-by': 'eks-pod-identity-migrator' };

const EVICTS = { apiGroups: [''], resources: ['pods/eviction'], verbs: ['create'] };

describe('the rules', () => {
  it('are for groups that EKS lets anybody name', () => {
    for (const group of Object.values(ACCESS_GROUPS)) expect(group).not.toMatch(/^(system|eks|aws|amazon|iam):/);
  });

  it('are for steps that there are: each reads, one restarts, and another one annotates', () => {
    for (const [step, purposes] of Object.entries(ACCESS_OF_STEPS)) {
      expect(stepSchemas).toHaveProperty(step);
      expect(purposes).toContain('read');
    }
    const changing = Object.entries(ACCESS_OF_STEPS).filter(([, purposes]) => purposes.length > 1);
    expect(Object.fromEntries(changing)).toEqual({
      'restart-pods': ['read', 'restart'],
      'annotate-service-account': ['read', 'annotate'],
    });
    expect(new Set(Object.values(ACCESS_GROUPS)).size).toBe(3);
  });

  it('read no secrets, watch nothing, and get only what they name', () => {
    for (const { rule, why } of READ_RULES) {
      expect(rule.resources).not.toContain('secrets');
      expect(rule.verbs).toEqual(rule.resourceNames ? ['get'] : ['list']);
      expect(why).not.toBe('');
    }
  });

  it('let every kind of workload be listed that may be restarted', () => {
    const listed = READ_RULES.flatMap(({ rule: { verbs, resources } }) => (verbs.includes('list') ? resources : []));
    const [everything] = RESTART_EVERYTHING;
    expect(everything?.rule.resources).toEqual(['deployments', 'daemonsets', 'statefulsets']);
    expect(listed).toEqual(expect.arrayContaining(everything?.rule.resources ?? []));
    expect(restartRules([ref('StatefulSet', 'db')]).map(({ rule }) => rule)).toEqual([
      { apiGroups: ['apps'], resources: ['statefulsets'], resourceNames: ['db'], verbs: ['patch'] },
      EVICTS,
    ]);
  });

  it('name the workloads that may be restarted, by kind and in order; without any there is no rule', () => {
    expect(restartRules(ADOT.workloads).map(({ rule }) => rule)).toEqual([
      { apiGroups: ['apps'], resources: ['deployments'], resourceNames: ['a', 'b'], verbs: ['patch'] },
      { apiGroups: ['apps'], resources: ['daemonsets'], resourceNames: ['logs'], verbs: ['patch'] },
      EVICTS,
    ]);
    // A rule without names would be for all of them.
    expect(restartRules([])).toEqual([]);
  });

  it('let an annotation be changed of service accounts that they name, in order; without any there is no rule', () => {
    expect(annotationRules(['web', 'api']).map(({ rule }) => rule)).toEqual([
      { apiGroups: [''], resources: ['serviceaccounts'], resourceNames: ['api', 'web'], verbs: ['patch'] },
    ]);
    expect(annotationRules([])).toEqual([]);
    // The one without names is the sandbox's own.
    expect(manifestsOf(EBS, ADOT, API).flatMap((one) => ('rules' in one ? one.rules : []))).not.toContainEqual(
      ANNOTATE_EVERYTHING.rule,
    );
  });

  it('of custom resources are one for each API group, each resource once', () => {
    const both = ['v1', 'v2'].map(() => ({ group: 'b.example.com', plural: 'things' }));
    expect(customResourceRules([{ group: 'a.example.com', plural: 'ones' }, ...both]).map(({ rule }) => rule)).toEqual([
      { apiGroups: ['a.example.com'], resources: ['ones'], verbs: ['list'] },
      { apiGroups: ['b.example.com'], resources: ['things'], verbs: ['list'] },
    ]);
  });

  it('leave out the custom resources that no plan looks at', () => {
    expect(customResourcesOf('adot').map(({ plural }) => plural)).toContain('opentelemetrycollectors');
    // Never deleted, nothing to migrate, not known.
    for (const addon of ['vpc-cni', 'snapshot-controller', 'acme_agent']) expect(customResourcesOf(addon)).toEqual([]);
  });
});

describe('the manifests', () => {
  it('are one ClusterRole for reading, and what each add-on needs, each with its binding behind it', () =>
    expect(manifestsOf(EBS, ADOT).map(manifestName)).toEqual([
      'ClusterRole pod-identity-migrator:read',
      'ClusterRoleBinding pod-identity-migrator:read',
      'Role kube-system/pod-identity-migrator:restart:aws-ebs-csi-driver',
      'RoleBinding kube-system/pod-identity-migrator:restart:aws-ebs-csi-driver',
      'ClusterRole pod-identity-migrator:read:adot',
      'ClusterRoleBinding pod-identity-migrator:read:adot',
      'Role opentelemetry-operator-system/pod-identity-migrator:restart:adot',
      'RoleBinding opentelemetry-operator-system/pod-identity-migrator:restart:adot',
    ]));

  it('of a service account are a Role in its namespace, and one for its annotation only where that goes', () => {
    const names = (purpose: string): string[] =>
      ['Role', 'RoleBinding'].map((kind) => `${kind} payments/pod-identity-migrator:${purpose}:payments:api`);
    expect(manifestsOf(API).slice(2).map(manifestName)).toEqual([...names('restart'), ...names('annotate')]);
    const own = (change: { annotation?: 'keep'; workloads?: [] }) => manifestsOf({ ...API, ...change }).slice(2);
    expect(own({ annotation: 'keep' }).map(manifestName)).toEqual(names('restart'));
    const rules = (...given: Parameters<typeof own>) =>
      own(...given).flatMap((one) => ('rules' in one ? one.rules : []));
    const [restarts, annotates] = [restartRules(API.workloads), annotationRules(['api'])].map((both) =>
      both.map(({ rule }) => rule),
    );
    expect([rules({}), rules({ annotation: 'keep' })]).toEqual([[...restarts!, ...annotates!], restarts]);
    expect(rules({ workloads: [] })).toEqual(annotates);
    expect(manifestsOf({ ...API, annotation: 'keep', workloads: [] })).toHaveLength(2);
  });

  it('let nobody who restarts annotate, and nobody who annotates restart', () => {
    const rulesFor = (purpose: keyof typeof ACCESS_GROUPS): unknown[] =>
      manifestsOf(EBS, ADOT, API).flatMap((one) =>
        'rules' in one && one.metadata.name.startsWith(ACCESS_GROUPS[purpose]) ? one.rules : [],
      );
    expect(rulesFor('annotate')).toEqual(annotationRules(['api']).map(({ rule }) => rule));
    expect(rulesFor('restart')).toEqual(
      [EBS, ADOT, API].flatMap(({ workloads }) => restartRules(workloads).map(({ rule }) => rule)),
    );
  });

  it('of a service account whose annotation stays leave nothing of the Role that an earlier run made for it', () => {
    const [role] = manifestsOf({ ...API, workloads: [] }).slice(2) as [RoleManifest];
    expect(withdrawnRole({ ...API, annotation: 'keep' })).toEqual({ ...role, rules: [] });
    expect([API, EBS].map(withdrawnRole)).toEqual([undefined, undefined]);
  });

  it('have names that no two share, whatever is migrated', () => {
    const others = ['payments', 'payments-api', 'payments.api'].map((addon) => ({ ...EBS, addon }));
    const accounts = [
      ['payments', 'api'],
      ['payments', 'api.api'],
      ['api', 'payments'],
    ].map(([namespace = '', name = '']) => ({ ...API, serviceAccount: { namespace, name } }));
    const names = manifestsOf(EBS, ADOT, ...others, ...accounts).map(manifestName);
    expect(new Set(names).size).toBe(names.length);
  });

  it('of an add-on without workloads let nothing be restarted', () =>
    expect(manifestsOf({ ...EBS, workloads: [] }).map(manifestName)).toEqual([
      'ClusterRole pod-identity-migrator:read',
      'ClusterRoleBinding pod-identity-migrator:read',
    ]));

  it('bind each role to the group of its purpose', () => {
    const bindings = manifestsOf(EBS, ADOT, API).filter((one): one is BindingManifest => 'roleRef' in one);
    for (const { metadata, subjects, roleRef } of bindings) {
      expect(roleRef.name).toBe(metadata.name);
      expect(subjects).toEqual([
        { kind: 'Group', apiGroup: 'rbac.authorization.k8s.io', name: metadata.name.split(':').slice(0, 2).join(':') },
      ]);
    }
    expect(new Set(bindings.map(({ subjects }) => subjects[0]!.name))).toEqual(new Set(Object.values(ACCESS_GROUPS)));
  });

  it('have a reason for each rule', () => {
    for (const { manifest, reasons } of accessManifests([EBS, ADOT, API]))
      expect(reasons).toHaveLength('rules' in manifest ? manifest.rules.length : 0);
  });
});

describe('what is there already', () => {
  const [, , role, binding] = manifestsOf(EBS) as [unknown, unknown, RoleManifest, BindingManifest];
  const metadata = { ...role.metadata, resourceVersion: '7', uid: 'u' };
  const changeOfBinding = (change: object) => manifestChange(binding, { ...binding, metadata, ...change });
  const updated = (change: object) => ({ do: 'update', patch: { metadata: { resourceVersion: '7' }, ...change } });

  it('nothing: it is made', () => expect(manifestChange(role, undefined)).toEqual({ do: 'create' }));

  const named = { verbs: ['patch'], resourceNames: ['ebs-csi-controller'], resources: ['deployments'] };
  const evicts = { verbs: ['create'], resources: ['pods/eviction'], apiGroups: [''] };
  const turned = [{ ...named, apiGroups: ['apps'], nonResourceURLs: null }, evicts];
  it.each<[string, object]>([
    ['the same', role.rules],
    ['the same in another order, with empty lists', turned],
  ])('a role with rules that are %s: nothing, regardless of who created it', (_, rules) =>
    expect(manifestChange(role, { ...role, metadata: { ...metadata, labels: {} }, rules })).toEqual({ do: 'nothing' }),
  );

  it.each([
    [[]],
    [null],
    [[{ apiGroups: ['apps'], resources: ['deployments'], verbs: ['patch'] }]],
    [[...role.rules, ...role.rules]],
  ])('a role of ours with other rules (%j) gets these, unless it changes meanwhile', (rules) =>
    expect(manifestChange(role, { ...role, metadata, rules })).toEqual(updated({ rules: role.rules })),
  );

  it('a third-party role with other rules is left alone', () =>
    expect(manifestChange(role, { ...role, metadata: { ...metadata, labels: null }, rules: [] })).toEqual({
      do: 'refuse',
      why: containing('Role kube-system/pod-identity-migrator:restart:aws-ebs-csi-driver exists with other rules'),
      remedy: containing(
        'kubectl label role pod-identity-migrator:restart:aws-ebs-csi-driver --namespace kube-system app.kubernetes.io/managed-by=eks-pod-identity-migrator',
      ),
    }));

  it('subjects of a binding that others have put there stay', () => {
    const other = { kind: 'User', apiGroup: 'rbac.authorization.k8s.io', name: 'jo' };
    expect(changeOfBinding({ subjects: [other, ...binding.subjects] })).toEqual({ do: 'nothing' });
    for (const subjects of [[other], null])
      expect(changeOfBinding({ subjects })).toEqual(updated({ subjects: [...(subjects ?? []), ...binding.subjects] }));
    // A user of the group's name is another subject.
    expect(changeOfBinding({ subjects: [{ kind: 'User', name: ACCESS_GROUPS.restart }] }).do).toBe('update');
  });

  it.each([{ kind: 'Role', name: 'other' }, { kind: 'ClusterRole', name: role.metadata.name }, undefined])(
    'a binding of %j can not be made into ours',
    (roleRef) =>
      expect(changeOfBinding({ roleRef })).toMatchObject({
        do: 'refuse',
        why: containing('which cannot be changed in Kubernetes'),
        remedy: containing('Delete it'),
      }),
  );

  it('what is no such object is left alone, and said', () => {
    const refused = (why: string) => ({ do: 'refuse', why: containing(why) });
    expect(manifestChange(role, { metadata: {}, rules: [] })).toMatchObject(refused('metadata.resourceVersion'));
    expect(manifestChange(role, { metadata, rules: [{ verbs: 'all' }] })).toMatchObject(refused('rules.0.verbs'));
  });

  it('its labels are those by which it is known', () => expect(role.metadata.labels).toEqual(LABELS));
});

describe('access entries', () => {
  const arn = (name: string) => `arn:aws:iam::111122223333:role/${name}`;
  const [READER, RESTARTER, ANNOTATOR] = [arn('team/reader'), arn('restarter'), arn('annotator')];
  const all = [READER, RESTARTER, ANNOTATOR];
  const [reader, restarter, annotator] = wantedEntries({ all, restart: [RESTARTER], annotate: [ANNOTATOR] });
  const groups = [ACCESS_GROUPS.read, ACCESS_GROUPS.restart];

  it('put each role into its groups, once', () => {
    expect(reader).toEqual({ principalArn: READER, groups: [ACCESS_GROUPS.read] });
    expect(restarter).toEqual({ principalArn: RESTARTER, groups });
    expect(annotator).toEqual({ principalArn: ANNOTATOR, groups: [ACCESS_GROUPS.read, ACCESS_GROUPS.annotate] });
    const found = wantedEntries({ all: [READER], restart: [RESTARTER, RESTARTER], annotate: [ANNOTATOR, RESTARTER] });
    expect(found).toHaveLength(3);
  });

  it('are created, extended or left as they are; third-party groups stay', () => {
    expect(entryChange(restarter!, undefined)).toEqual({ do: 'create', groups });
    const reads = { type: 'STANDARD', groups: ['mine', ACCESS_GROUPS.read] };
    const added = [ACCESS_GROUPS.restart];
    expect(entryChange(restarter!, reads)).toEqual({ do: 'update', groups: ['mine', ...groups], added });
    expect(entryChange(reader!, { type: 'STANDARD', groups })).toEqual({ do: 'nothing', groups });
  });

  it('of nodes take no groups', () =>
    expect(entryChange(reader!, { type: 'EC2_LINUX', groups: ['system:nodes'] })).toMatchObject({
      do: 'refuse',
      why: containing('type EC2_LINUX'),
      remedy: expect.any(String),
    }));

  it.each([
    ['API', true],
    ['API_AND_CONFIG_MAP', true],
    ['CONFIG_MAP', false],
    [undefined, false],
  ] as const)('in authentication mode %s: %s', (mode, takes) => expect(takesAccessEntries(mode)).toBe(takes));

  it('have lines of aws-auth in their place, where roles have no path', () =>
    expect(parse(mapRolesOf([reader!, restarter!]))).toEqual([
      {
        rolearn: 'arn:aws:iam::111122223333:role/reader',
        username: 'pod-identity-migrator:{{SessionName}}',
        groups: [ACCESS_GROUPS.read],
      },
      { rolearn: RESTARTER, username: 'pod-identity-migrator:{{SessionName}}', groups },
    ]));
});
