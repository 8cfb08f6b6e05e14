/** Whether the resource of a policy can be of a resource type of the Service Authorization Reference. */

/** One character of the template: a certain one, or any but these; `many`: or none, or more of them. */
type Token = { char: string } | { but: string; many: boolean };

/**
 * Variables whose values contain slashes, and those that also contain colons. Sources: the naming rules of each
 * service. Others contain neither, so that `bucket/*` is no bucket, and `addon/x` no add-on.
 */
const WITH_SLASHES =
  /^(RoleNameWithPath|PolicyNameWithPath|LogGroupName|LogStreamName|DocumentName|ParameterNameWithoutLeadingSlash)$/;
const WITH_BOTH = /^(ObjectName|ApiSpecificResourcePath)$/;

const tokensOf = (template: string): Token[] =>
  template.split(/(\$\{\w+\})/).flatMap((part): Token[] => {
    const name = /^\$\{(\w+)\}$/.exec(part)?.[1];
    if (name === undefined) return Array.from(part, (char) => ({ char }));
    const but = WITH_BOTH.test(name) ? '' : WITH_SLASHES.test(name) ? ':' : ':/';
    // At least one character. Some parts of an ARN may be empty, but no template of ours has such.
    return [
      { but, many: false },
      { but, many: true },
    ];
  });

const takes = (token: Token, char: string | undefined): boolean => {
  if ('char' in token) return char === undefined || token.char === char;
  return char === undefined || !token.but.includes(char);
};

/**
 * Whether some ARN is of that type and matched by the pattern, in which `*` stands for any characters and `?` for one.
 * `template`: such as `arn:${Partition}:s3:::${BucketName}`; `*` is a type that any resource is of.
 */
export const mayBeOfType = (pattern: string, template: string): boolean => {
  if (template === '*') return true;
  const tokens = tokensOf(template);
  const known = new Map<string, boolean>();
  const match = (at: number, token: number): boolean => {
    const location = `${at} ${token}`;
    const before = known.get(location);
    if (before !== undefined) return before;
    known.set(location, false);
    const [char, next] = [pattern[at], tokens[token]];
    const goesOn = next !== undefined && 'many' in next && next.many;
    const one = char === '*' || char === '?' ? undefined : char;
    const found =
      (char === undefined && next === undefined) ||
      (char === '*' && match(at + 1, token)) ||
      (goesOn && match(at, token + 1)) ||
      (char !== undefined &&
        next !== undefined &&
        takes(next, one) &&
        match(char === '*' ? at : at + 1, goesOn ? token : token + 1));
    known.set(location, found);
    return found;
  };
  return match(0, 0);
};
