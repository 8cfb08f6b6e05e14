/**
 * What the parser returns for Terraform code: blocks, attributes and expressions with the regions that they occupy.
 * Offsets are UTF-16 code units of the file's text, as in `Edit`.
 */

export interface Span {
  start: number;
  end: number;
}

/** An element of a reference: a name, or a literal index. `aws_iam_role.ebs[0].arn` has four. */
export type PathElement = string | number;

/** Parts of a template, of which texts are unescaped. A directive such as `%{ if … }` is an expression of kind `other`. */
export type TemplatePart = string | Expression;

export interface ObjectEntry extends Span {
  key: Expression;
  /** Absent if the key is an expression that is neither a name nor a string without templates. */
  name?: string;
  value: Expression;
  /** First line is 1. */
  line: number;
}

type Kind =
  | { kind: 'string'; parts: TemplatePart[]; heredoc: boolean }
  | { kind: 'literal'; value: number | boolean | null }
  | { kind: 'reference'; path: PathElement[] }
  | { kind: 'object'; entries: ObjectEntry[] }
  | { kind: 'list'; items: Expression[] }
  | { kind: 'call'; name: string; arguments: Expression[] }
  | { kind: 'conditional'; condition: Expression; yes: Expression; no: Expression }
  | { kind: 'other' };

/** An expression. Its span includes brackets around it. */
export type Expression = Span & { line: number } & Kind;

export interface Comment extends Span {
  /** Without the line end. */
  text: string;
  line: number;
}

export interface Attribute extends Span {
  is: 'attribute';
  name: string;
  /** Span of the name alone. */
  nameSpan: Span;
  /** Offset of the equals sign. */
  equals: number;
  value: Expression;
  line: number;
}

/** What is between the braces of a block, or the whole file. */
export interface Body extends Span {
  /** In the order of the file. */
  elements: (Attribute | Block)[];
}

export interface Block extends Span {
  is: 'block';
  type: string;
  labels: string[];
  /** From behind `{` to `}`. */
  body: Body;
  line: number;
}

export interface ParsedFile {
  path: string;
  /** As it was read, including a byte order mark. */
  text: string;
  body: Body;
  /** All comments, those within expressions included, in the order of the file. */
  comments: Comment[];
  /** Line of the first syntax error. Absent if there is none. */
  errorLine?: number;
}

/** Returns the attribute with the name. */
export const attributeOf = ({ elements }: Body, name: string): Attribute | undefined =>
  elements.find((element): element is Attribute => element.is === 'attribute' && element.name === name);

/** Returns the blocks of a type, with the labels that are given. */
export const blocksOf = ({ elements }: Body, type: string, ...labels: string[]): Block[] =>
  elements.filter(
    (element): element is Block =>
      element.is === 'block' &&
      element.type === type &&
      labels.every((label, index) => element.labels[index] === label),
  );

/** Returns the text of a region of the file. */
export const textOf = ({ text }: ParsedFile, { start, end }: Span): string => text.slice(start, end);
