/** Writes YAML that every parser reads alike. Texts from the account are untrusted: each is quoted or escaped. */
import { Document, isScalar, Scalar, visit } from 'yaml';
import { isPrintable } from '../../text/text.ts';

/** Plain texts that YAML 1.1 does not read as texts, and that the library does not quote: a merge, a default value. */
const SPECIAL = ['<<', '='];
/** Parsers agree on these characters. Texts with others are quoted. */
const ASCII = /^[!-~](?:[ -~]*[!-~])?$/;
const isToBeQuoted = (text: string): boolean => SPECIAL.includes(text) || !ASCII.test(text);

/**
 * Returns the lines of a value. Texts that YAML 1.1 reads as another type, such as `yes`, are quoted, since cfn-lint,
 * CloudFormation and eksctl read YAML 1.1. What is not shown as itself is written as its number.
 */
export function yamlLines(value: unknown): string[] {
  const document = new Document(value, {
    version: '1.1',
    aliasDuplicateObjects: false,
    // With it, a text `<<` is never quoted.
    customTags: (tags) => tags.filter((tag) => typeof tag === 'string' || tag.tag !== 'tag:yaml.org,2002:merge'),
  });
  visit(document, {
    Scalar: (_, node) => {
      if (isScalar(node) && typeof node.value === 'string' && isToBeQuoted(node.value)) node.type = Scalar.QUOTE_DOUBLE;
    },
  });
  return document
    .toString({ lineWidth: 0, blockQuote: false, doubleQuotedAsJSON: true, directives: false })
    .replace(/\n$/, '')
    .split('\n')
    .map((line) => line.replaceAll(/./gsu, (character) => (isPrintable(character) ? character : numbered(character))));
}

function numbered(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  const hex = code.toString(16);
  return code > 0xffff ? `\\U${hex.padStart(8, '0')}` : `\\u${hex.padStart(4, '0')}`;
}
