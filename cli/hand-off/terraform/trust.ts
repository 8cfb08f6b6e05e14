/** Trust policies of roles in code: the statement that a hand-off adds or removes. */
import { roleName } from '../../../lambdas/domain/hand-off/formats/text.ts';
import type { HandOff, HandOffTrust } from '../../../lambdas/domain/terms/hand-off.ts';
import { isPlain, literalOf, shownAddress } from './addresses.ts';
import type { Code, Patcher } from './code.ts';
import type { Finding, Patch } from './model.ts';
import type { Place, Scope } from './scope.ts';
import {
  isSameGrant,
  isSameStatement,
  isWebIdentity,
  normalized,
  podStatement,
  type Statement,
  UNKNOWN_TEXT,
} from './statements.ts';
import { attributeOf, type Expression } from './syntax.ts';
import { type Policy, policyOf } from './trust-policy.ts';
import { type Answer, isRoleArn } from './value.ts';
import { isInOtherAccount, isRepeated } from './whereabouts.ts';

interface Role extends Place {
  scope: Scope;
}

const about = ({ path, line }: { path: string; line: number }) => ({ about: 'trust', path, line }) as const;

const oneLine = (statement: unknown): string => JSON.stringify(statement);

const REVERT = {
  add: 'Without the statement, the next apply takes it out of the role, and the pods get no credentials at their next refresh.',
  remove: 'With the statement, the next apply adds it to the role again.',
} as const;

const nextOf = ({ action, statement, kept }: HandOffTrust): string =>
  action === 'add'
    ? `Add this statement: ${oneLine(statement)}`
    : kept === undefined
      ? `Remove this statement: ${oneLine(statement)}`
      : `Replace this statement: ${oneLine(statement)} by: ${oneLine(kept)}`;

const leave = (address: string, at: ReturnType<typeof about>, why: string, trust: HandOffTrust): Patch => ({
  edits: [],
  findings: [
    {
      ...at,
      result: 'left',
      what: `The trust policy of ${address} was not changed.`,
      why: `${why} ${REVERT[trust.action]}`,
      next: nextOf(trust),
    },
  ],
});

/** Adds the statement for EKS Pod Identity, unless the code has one. */
function add(role: Role, policy: Policy, trust: HandOffTrust): Patch {
  const address = shownAddress(role.scope, role.block);
  const at = about({ path: policy.file.path, line: policy.line });
  const wanted = normalized(trust.statement);
  const found = policy.statements.map(({ statement, line }) => ({ line, is: podStatement(statement, wanted) }));
  const same = found.find(({ is }) => is === 'same');
  if (same !== undefined && policy.uncertain === undefined) {
    const what = `The trust policy of ${address} has a statement for EKS Pod Identity.`;
    return { edits: [], findings: [{ ...at, line: same.line, result: 'as-is', what }] };
  }
  const left = (why: string, line = policy.line): Patch => leave(address, { ...at, line }, why, trust);
  const different = found.find(({ is }) => is === 'different');
  if (different !== undefined)
    return left('Its statement for EKS Pod Identity has other actions or conditions.', different.line);
  const broader = found.find(({ is }) => is === 'broader');
  if (broader !== undefined)
    return {
      edits: [],
      findings: [
        {
          ...at,
          line: broader.line,
          result: 'left',
          what: `The trust policy of ${address} was not changed.`,
          why: 'Its statement for EKS Pod Identity has no conditions, unlike the one in the account: the next apply removes them.',
          next: `Replace it by this statement: ${oneLine(trust.statement)}`,
        },
      ],
    };
  if (policy.obstacle !== undefined) return left(policy.obstacle);
  const edits = policy.add(trust.statement);
  if (edits === undefined) return left('It has no statement behind which the new one belongs.');
  return {
    edits,
    findings: [
      { ...at, result: 'changed', what: `The trust policy of ${address} allows EKS Pod Identity.`, why: REVERT.add },
    ],
  };
}

/** The two kinds of statements that are removed: by a retirement, and by the rollback of a repair. */
const KINDS = {
  irsa: { name: 'IRSA', plural: 'web identities' },
  pods: { name: 'EKS Pod Identity', plural: 'EKS Pod Identity' },
} as const;

