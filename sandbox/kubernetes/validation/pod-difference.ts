/** The difference of two pod specifications, as the API server appends it to its refusal (github.com/google/go-cmp). */
import { isDeepStrictEqual } from 'node:util';
import { isObject } from '../../json.ts';
import { quoted } from '../go/print.ts';
import type { PodSpec } from '../../objects/objects.ts';

/** Fields of the API server's internal PodSpec, in its order. */
const FIELDS = [
  'Volumes InitContainers Containers EphemeralContainers RestartPolicy TerminationGracePeriodSeconds',
  'ActiveDeadlineSeconds DNSPolicy NodeSelector ServiceAccountName AutomountServiceAccountToken NodeName SecurityContext',
  'ImagePullSecrets Hostname Subdomain SetHostnameAsFQDN Affinity SchedulerName Tolerations HostAliases',
  'PriorityClassName Priority PreemptionPolicy DNSConfig ReadinessGates RuntimeClassName Overhead EnableServiceLinks',
  'TopologySpreadConstraints OS SchedulingGates ResourceClaims Resources',
].flatMap((line) => line.split(' '));
const STRINGS = new Set([
  'RestartPolicy',
  'DNSPolicy',
  'ServiceAccountName',
  'NodeName',
  'Hostname',
  'Subdomain',
  'SchedulerName',
  'PriorityClassName',
]);
/** Fields of the API's PodSpec that are part of the internal SecurityContext. */
const OF_SECURITY_CONTEXT = ['hostNetwork', 'hostPID', 'hostIPC', 'hostUsers', 'shareProcessNamespace'];
/** Unchanged fields that are shown around a changed one. */
const CONTEXT = 2;

const valueOf = (spec: PodSpec, field: string): unknown => {
  const name = field.replace(/^(?:DNS|OS|.)/, (start) => start.toLowerCase());
  const fields = spec as Record<string, unknown>;
  if (name !== 'securityContext') return fields[name];
  const ofPod = OF_SECURITY_CONTEXT.flatMap((each) => (fields[each] === undefined ? [] : [[each, fields[each]]]));
  return { ...(fields[name] as object | undefined), ...Object.fromEntries(ofPod) };
};

const shown = (value: unknown, field: string): string => {
  if (value === undefined) return STRINGS.has(field) ? '""' : 'nil';
  if (typeof value === 'string') return STRINGS.has(field) ? quoted(value) : `&${quoted(value)}`;
  if (isObject(value) && Object.values(value).every((each) => typeof each === 'string'))
    return `{${Object.entries(value)
      .map(([key, each]) => `${quoted(key)}: ${quoted(String(each))}`)
      .join(', ')}}`;
  return typeof value === 'object' ? '{...}' : `&${JSON.stringify(value)}`;
};

/** Returns which of a run of unchanged fields are shown: those near a changed one. */
const shownOf = (length: number, isFirst: boolean, isLast: boolean): { before: number; after: number } => {
  const before = isFirst ? 0 : Math.min(CONTEXT, length);
  let after = isLast ? 0 : Math.min(CONTEXT, length - before);
  if (length - before - after === 1) after += 1;
  return { before, after };
};

/** Returns the difference; undefined if the specifications are equal. */
export const podDifference = (before: PodSpec, after: PodSpec): string | undefined => {
  const isSame = (field: string): boolean => isDeepStrictEqual(valueOf(before, field), valueOf(after, field));
  if (FIELDS.every(isSame)) return undefined;
  const runs = FIELDS.reduce<{ same: boolean; fields: string[] }[]>((all, field) => {
    const last = all.at(-1);
    if (last?.same === isSame(field)) last.fields.push(field);
    else all.push({ same: isSame(field), fields: [field] });
    return all;
  }, []);
  type Line = { mark: ' ' | '-' | '+'; field?: string; text: string };
  const lines = runs.flatMap(({ same, fields }, index): Line[] => {
    if (!same)
      return fields.flatMap((field): Line[] => [
        { mark: '-', field, text: shown(valueOf(before, field), field) },
        { mark: '+', field, text: shown(valueOf(after, field), field) },
      ]);
    const { before: head, after: tail } = shownOf(fields.length, index === 0, index === runs.length - 1);
    const line = (field: string): Line => ({ mark: ' ', field, text: shown(valueOf(before, field), field) });
    const hidden = fields.length - head - tail;
    return [
      ...fields.slice(0, head).map(line),
      ...(hidden > 0 ? [{ mark: ' ' as const, text: `... // ${hidden} identical fields` }] : []),
      ...fields.slice(fields.length - tail).map(line),
    ];
  });
  const width = Math.max(...lines.map(({ field = '' }) => field.length)) + 2;
  const texts = lines.map(
    ({ mark, field, text }) => `${mark} \t${field === undefined ? text : `${`${field}:`.padEnd(width)}${text},`}`,
  );
  return `  core.PodSpec{\n${texts.join('\n')}\n  }\n`;
};
