/** The IRSA annotation of service accounts that Terraform code defines. */
import { ANNOTATION } from '../../../lambdas/domain/hand-off/formats/annotations.ts';
import { hclString } from '../../../lambdas/domain/hand-off/formats/hcl.ts';
import type { HandOffAnnotation } from '../../../lambdas/domain/terms/hand-off.ts';
import { all, isSingle, otherPart, partOf, shownAddress } from './addresses.ts';
import type { Code, Patcher } from './code.ts';
import { withElement, withoutElement } from './entries.ts';
import { elementLines, indentAt, newlineOf } from './lines.ts';
import type { Edit, Finding, Patch } from './model.ts';
import { removal, stepOf } from './regions.ts';
import { roleCode } from './role-code.ts';
import type { Place, Scope } from './scope.ts';
import { attributeOf, type Block, blocksOf, type Expression, textOf } from './syntax.ts';
import { type Answer, isRoleArn, isText } from './value.ts';

interface Found extends Place {
  scope: Scope;
}

const SERVICE_ACCOUNTS = ['kubernetes_service_account', 'kubernetes_service_account_v1'];

const is = (scope: Scope, { body }: Block, name: string, wanted: string): Answer => {
  const attribute = attributeOf(body, name);
  return attribute === undefined ? 'unknown' : isText(scope.valueOf(attribute.value), wanted);
};

/** Returns the resources with the metadata of the service account. */
function accountsOf({ scopes }: Code, annotation: HandOffAnnotation): (Found & { metadata: Block; isSure: boolean })[] {
  return [...scopes.values()].flatMap((scope) =>
    [...SERVICE_ACCOUNTS, 'kubernetes_annotations'].flatMap((type) =>
      scope.blocks('resource', type).flatMap(({ file, block }) => {
        const [metadata] = blocksOf(block.body, 'metadata');
        if (metadata === undefined) return [];
        const ofKind = type === 'kubernetes_annotations' ? is(scope, block, 'kind', 'ServiceAccount') : 'yes';
        const answer = all(
          ofKind,
          is(scope, metadata, 'name', annotation.serviceAccount),
          is(scope, metadata, 'namespace', annotation.namespace),
        );
        return answer === 'no' ? [] : [{ file, block, scope, metadata, isSure: answer === 'yes' }];
      }),
    ),
  );
}

const finding = (found: Found, result: Finding['result'], what: string, why?: string, next?: string): Finding => ({
  result,
  about: 'annotation',
  path: found.file.path,
  line: found.block.line,
  what: `${shownAddress(found.scope, found.block)}: ${what}`,
  ...(why !== undefined && { why }),
  ...(next !== undefined && { next }),
});

/** Removes the annotation; the whole attribute if it has no other one. */
function removalOf(found: Found, attribute: { value: Expression; start: number; end: number }): Edit | undefined {
  const { file } = found;
  const { value } = attribute;
  const entry = value.kind === 'object' ? value.entries.find(({ name }) => name === ANNOTATION) : undefined;
  if (value.kind !== 'object' || entry === undefined) return undefined;
  if (value.entries.length === 1) return removal(file, attribute);
  return withoutElement(file, value, entry);
}

const REVERT = {
  remove: 'Otherwise the next apply adds the annotation again.',
  restore: 'Otherwise the next apply removes the annotation again.',
  keep: '',
} as const;

/** Returns whether the annotations contain the IRSA annotation; `unknown` if they are an expression. */
const hasAnnotation = (value: Expression | undefined): Answer =>
  value === undefined
    ? 'no'
    : value.kind === 'object' && value.entries.every(({ name }) => name !== undefined)
      ? value.entries.some(({ name }) => name === ANNOTATION)
        ? 'yes'
        : 'no'
      : 'unknown';

/** Adds the annotation. */
function restored(found: Found & { metadata: Block }, roleArn: string): Edit[] | undefined {
  const { file, scope, metadata, block } = found;
  const attribute = attributeOf(
    block.labels[0] === 'kubernetes_annotations' ? block.body : metadata.body,
    'annotations',
  );
  const entry = `${hclString(ANNOTATION)} = ${roleCode(scope, roleArn, [])}`;
  if (attribute !== undefined) return withElement(file, attribute.value, () => entry);
  const last = metadata.body.elements.at(-1);
  if (last === undefined) return undefined;
  const [indent, newline] = [indentAt(file.text, last.start), newlineOf(file)];
  const { end } = elementLines(file, last);
  const text = [`${newline}${indent}annotations = {`, `${indent}${stepOf(indent)}${entry}`, `${indent}}`, ''].join(
    newline,
  );
  return [{ path: file.path, start: end, end, text }];
}