/** Removes the statement if it is certainly that of the hand-off. */
function remove(role: Role, policy: Policy, trust: HandOffTrust): Patch {
  const address = shownAddress(role.scope, role.block);
  const at = about({ path: policy.file.path, line: policy.line });
  const wanted = normalized(trust.statement);
  const kind = isWebIdentity(wanted) ? KINDS.irsa : KINDS.pods;
  const alike = policy.statements
    .map((one, index) => ({ ...one, index }))
    .filter(({ statement }) =>
      kind === KINDS.irsa ? isWebIdentity(statement) : podStatement(statement, wanted) !== 'none',
    );
  const [first] = alike;
  if (first === undefined && policy.isPartial !== true)
    return {
      edits: [],
      findings: [{ ...at, result: 'as-is', what: `The trust policy of ${address} has no statement for ${kind.name}.` }],
    };
  const left = (why: string, line = first?.line ?? policy.line): Patch => leave(address, { ...at, line }, why, trust);
  if (first === undefined || policy.obstacle !== undefined) return left(policy.obstacle ?? '');
  const kept = trust.kept && normalized(trust.kept);
  const isKept = kept && alike.some(({ statement }) => isSameStatement(statement, kept));
  if (kept !== undefined && isKept !== true) return left('A part of the statement stays.');
  const same = alike.filter(({ statement }) => isSameStatement(statement, wanted));
  const [only, ...more] = same;
  const isBroader = kind === KINDS.pods && alike.some(({ statement }) => podStatement(statement, wanted) === 'broader');
  if (only === undefined && isBroader)
    return left('Its statement for EKS Pod Identity has no conditions, unlike the one that was removed.');
  if (only === undefined || more.length > 0) {
    return same.length === 0 && alike.every(({ statement }) => isAnother(statement, wanted, kept))
      ? {
          edits: [],
          findings: [
            {
              ...at,
              result: 'as-is',
              what: `The trust policy of ${address} does not have the statement for ${kind.name}.`,
            },
          ],
        }
      : left(`It is not certain that its statement for ${kind.plural} is the one that was removed.`);
  }
  const edits = policy.remove(only.index);
  if (edits === undefined) return left('It has no other statement.');
  return {
    edits,
    findings: [
      {
        ...at,
        line: only.line,
        result: 'changed',
        what: `The trust policy of ${address} no longer allows ${kind.name}.`,
        why: REVERT.remove,
      },
    ],
  };
}

/** Returns whether a statement certainly is not the removed one. With other actions, it would still be that. */
const isAnother = (statement: Statement, wanted: Statement, kept: Statement | undefined): boolean =>
  !isUncertain(statement) &&
  (!isSameGrant(statement, wanted) || (kept !== undefined && isSameStatement(statement, kept)));

const isUncertain = (statement: Statement): boolean =>
  JSON.stringify(statement).includes(UNKNOWN_TEXT) || statement.hasMore;

/** Modules that create a role for IRSA. Their trust policy has OIDC statements alone, as of version 6.5 (2026). */
const IRSA_MODULE = /terraform-aws-(?:modules\/)?iam.*\/\/modules\/iam-role-for-service-accounts/;

function modulesWith({ scopes }: Code, wanted: string): Role[] {
  return [...scopes.values()].flatMap((scope) =>
    scope
      .blocks('module')
      .filter(({ block }) => {
        const named = [literalOf(scope, block, 'role_name'), literalOf(scope, block, 'name')];
        return IRSA_MODULE.test(literalOf(scope, block, 'source') ?? '') && named.includes(wanted);
      })
      .map((place) => ({ ...place, scope })),
  );
}

/** Returns the roles that certainly are, or may be, the one with the ARN. */
const rolesWith = ({ scopes }: Code, arn: string, is: Answer, target: HandOff['target']): Role[] =>
  [...scopes.values()].flatMap((scope) =>
    scope
      .blocks('resource', 'aws_iam_role')
      .filter(({ block }) => {
        const path = ['aws_iam_role', block.labels[1] ?? '', 'arn'];
        const reference: Expression = { kind: 'reference', path, start: 0, end: 0, line: 0 };
        return isRoleArn(scope.valueOf(reference), arn) === is;
      })
      .filter((place) => !isInOtherAccount(scope, place, target))
      .map((place) => ({ ...place, scope })),
  );

