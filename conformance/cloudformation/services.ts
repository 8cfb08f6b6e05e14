/** Brings what moto's services answer and what the sandbox deploys into the same form. */
import type { AssemblyApi } from '../../sandbox/assembly/apis.ts';
import type { AssemblyTable } from '../../sandbox/assembly/assembly.ts';
import type { AssemblyFunction } from '../../sandbox/assembly/functions.ts';
import type { AssemblyRole } from '../../sandbox/assembly/roles.ts';
import type { AssemblyTarget } from '../../sandbox/assembly/rules.ts';
import { isObject, type Json } from '../../sandbox/json.ts';
import type { MotoRole, MotoServices } from './moto.ts';
import type { Deployed } from './sandbox-stack.ts';

/** By kind and ARN or name. */
export type Facts = Record<string, Record<string, unknown>>;

const byKey = <T>(list: readonly T[], keyOf: (one: T) => string, valueOf: (one: T) => unknown) =>
  Object.fromEntries(list.map((one) => [keyOf(one), valueOf(one)]));

const mapped = <T>(record: Readonly<Record<string, T>>, valueOf: (one: T) => unknown) =>
  Object.fromEntries(Object.entries(record).map(([key, value]) => [key, valueOf(value)]));

const exists = (): string => 'exists';

/** Leaves out null, which Python writes for what is not there. */
const withoutNull = (value: Json): Json =>
  Object.fromEntries(Object.entries(value).filter(([, each]) => each !== null));

const motoRole = ({ trustPolicy, inline, managed, boundary }: MotoRole): Json => {
  const isForeign = ([, document]: [string, unknown]): boolean => document === null;
  const attached = Object.entries(managed);
  return {
    trustPolicy,
    policies: {
      ...inline,
      ...Object.fromEntries(
        attached.filter((one) => !isForeign(one)).map(([arn, document]) => [arn.split('/').at(-1) ?? arn, document]),
      ),
    },
    managedPolicyArns: attached.filter(isForeign).map(([arn]) => arn),
    ...(boundary === null ? {} : { permissionsBoundary: boundary }),
  };
};

const sandboxRole = ({ trustPolicy, policies, managedPolicyArns, permissionsBoundary }: AssemblyRole): Json => ({
  trustPolicy,
  policies: byKey(
    policies,
    ({ name }) => name,
    ({ document }) => document,
  ),
  managedPolicyArns,
  ...(permissionsBoundary === undefined ? {} : { permissionsBoundary: permissionsBoundary.arn }),
});

const motoTarget = (target: Json): AssemblyTarget => {
  const { DeadLetterConfig: deadLetters, InputTransformer: transformer } = target;
  const text = (from: string, to: string): Record<string, string> =>
    typeof target[from] === 'string' ? { [to]: target[from] } : {};
  return {
    id: String(target['Id']),
    arn: String(target['Arn']),
    ...text('RoleArn', 'roleArn'),
    ...(isObject(deadLetters) ? { deadLetterArn: String(deadLetters['Arn']) } : {}),
    ...text('Input', 'input'),
    ...text('InputPath', 'inputPath'),
    ...(isObject(transformer)
      ? {
          inputTransformer: {
            paths: (transformer['InputPathsMap'] ?? {}) as Record<string, string>,
            template: String(transformer['InputTemplate']),
          },
        }
      : {}),
  };
};

const UNITS: Record<string, number> = { minute: 60, hour: 3600, day: 86_400 };

/** Returns the seconds of `rate(5 minutes)`; undefined for any other schedule. */
const secondsOf = (schedule: string): number | undefined => {
  const [, count, unit = ''] = /^rate\((\d+) (minute|hour|day)s?\)$/.exec(schedule) ?? [];
  return count === undefined ? undefined : Number(count) * (UNITS[unit] ?? 0);
};

const sandboxMethods = ({ methods }: AssemblyApi): Json =>
  byKey(
    methods,
    ({ httpMethod, path }) => `${httpMethod} ${path}`,
    ({ authorization, functionArn }) => ({ authorization, functionArn }),
  );

/** `arn:aws:apigateway:REGION:lambda:path/2015-03-31/functions/FUNCTION-ARN/invocations` */
const invoked = (uri: string | null): string => /\/functions\/(.+)\/invocations$/.exec(uri ?? '')?.[1] ?? String(uri);

/** Returns what moto's services answered. */
export const motoFacts = (services: MotoServices): Facts => ({
  roles: mapped(services.roles, motoRole),
  functions: services.functions,
  stateMachines: services.stateMachines,
  tables: services.tables,
  rules: mapped(services.rules, ({ name, pattern, schedule, targets }) =>
    withoutNull({
      name,
      pattern,
      everySeconds: schedule === null ? null : secondsOf(schedule),
      targets: targets.map(motoTarget),
    }),
  ),
  buckets: mapped(services.buckets, ({ versioning }) => ({ isVersioned: versioning === 'Enabled' })),
  methods: Object.assign(
    {},
    ...Object.values(services.apis).map(({ methods }) =>
      mapped(methods, ({ authorization, uri }) => ({ authorization, functionArn: invoked(uri) })),
    ),
  ) as Json,
  queues: byKey(services.queues, String, exists),
  topics: byKey(services.topics, String, exists),
});

const sandboxFunction = ({
  handler,
  timeoutSeconds,
  memoryMb,
  environment,
  roleArn,
  versionArns,
}: AssemblyFunction): Json => ({
  handler,
  timeoutSeconds,
  memoryMb,
  environment,
  roleArn,
  versions: versionArns.toSorted(),
});

const sandboxTable = ({
  name,
  keySchema,
  attributeDefinitions,
  globalSecondaryIndexes: indexes,
  billingMode,
}: AssemblyTable): Json => ({ name, keySchema, attributeDefinitions, indexes, billingMode });

interface WithArn {
  arn: string;
}
const byArn = <T extends WithArn>(list: readonly T[] = [], valueOf: (one: T) => unknown): Record<string, unknown> =>
  byKey(list, ({ arn }) => arn, valueOf);
/** Returns what the sandbox deploys. What it has none of in a spoke stack is empty. */
export const sandboxFacts = ({
  roles,
  rules,
  functions,
  stateMachines,
  tables,
  buckets = [],
  apis = [],
  queues,
  topics,
}: Deployed): Facts => ({
  roles: byArn(roles, sandboxRole),
  functions: byArn(functions, sandboxFunction),
  stateMachines: byArn(stateMachines, ({ name, roleArn, definition }) => ({ name, roleArn, definition })),
  tables: byArn(tables, sandboxTable),
  rules: byArn(rules, ({ name, pattern, everySeconds, targets }) => ({ name, pattern, everySeconds, targets })),
  buckets: byKey(
    buckets,
    ({ name }) => name,
    ({ isVersioned }) => ({ isVersioned }),
  ),
  methods: Object.assign({}, ...apis.map(sandboxMethods)) as Json,
  queues: byArn(queues, exists),
  topics: byArn(topics, exists),
});