function patchAccount(
  found: Found & { metadata: Block; isSure: boolean },
  { action, roleArn }: HandOffAnnotation,
): Patch {
  const { metadata, block, scope } = found;
  const isOwn = block.labels[0] === 'kubernetes_annotations';
  const attribute = attributeOf(isOwn ? block.body : metadata.body, 'annotations');
  const has = hasAnnotation(attribute?.value);
  const left = (why: string): Patch => ({
    edits: [],
    findings: [
      finding(
        found,
        'left',
        'The annotations were not changed.',
        `${why} ${REVERT[action]}`,
        action === 'remove' ? `Remove ${ANNOTATION}.` : `Add ${ANNOTATION} = ${hclString(roleArn)}.`,
      ),
    ],
  });
  if (!found.isSure) {
    const entry =
      attribute?.value.kind === 'object' ? attribute.value.entries.find(({ name }) => name === ANNOTATION) : undefined;
    const isOther = entry !== undefined && isRoleArn(scope.valueOf(entry.value), roleArn) === 'no';
    return action !== 'remove' || has === 'no' || isOther
      ? { edits: [], findings: [] }
      : left('Its name cannot be read from the code, so it may be this service account.');
  }
  const other = otherPart(scope, block);
  if (other !== undefined && action !== 'keep') return left(partOf(other));
  if (action === 'keep' || has === (action === 'remove' ? 'no' : 'yes'))
    return { edits: [], findings: [finding(found, 'as-is', 'The annotations match the service account.')] };
  if (has === 'unknown') return left('They are an expression.');
  if (!isSingle(block)) return left('The resource has several instances.');
  if (action === 'restore') {
    const edits = restored(found, roleArn);
    return edits === undefined
      ? left('It has no annotations.')
      : {
          edits,
          findings: [finding(found, 'changed', `The annotation ${ANNOTATION} is there again.`, REVERT.restore)],
        };
  }
  const entries = attribute?.value.kind === 'object' ? attribute.value.entries : [];
  const entry = entries.find(({ name }) => name === ANNOTATION);
  if (entry !== undefined && isRoleArn(scope.valueOf(entry.value), roleArn) === 'no')
    return left('The annotation names another role.');
  if (isOwn && entries.length === 1) return left('The resource defines this annotation alone, so remove the resource.');
  const edit = attribute && removalOf(found, attribute);
  return edit === undefined
    ? left('They are an expression.')
    : {
        edits: [edit],
        findings: [finding(found, 'changed', `The annotation ${ANNOTATION} is removed.`, REVERT.remove)],
      };
}

/** Charts write the name with escaped dots, in `set`, or plainly in YAML. */
const NAMED = /eks\\*\.amazonaws\\*\.com\/role-arn/;

/** Releases of charts whose values contain the annotation. Values are text, which is explained and left. */
function releasesOf({ scopes }: Code, annotation: HandOffAnnotation): Finding[] {
  return [...scopes.values()].flatMap((scope) =>
    scope.blocks('resource', 'helm_release').flatMap(({ file, block }): Finding[] => {
      if (is(scope, block, 'namespace', annotation.namespace) === 'no') return [];
      const text = textOf(file, block);
      const at = NAMED.exec(text)?.index;
      if (
        at === undefined ||
        file.comments.some(({ start, end }) => block.start + at >= start && block.start + at < end)
      )
        return [];
      // A release with the ARN of another role is of another service account.
      const arns = [...text.matchAll(/arn:[\w-]+:iam::\d{12}:role\/[\w+=,.@/-]+/g)].map(([arn]) => arn);
      if (arns.length > 0 && !arns.includes(annotation.roleArn)) return [];
      const line = block.line + text.slice(0, at).split('\n').length - 1;
      const isWanted = annotation.action !== 'remove';
      return [
        {
          result: isWanted ? 'as-is' : 'left',
          about: 'annotation',
          path: file.path,
          line,
          what: `${shownAddress(scope, block)}: The values contain ${ANNOTATION}.`,
          ...(!isWanted && {
            why: `It may be that of ${annotation.namespace}/${annotation.serviceAccount}. This command does not change values of charts. ${REVERT.remove}`,
            next: 'Take the annotation out of the values.',
          }),
        },
      ];
    }),
  );
}

function patchOne(code: Code, annotation: HandOffAnnotation): Patch {
  const patches = accountsOf(code, annotation).map((found) => patchAccount(found, annotation));
  const findings = [...patches.flatMap((patch) => patch.findings), ...releasesOf(code, annotation)];
  const name = `${annotation.namespace}/${annotation.serviceAccount}`;
  const elsewhere: Finding = {
    result: 'as-is',
    about: 'annotation',
    what: `The service account ${name} is not defined in this code.`,
    ...(annotation.action !== 'keep' && {
      why: `Where it is defined, such as in the values of a chart, the annotation ${ANNOTATION} must be ${annotation.action === 'remove' ? 'removed' : 'there again'}.`,
    }),
  };
  return { edits: patches.flatMap(({ edits }) => edits), findings: findings.length === 0 ? [elsewhere] : findings };
}

/** Patches the annotations of a hand-off. */
export const patchAnnotations: Patcher = (code, { annotations }) => {
  const patches = annotations.map((annotation) => patchOne(code, annotation));
  return { edits: patches.flatMap(({ edits }) => edits), findings: patches.flatMap(({ findings }) => findings) };
};
