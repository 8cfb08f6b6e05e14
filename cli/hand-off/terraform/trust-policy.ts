/** Reads trust policies in code, and edits their statements. */
import { blockLines, valueLines } from '../../../lambdas/domain/hand-off/formats/hcl.ts';
import { hclOf, statementBlock } from '../../../lambdas/domain/hand-off/formats/statement.ts';
import type { HandOffTrust } from '../../../lambdas/domain/terms/hand-off.ts';
import { addressOf, isPlain, otherPart, partOf, referencesTo } from './addresses.ts';
import { withElement, withoutElement } from './entries.ts';
import { elementLines, indentAt, newlineOf } from './lines.ts';
import { calledFile } from './file-calls.ts';
import type { CodeFile, Edit } from './model.ts';
import { removal } from './regions.ts';
import type { Located, Place, Scope } from './scope.ts';
import { jsonOf, normalized, type Statement, statementOf, UNKNOWN_TEXT } from './statements.ts';
import { attributeOf, type Block, blocksOf, type Expression, type ParsedFile } from './syntax.ts';
import { knownText } from './value.ts';
import { inlineValue, written } from './written.ts';

/** A trust policy in code. */
export interface Policy {
  /** Statements in the order of the code, each with its line. */
  statements: { statement: Statement; line: number }[];
  file: ParsedFile;
  line: number;
  /** Why a person must change it; absent if this command can. */
  obstacle?: string;
  /** Why not even a statement that is there is certain to apply; absent if it is. */
  uncertain?: string;
  /** Whether it has statements that are not known here. */
  isPartial?: boolean;
  add(statement: HandOffTrust['statement']): Edit[] | undefined;
  remove(index: number): Edit[] | undefined;
}

const listOf = (value: unknown): unknown[] => (Array.isArray(value) ? value : [value]);

/** Returns the policy of a data source `aws_iam_policy_document`. */
function documentPolicy(scope: Scope, { file, block }: Place, role: Block): Policy {
  const statements = blocksOf(block.body, 'statement');
  const address = `data.${addressOf(block)}`;
  const [shared] = referencesTo(scope, address, [role]);
  const composed = ['source_policy_documents', 'override_policy_documents', 'source_json', 'override_json'].find(
    (name) => attributeOf(block.body, name) !== undefined,
  );
  const isDynamic = blocksOf(block.body, 'dynamic').length > 0;
  const part = otherPart(scope, block);
  const overridden = composed?.startsWith('override') === true;
  const uncertain =
    part !== undefined
      ? partOf(part)
      : overridden
        ? `${address} has ${composed}, which may replace each of its statements.`
        : undefined;
  const [obstacle] = [
    ...(uncertain === undefined ? [] : [uncertain]),
    ...(isPlain(block) ? [] : [`${address} has for_each, and defines several policies.`]),
    ...(composed === undefined ? [] : [`${address} has ${composed}, whose statements are not known here.`]),
    ...(isDynamic ? [`${address} has a dynamic block, whose statements are not known here.`] : []),
    ...(shared === undefined
      ? []
      : [`${address} is also used in ${shared.path}:${String(shared.line)}, and a change would affect that, too.`]),
  ];
  return {
    statements: statements.map((one) => ({ statement: normalized(statementOf(scope, one)), line: one.line })),
    file,
    line: block.line,
    ...(obstacle !== undefined && { obstacle }),
    ...(uncertain !== undefined && { uncertain }),
    isPartial: uncertain !== undefined || composed !== undefined || isDynamic,
    add: (statement) => {
      const last = statements.at(-1);
      const wanted = statementBlock(statement);
      if (last === undefined || wanted === undefined) return undefined;
      const indent = indentAt(file.text, last.start);
      const { end } = elementLines(file, last);
      const text = `${newlineOf(file)}${indent}${written(file, blockLines(wanted), indent)}${newlineOf(file)}`;
      return [{ path: file.path, start: end, end, text }];
    },
    remove: (index) => {
      const removed = statements[index];
      if (removed === undefined || statements.length < 2) return undefined;
      return [removal(file, removed)];
    },
  };
}

/** Returns the policy of `jsonencode({ … })`. */
function encodedPolicy({ scope, file }: Located, object: Expression): Policy {
  const entry = object.kind === 'object' ? object.entries.find(({ name }) => name === 'Statement') : undefined;
  const list = entry?.value;
  const isList = list?.kind === 'list';
  const items = isList ? list.items : list === undefined ? [] : [list];
  return {
    statements: items.map((item) => ({ statement: normalized(jsonOf(scope, item)), line: item.line })),
    file,
    line: object.line,
    ...(!isList && { obstacle: 'Its Statement is not a list.' }),
    add: (statement) =>
      isList
        ? withElement(file, list, (indent) => {
            const inline = !file.text.slice(list.start, list.end).includes('\n');
            return inline ? inlineValue(hclOf(statement)) : written(file, valueLines(hclOf(statement)), indent);
          })
        : undefined,
    remove: (index) => {
      const item = items[index];
      return isList && item !== undefined && items.length > 1 ? [withoutElement(file, list, item)] : undefined;
    },
  };
}

/** Returns the policy that is a JSON text; undefined if it is not JSON. */
function jsonPolicy({ file }: Located, text: string, line: number, obstacle: string): Policy | undefined {
  let policy: unknown;
  try {
    policy = JSON.parse(text);
  } catch {
    return undefined;
  }
  const given = typeof policy === 'object' && policy !== null && 'Statement' in policy ? policy.Statement : [];
  return {
    statements: listOf(given).map((one) => ({ statement: normalized(one), line })),
    file,
    line,
    obstacle,
    add: () => undefined,
    remove: () => undefined,
  };
}

/** Returns the text of a string, such as a heredoc. */
const textOf = (scope: Scope, { parts }: Expression & { kind: 'string' }): string =>
  parts.map((part) => (typeof part === 'string' ? part : (knownText(scope.valueOf(part)) ?? UNKNOWN_TEXT))).join('');

/**
 * Returns the trust policy of a role; undefined if the code does not show it. `files` are those of the directory, with
 * those that its code reads.
 */
export function policyOf(scope: Scope, { file, block }: Place, files: readonly CodeFile[]): Policy | undefined {
  if (otherPart(scope, block) !== undefined) return undefined;
  const attribute = attributeOf(block.body, 'assume_role_policy');
  const located = attribute && scope.resolve(attribute.value, file);
  if (located === undefined) return undefined;
  const { expression } = located;
  if (expression.kind === 'reference') {
    const [data, type, name, ...rest] = expression.path;
    if (data !== 'data' || type !== 'aws_iam_policy_document' || rest.at(-1) !== 'json') return undefined;
    const [place] = located.scope.blocks('data', 'aws_iam_policy_document', String(name));
    return place && documentPolicy(located.scope, place, block);
  }
  const [argument] = expression.kind === 'call' && expression.name === 'jsonencode' ? expression.arguments : [];
  if (argument?.kind === 'object') return encodedPolicy(located, argument);
  const { line } = expression;
  if (expression.kind === 'string')
    return jsonPolicy(
      located,
      textOf(located.scope, expression),
      line,
      'The policy is JSON text, which this command does not change.',
    );
  const called = calledFile(located.file.path, expression, files);
  return (
    called &&
    jsonPolicy(located, called.text, line, `The policy is in ${called.path}, which this command does not change.`)
  );
}
