/** Compares the provider's version that the code allows with the one that the blocks need. */
import { posix } from 'node:path';
import { PROVIDER_SINCE } from '../../../lambdas/domain/hand-off/formats/provider-schema.ts';
import type { HandOff } from '../../../lambdas/domain/terms/hand-off.ts';
import { type Code, LOCK_FILE, NOTHING } from './code.ts';
import type { Finding, Patch } from './model.ts';
import type { Scope } from './scope.ts';
import { attributeOf, type Block, blocksOf, type Expression, type ParsedFile } from './syntax.ts';
import { knownText } from './value.ts';

/** First version of the provider whose add-on has blocks `pod_identity_association`. */
const BLOCK_SINCE = PROVIDER_SINCE['aws_eks_addon.pod_identity_association'];

type Version = readonly [number, number, number];

const parse = (text: string): Version | undefined => {
  const [, major, minor, patch] = /^v?(\d+)(?:\.(\d+))?(?:\.(\d+))?/.exec(text.trim()) ?? [];
  return major === undefined ? undefined : [Number(major), Number(minor ?? 0), Number(patch ?? 0)];
};

const compare = (a: Version, b: Version): number => a[0] - b[0] || a[1] - b[1] || a[2] - b[2];

/** The version after all that `~>` allows. */
const pessimisticEnd = (text: string, [major, minor]: Version): Version =>
  text.split('.').length > 2 ? [major, minor + 1, 0] : [major + 1, 0, 0];

/** Whether a constraint allows a version from `since` on, and whether it allows an older one. */
export interface Allowed {
  sufficient: boolean;
  older: boolean;
}

/** Evaluates a version constraint such as `>= 5.40, < 6.0`. Returns undefined for text that is none. */
export function allows(constraint: string, since: string): Allowed | undefined {
  const needed = parse(since);
  if (needed === undefined) return undefined;
  const allowed = { sufficient: true, older: true };
  for (const clause of constraint.split(',')) {
    const [, operator = '=', text = ''] = /^\s*(=|!=|>=|<=|>|<|~>)?\s*(v?\d[\w.+-]*)\s*$/.exec(clause) ?? [];
    const version = parse(text);
    if (version === undefined) return undefined;
    const order = compare(version, needed);
    const from = operator === '=' || operator === '>=' || operator === '>' || operator === '~>';
    if (from && order >= 0) allowed.older = false;
    if (operator === '<' && order <= 0) allowed.sufficient = false;
    if ((operator === '<=' || operator === '=') && order < 0) allowed.sufficient = false;
    if (operator === '~>' && compare(pessimisticEnd(text, version), needed) <= 0) allowed.sufficient = false;
  }
  return allowed;
}

interface Constraint {
  file: ParsedFile;
  line: number;
  text: string;
}

/** Returns the constraint of an entry of `required_providers`: a string, or an object with `version` and `source`. */
function entryConstraint(scope: Scope, name: string, value: Expression): { text?: string; line: number } | undefined {
  if (value.kind !== 'object')
    return name === 'aws' ? { text: knownText(scope.valueOf(value)), line: value.line } : undefined;
  const entry = (key: string) => value.entries.find((one) => one.name === key);
  const source = entry('source');
  const from = source && knownText(scope.valueOf(source.value));
  if (from === undefined ? name !== 'aws' : !/(^|\/)hashicorp\/aws$/.test(from)) return undefined;
  const version = entry('version');
  return version && { text: knownText(scope.valueOf(version.value)), line: version.line };
}

const constraintsIn = (scope: Scope): Constraint[] => [
  ...scope.blocks('terraform').flatMap(({ file, block }) =>
    blocksOf(block.body, 'required_providers').flatMap(({ body }) =>
      body.elements.flatMap((element) => {
        if (element.is === 'block') return [];
        const { text, line } = entryConstraint(scope, element.name, element.value) ?? {};
        return text === undefined || line === undefined ? [] : [{ file, line, text }];
      }),
    ),
  ),
  ...scope.blocks('provider', 'aws').flatMap(({ file, block }) => {
    const version = attributeOf(block.body, 'version');
    const text = version && knownText(scope.valueOf(version.value));
    return version === undefined || text === undefined ? [] : [{ file, line: version.line, text }];
  }),
];

/** Returns the version that a lock file selects. */
function locked(file: ParsedFile): { version: string; line: number } | undefined {
  const isAws = ({ labels: [address = ''] }: Block): boolean => /(^|\/)hashicorp\/aws$/.test(address);
  const version = blocksOf(file.body, 'provider')
    .filter(isAws)
    .map(({ body }) => attributeOf(body, 'version'))[0];
  const [text] = version?.value.kind === 'string' ? version.value.parts : [];
  return version !== undefined && typeof text === 'string' ? { version: text, line: version.line } : undefined;
}

function constraintFinding({ file, line, text }: Constraint, isLocked: boolean): Finding[] {
  const allowed = allows(text, BLOCK_SINCE);
  const place = { about: 'version' as const, path: file.path, line };
  if (allowed === undefined || (allowed.sufficient && !allowed.older)) return [];
  if (!allowed.sufficient)
    return [
      {
        result: 'left',
        ...place,
        what: `The constraint ${JSON.stringify(text)} of the provider hashicorp/aws excludes every version from ${BLOCK_SINCE} on.`,
        why: `Older versions do not know the block pod_identity_association of aws_eks_addon. A newer provider may change other resources, so the constraint is not edited.`,
        next: `Set the constraint to ">= ${BLOCK_SINCE}" in the same commit, then run \`terraform init -upgrade\`.`,
      },
    ];
  if (isLocked) return [];
  return [
    {
      result: 'as-is',
      ...place,
      what: `The constraint ${JSON.stringify(text)} of the provider hashicorp/aws also allows versions before ${BLOCK_SINCE}.`,
      why: 'Older versions do not know the block pod_identity_association of aws_eks_addon.',
      next: `Run \`terraform version\` to see the selected version. Run \`terraform init -upgrade\` if it is older than ${BLOCK_SINCE}.`,
    },
  ];
}

/** Returns findings about provider versions in which the blocks of the hand-off do not exist. */
export function checkVersions({ parsed, scopes }: Code, { addon }: HandOff): Patch {
  if (addon === undefined || addon.associations.length === 0) return NOTHING;
  const locks = parsed.filter(({ path }) => posix.basename(path) === LOCK_FILE);
  const selected = locks.flatMap((file) => {
    const lock = file.errorLine === undefined ? locked(file) : undefined;
    return lock === undefined ? [] : [{ file, ...lock }];
  });
  const tooOld = selected.filter(({ version }) => allows(version, BLOCK_SINCE)?.sufficient === false);
  const findings = [
    ...[...scopes.values()].flatMap(constraintsIn).flatMap((one) => constraintFinding(one, selected.length > 0)),
    ...tooOld.map(({ file, line, version }): Finding => ({
      result: 'left',
      about: 'version',
      path: file.path,
      line,
      what: `The selected version of the provider hashicorp/aws is ${version}, but the block pod_identity_association of aws_eks_addon needs ${BLOCK_SINCE}.`,
      next: 'Run `terraform init -upgrade`, and commit the lock file together with the code.',
    })),
  ];
  return { edits: [], findings };
}
