/** Grants the access that a survey found missing, or shows what it would grant. */
import { type Manifest, manifestName } from '../../lambdas/domain/access/manifests.ts';
import type { Target } from '../../lambdas/domain/terms/subject.ts';
import { CliError } from '../errors.ts';
import { EXIT_CODES } from '../exit-codes.ts';
import { type AccessTools, type AccessWish, type Survey, surveyAccess } from './survey.ts';

export type GrantResult = 'would-create' | 'would-update' | 'created' | 'updated' | 'nothing' | 'refused';

interface Refused {
  /** Reason of a refusal. */
  why?: string;
  remedy?: string;
}
export interface GrantedEntry extends Refused {
  principalArn: string;
  result: GrantResult;
  /** All Kubernetes groups that the entry has, or would have; empty for a refused entry, whose groups are not known. */
  groups: string[];
}
export interface GrantedObject extends Refused {
  name: string;
  result: GrantResult;
  /** The object for `kubectl apply`. */
  manifest: Manifest;
  /** The purpose of each rule of a role, in their order. */
  reasons: string[];
}

/** What `--json` prints. */
export interface Granted {
  target: Target;
  /** Absent if EKS does not report it: the cluster uses only aws-auth. */
  authenticationMode?: string;
  /** False if nothing was changed. */
  applied: boolean;
  accessEntries: GrantedEntry[];
  objects: GrantedObject[];
  /** Lines for `mapRoles` of the ConfigMap kube-system/aws-auth, if the cluster does not use access entries. */
  mapRoles?: string;
  notes: string[];
}

export interface GrantRequest extends AccessWish {
  apply: boolean;
}

/** Returns whether the request was refused because of a conflict. */
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

/** Returns the error with what was done before it, which the next run finds done. */
const after = (done: readonly string[], error: unknown): unknown => {
  if (!(error instanceof CliError) || done.length === 0) return error;
  return new CliError(
    error.name,
    `${error.message}\nAlready done: ${done.join(', ')}.`,
    `${error.hint}\nThen run the same command again: it continues from there.`,
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
    // Objects first, because this is where an administrator with too few permissions is refused.
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
    `cluster ${cluster} does not use access entries: its authentication mode is ${authenticationMode ?? 'CONFIG_MAP'}; nothing was changed`,
    `Either enable access entries (aws-auth stays; this cannot be undone), and run the same command again:\naws eks update-cluster-config --name ${cluster} --access-config authenticationMode=API_AND_CONFIG_MAP\nor add these lines to mapRoles of the ConfigMap kube-system/aws-auth, and apply the RBAC objects that this command prints without --apply:\n${mapRoles.trimEnd()}`,
    EXIT_CODES.blocked,
  );

/**
 * Surveys the access and, if `apply` is set, grants what is missing, with the tools' credentials. Changes nothing if the
 * survey finds a conflict; is idempotent. Throws a CliError.
 */
export const grantAccess = async (tools: AccessTools, { apply: wanted, ...wish }: GrantRequest): Promise<Granted> => {
  const survey = await surveyAccess(tools, wish);
  if (!wanted) return grantedOf(survey, wish.target, false);
  if (survey.mapRoles !== undefined) throw noEntries(wish.target, survey.cluster, survey.mapRoles);
  const refused = [...survey.entries, ...survey.objects].some(({ change }) => change.do === 'refuse');
  if (!refused) await apply(survey, tools);
  return grantedOf(survey, wish.target, !refused);
};
