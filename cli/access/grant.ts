/** Gives the access that a survey found missing, or says what it would give. */
import { type Manifest, manifestName } from '../../lambdas/domain/access/manifests.ts';
import type { Target } from '../../lambdas/domain/migration/model.ts';
import { CliError } from '../errors.ts';
import { EXIT_CODES } from '../exit-codes.ts';
import { type AccessTools, type AccessWish, type Survey, surveyAccess } from './survey.ts';

export type GrantResult = 'would-create' | 'would-update' | 'created' | 'updated' | 'nothing' | 'refused';

interface Refused {
  /** Of what is refused. */
  why?: string;
  remedy?: string;
}
export interface GrantedEntry extends Refused {
  principalArn: string;
  result: GrantResult;
  /** All Kubernetes groups that the entry has, or would have; those of one that is refused are not known. */
  groups: string[];
}
export interface GrantedObject extends Refused {
  name: string;
  result: GrantResult;
  /** The object as `kubectl apply` takes it. */
  manifest: Manifest;
  /** What each of a role's rules is for, in their order. */
  reasons: string[];
}

/** What `--json` prints. */
export interface Granted {
  target: Target;
  /** Absent where EKS does not say: the cluster knows aws-auth alone. */
  authenticationMode?: string;
  /** False: nothing was changed. */
  applied: boolean;
  accessEntries: GrantedEntry[];
  objects: GrantedObject[];
  /** What to add to `mapRoles` of the ConfigMap kube-system/aws-auth, where the cluster takes no access entries. */
  mapRoles?: string;
  notes: string[];
}

export interface GrantRequest extends AccessWish {
  apply: boolean;
}

/** Whether something stands in the way of what was asked for. */
export const isGrantRefused = ({ accessEntries, objects }: Granted): boolean =>
  [...accessEntries, ...objects].some(({ result }) => result === 'refused');

const RESULTS = {
  create: ['would-create', 'created'],
  update: ['would-update', 'updated'],
  nothing: ['nothing', 'nothing'],
  refuse: ['refused', 'refused'],
} as const satisfies Record<string, readonly [shown: GrantResult, done: GrantResult]>;

const refusedOf = (change: { do: string; why?: string; remedy?: string }): Refused =>
  change.why === undefined
    ? {}
    : { why: change.why, ...(change.remedy === undefined ? {} : { remedy: change.remedy }) };

const grantedOf = (
  { cluster, entries, objects, mapRoles, notes }: Survey,
  target: Target,
  applied: boolean,
): Granted => ({
  target,
  ...(cluster.authenticationMode === undefined ? {} : { authenticationMode: cluster.authenticationMode }),
  applied,
  accessEntries: entries.map(({ principalArn, change }) => ({
    principalArn,
    result: RESULTS[change.do][applied ? 1 : 0],
    groups: change.do === 'refuse' ? [] : change.groups,
    ...refusedOf(change),
  })),
  objects: objects.map(({ manifest, reasons, change }) => ({
    name: manifestName(manifest),
    result: RESULTS[change.do][applied ? 1 : 0],
    manifest,
    reasons,
    ...refusedOf(change),
  })),
  ...(mapRoles === undefined ? {} : { mapRoles }),
  notes,
});

/** Says what was done before an error, which the next run finds done. */
const after = (done: readonly string[], error: unknown): unknown => {
  if (!(error instanceof CliError) || done.length === 0) return error;
  return new CliError(
    error.name,
    `${error.message}\nDone before: ${done.join(', ')}.`,
    `${error.hint}\nThen run the same command again: it goes on from there.`,
    EXIT_CODES.unexpected,
    { cause: error },
  );
};

const apply = async (
  { cluster, entries, objects }: Survey,
  { entries: accessEntries, rbacOf }: AccessTools,
): Promise<void> => {
  const done: string[] = [];
  const rbac = rbacOf(cluster);
  try {
    // First, since this is where an administrator who may do less than it takes is refused.
    for (const { manifest, change } of objects) {
      if (change.do === 'create') await rbac.create(manifest);
      else if (change.do === 'update') await rbac.patch(manifest, change.patch);
      else continue;
      done.push(manifestName(manifest));
    }
    for (const { principalArn, change } of entries) {
      if (change.do === 'create') await accessEntries.create(principalArn, change.groups);
      else if (change.do === 'update') await accessEntries.update(principalArn, change.groups);
      else continue;
      done.push(`the access entry of ${principalArn}`);
    }
  } catch (error) {
    throw after(done, error);
  }
};

const noEntries = ({ cluster }: Target, { authenticationMode }: Survey['cluster'], mapRoles: string): CliError =>
  new CliError(
    'NoAccessEntries',
    `cluster ${cluster} takes no access entries: its authentication mode is ${authenticationMode ?? 'CONFIG_MAP'}; nothing was changed`,
    `Either let it take them (it keeps aws-auth; there is no way back), and run the same command again:\naws eks update-cluster-config --name ${cluster} --access-config authenticationMode=API_AND_CONFIG_MAP\nor add these lines to mapRoles of the ConfigMap kube-system/aws-auth, and apply the RBAC objects that this command prints without --apply:\n${mapRoles.trimEnd()}`,
    EXIT_CODES.blocked,
  );

/**
 * Looks at what there is, and where `apply` is set gives what is missing, with the tools' credentials: what is refused
 * beforehand changes nothing. Doing it again changes nothing either. Throws a CliError.
 */
export const grantAccess = async (tools: AccessTools, { apply: wanted, ...wish }: GrantRequest): Promise<Granted> => {
  const survey = await surveyAccess(tools, wish);
  if (!wanted) return grantedOf(survey, wish.target, false);
  if (survey.mapRoles !== undefined) throw noEntries(wish.target, survey.cluster, survey.mapRoles);
  const refused = [...survey.entries, ...survey.objects].some(({ change }) => change.do === 'refuse');
  if (!refused) await apply(survey, tools);
  return grantedOf(survey, wish.target, !refused);
};
