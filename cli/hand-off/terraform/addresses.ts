/** Blocks by what they define, and the places that refer to them. */
import { withoutComments } from './regions.ts';
import type { Place, Scope } from './scope.ts';
import { attributeOf, type Block, type ParsedFile, textOf } from './syntax.ts';
import { type Answer, knownText } from './value.ts';

/** Returns the address of a resource within its module. */
export const addressOf = ({ labels }: Block): string => labels.slice(0, 2).join('.');

/** Returns the address with the folder of a local module, for a person. */
export const shownAddress = ({ folder }: Scope, block: Block): string =>
  folder === '.' ? addressOf(block) : `${addressOf(block)} in ${folder}`;

/** Returns whether a block has one instance, or `count` of them. */
export const isPlain = ({ body }: Block): boolean => attributeOf(body, 'for_each') === undefined;

/** Returns whether a block has neither `count` nor `for_each`. */
export const isSingle = (block: Block): boolean => isPlain(block) && attributeOf(block.body, 'count') === undefined;

/** Returns the code of an attribute without comments; the empty text if there is none. */
export const codeOf = (file: ParsedFile, { body }: Block, name: string): string => {
  const attribute = attributeOf(body, name);
  return attribute === undefined ? '' : withoutComments(file, attribute.value).trim();
};

/** Returns the literal text of an attribute. */
export const literalOf = (scope: Scope, { body }: Block, name: string): string | undefined => {
  const attribute = attributeOf(body, name);
  return attribute === undefined ? undefined : knownText(scope.valueOf(attribute.value));
};

/** Returns the `import`, `moved` or `removed` blocks that name the address. */
export const blocksAbout = (scope: Scope, type: 'import' | 'removed', address: string): Place[] =>
  scope.blocks(type).filter(({ file, block }) => codeOf(file, block, type === 'import' ? 'to' : 'from') === address);

/** Returns another block with the same address, such as one in an override file. */
export const otherPart = (scope: Scope, block: Block): Place | undefined =>
  scope.blocks(block.type, ...block.labels).find((place) => place.block !== block);

/** Returns the sentence about such a block. */
export const partOf = ({ file, block }: Place): string =>
  `${file.path}:${String(block.line)} defines it, too, and what Terraform makes of several parts depends on the names of the files.`;

/** Returns file and line of each place that refers to the address, apart from the given blocks. */
export function referencesTo(
  scope: Scope,
  address: string,
  except: readonly Block[],
): { path: string; line: number }[] {
  const reference = new RegExp(String.raw`(?<![\w.-])${address.replaceAll('.', String.raw`\.`)}(?![\w-])`, 'g');
  return scope.files.flatMap((file) =>
    [...file.text.matchAll(reference)].flatMap(({ index }) => {
      const inside = (span: { start: number; end: number }): boolean => index >= span.start && index < span.end;
      const counts = !file.comments.some(inside) && !except.some((block) => isIn(file, block) && inside(block));
      return counts ? [{ path: file.path, line: textOf(file, { start: 0, end: index }).split('\n').length }] : [];
    }),
  );
}

const isIn = ({ body }: ParsedFile, block: Block): boolean => body.elements.includes(block);

/** Returns whether all are so; `unknown` if that depends on what the code does not determine. */
export const all = (...answers: Answer[]): Answer =>
  answers.includes('no') ? 'no' : answers.includes('unknown') ? 'unknown' : 'yes';
