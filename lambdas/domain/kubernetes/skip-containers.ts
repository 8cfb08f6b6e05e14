/**
 * Which containers of a pod its annotation tells the webhook to leave alone, read as the webhook reads it: the names
 * are the first record of a CSV text, by the rules of Go's encoding/csv. So a name keeps the blanks around it, may be
 * quoted, and a text that is no CSV skips nothing.
 * Source: github.com/aws/amazon-eks-pod-identity-webhook, pkg/handler/handler.go (`getContainersToSkip`).
 */
const SKIP_ANNOTATION = 'eks.amazonaws.com/skip-containers';

interface Field {
  name: string;
  /** What follows the field: a comma or the end of the record. */
  rest: string;
}

/** Up to the next comma or the end of the line; a quote inside of it is a mistake. */
function bareField(text: string): Field | undefined {
  const name = /^[^,\n]*/.exec(text)?.[0] ?? '';
  return name.includes('"') ? undefined : { name, rest: text.slice(name.length) };
}

/** Between quotes, of which a doubled one is meant; it may go over several lines, but has to end before a comma. */
function quotedField(text: string): Field | undefined {
  const quoted = /^"(?:[^"]|"")*"(?=,|\n|$)/.exec(text)?.[0];
  return quoted === undefined
    ? undefined
    : { name: quoted.slice(1, -1).replaceAll('""', '"'), rest: text.slice(quoted.length) };
}

/** The first record of a CSV text, after empty lines; undefined where there is none, or it is malformed. */
function firstRecord(csv: string): string[] | undefined {
  let rest = csv.replaceAll('\r\n', '\n').replace(/\r$/, '').replace(/^\n+/, '');
  if (rest === '') return undefined;
  const names: string[] = [];
  for (;;) {
    const field = rest.startsWith('"') ? quotedField(rest) : bareField(rest);
    if (field === undefined) return undefined;
    names.push(field.name);
    if (!field.rest.startsWith(',')) return names;
    rest = field.rest.slice(1);
  }
}

/** Returns the names that the annotations of a pod, or of a template of pods, exclude from the webhook's work. */
export function skippedContainers(annotations: Readonly<Record<string, string>> | undefined): ReadonlySet<string> {
  return new Set(firstRecord(annotations?.[SKIP_ANNOTATION] ?? ''));
}
