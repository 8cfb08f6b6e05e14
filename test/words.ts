/**
 * Returns the words of a list or of a command line, as a tag of a template: the text is split at blanks, a value is one
 * word, and a list is several.
 */
export const words = (texts: TemplateStringsArray, ...values: (string | readonly string[])[]): string[] =>
  texts.flatMap((text, index) => [text.split(/\s+/).filter(Boolean), values[index] ?? []].flat());
