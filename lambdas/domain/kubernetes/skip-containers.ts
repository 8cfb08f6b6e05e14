/**
 * Parses the annotation with the containers of a pod that the webhook must skip, as the webhook does: the names are the
 * first record of a CSV text, by the rules of Go's encoding/csv. A name therefore keeps the blanks around it and may be
 * quoted, and a text that is not valid CSV skips nothing.
 * Source: github.com/aws/amazon-eks-pod-identity-webhook, pkg/handler/handler.go (`getContainersToSkip`).
 */
export const SKIP_ANNOTATION = 'eks.amazonaws.com/skip-containers';

interface Field {
  name: string;
  /** What follows the field: a comma or the end of the record. */
  rest: string;
}

/** Reads up to the next comma or the end of the line. A quote in the field is an error. */
function bareField(text: string): Field | undefined {
  const name = /^[^,\n]*/.exec(text)?.[0] ?? '';
  return name.includes('"') ? undefined : { name, rest: text.slice(name.length) };
}

/** Reads a quoted field, in which a doubled quote is a quote. It may span lines, and must end before a comma. */
function quotedField(text: string): Field | undefined {
  const quoted = /^"(?:[^"]|"")*"(?=,|\n|$)/.exec(text)?.[0];
  return quoted === undefined
    ? undefined
    : { name: quoted.slice(1, -1).replaceAll('""', '"'), rest: text.slice(quoted.length) };
}

/** Returns the first record of a CSV text, after empty lines; `undefined` if there is none, or if it is malformed. */
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

/** Returns the names of the containers that the annotations of a pod or a pod template exclude from the webhook. */
export function skippedContainers(annotations: Readonly<Record<string, string>> | undefined): ReadonlySet<string> {
  return new Set(firstRecord(annotations?.[SKIP_ANNOTATION] ?? ''));
}