function moduleFinding({ file, block }: Role, trust: HandOffTrust): Finding {
  const name = `module.${block.labels[0] ?? ''}`;
  return {
    ...about({ path: file.path, line: block.line }),
    result: 'left',
    what: `${name} creates the role ${trust.roleArn}, and was not changed.`,
    why: `The module's trust policy has statements for IRSA alone. ${REVERT[trust.action]}`,
    next: `Define the role as aws_iam_role, or by terraform-aws-modules/eks-pod-identity, with its trust policy, and move its state there. ${nextOf(trust)}`,
  };
}

/** Returns whether a trust policy shows that its role is not the one, or needs no change. */
function isUnconcerned(policy: Policy | undefined, { action, statement }: HandOffTrust): boolean {
  if (policy === undefined || policy.isPartial === true) return false;
  const wanted = normalized(statement);
  const statements = policy.statements.map((one) => one.statement);
  const isOfPods = (one: Statement): boolean => podStatement(one, wanted) !== 'none';
  if (action === 'remove') return !statements.some(isWebIdentity(wanted) ? isWebIdentity : isOfPods);
  const isDone = statements.some((one) => ['same', 'broader'].includes(podStatement(one, wanted)));
  return isDone || !statements.some((one) => isWebIdentity(one) || podStatement(one, wanted) === 'different');
}

/** Returns findings for roles whose name cannot be evaluated, and whose trust policy may be that of the hand-off. */
const possibleRoles = (code: Code, trust: HandOffTrust, target: HandOff['target']): Finding[] =>
  rolesWith(code, trust.roleArn, 'unknown', target).flatMap((role): Finding[] => {
    const { file, scope, block } = role;
    if (isUnconcerned(policyOf(scope, role, code.files), trust)) return [];
    return [
      {
        ...about({ path: file.path, line: block.line }),
        result: 'left',
        what: `${shownAddress(scope, block)} may be the role ${trust.roleArn}, and was not changed.`,
        why: `Its name cannot be read from the code. ${REVERT[trust.action]}`,
        next: `If it is that role: ${nextOf(trust)}`,
      },
    ];
  });

function patchOne(code: Code, trust: HandOffTrust, target: HandOff['target']): Patch {
  const roles = rolesWith(code, trust.roleArn, 'yes', target);
  const possible = roles.length === 0 ? possibleRoles(code, trust, target) : [];
  if (possible.length > 0) return { edits: [], findings: possible };
  const modules = modulesWith(code, roleName(trust.roleArn));
  if (roles.length === 0 && modules.length === 0)
    return {
      edits: [],
      findings: [
        {
          result: 'as-is',
          about: 'trust',
          what: `The role ${trust.roleArn} is not defined in this code.`,
          why: `If other code defines it, that code must change. ${REVERT[trust.action]}`,
          next: nextOf(trust),
        },
      ],
    };
  const patches = roles.map((role): Patch => {
    const isOnly = roles.length === 1 && !isRepeated(role.scope) && isPlain(role.block);
    const policy = isOnly ? policyOf(role.scope, role, code.files) : undefined;
    const address = shownAddress(role.scope, role.block);
    if (policy !== undefined) return trust.action === 'add' ? add(role, policy, trust) : remove(role, policy, trust);
    const finding: Finding = {
      ...about({
        path: role.file.path,
        line: attributeOf(role.block.body, 'assume_role_policy')?.line ?? role.block.line,
      }),
      result: 'left',
      what: `The trust policy of ${address} was not changed.`,
      why: `${isOnly ? 'It comes from an expression that this command does not read.' : 'The role has several definitions, or several instances.'} ${REVERT[trust.action]}`,
      next: nextOf(trust),
    };
    return { edits: [], findings: [finding] };
  });
  return {
    edits: patches.flatMap(({ edits }) => edits),
    findings: [
      ...patches.flatMap(({ findings }) => findings),
      ...modules.map((module) => moduleFinding(module, trust)),
    ],
  };
}

/** Patches the trust policies of a hand-off. */
export const patchTrust: Patcher = (code, { trust, target }: HandOff) => {
  const patches = trust.map((one) => patchOne(code, one, target));
  return { edits: patches.flatMap(({ edits }) => edits), findings: patches.flatMap(({ findings }) => findings) };
};
