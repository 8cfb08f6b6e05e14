/** Determines what a template allows, each right with its reasons. Every problem is an error that names it. */
import type { Assembly } from '../../sandbox/assembly/assembly.ts';
import { callingMachines } from './callers.ts';
import type { Facts, MethodFacts } from './model.ts';
import { byText, lambdaName, readersNames } from './names.ts';
import { isOpen, resourcePoliciesOf, unshownTypes } from './resource-policies.ts';
import { keyOf, rightsOf } from './rights.ts';
import { type RoleContext, roleFactsOf, type RoleKeys } from './role-facts.ts';
import { SWITCHES, type Template } from './template.ts';

/** Returns the methods of the API. A method that IAM does not authorize is a problem. */
const methodsOf = ({ apis = [], functions }: Assembly): { methods: MethodFacts[]; problems: string[] } => {
  const all = apis.flatMap(({ methods }) => methods);
  return {
    methods: all
      .map(({ httpMethod: method, path, functionArn }) => ({
        method,
        path,
        lambda: functions
          .filter((one) => functionArn.startsWith(`${one.arn}:`))
          .map(lambdaName)
          .join(', '),
      }))
      .sort((a, b) => byText(a.path + a.method, b.path + b.method)),
    problems: all
      .filter(({ authorization }) => authorization !== 'AWS_IAM')
      .map(
        ({ httpMethod, path }) =>
          `the API's ${httpMethod} ${path} is open to everybody, although every method is authorised by IAM`,
      ),
  };
};

const knownKeys = new WeakMap<Assembly, RoleKeys>();
/** Returns the rights by role. The template is read only once. */
const keysOf = (assembly: Assembly): RoleKeys => {
  const keys =
    knownKeys.get(assembly) ??
    new Map(assembly.roles.map((role) => [role.logicalId, new Set(rightsOf(role, role.logicalId).rights.map(keyOf))]));
  knownKeys.set(assembly, keys);
  return keys;
};

/** Replaces generated names in a text by readable ones. */
const namesIn = ({ assembly, keyArn, kept, logGroups, stackName }: Template): RoleContext['named'] =>
  readersNames(
    assembly,
    new Map([
      ...[...logGroups].map(([lambda, group]) => [group, `LOG-GROUP-OF-${lambda}`] as const),
      [keyArn.split('/').at(-1) ?? '', 'KEY'],
      [stackName, 'STACK'],
      ...kept,
    ]),
  );

/** Returns the Lambdas whose roles are in an output of the stack. */
const rolesIn = ({ functions, outputs }: Assembly, output: string): string[] => {
  const arns = (outputs[output] ?? '').split(',');
  return functions
    .filter(({ roleArn }) => arns.includes(roleArn))
    .map(lambdaName)
    .sort(byText);
};

/** Returns the facts. Throws an `Error` with every problem on a line. */
export const factsOf = (template: Template): Facts => {
  const { assembly, without, types } = template;
  const named = namesIn(template);
  const keysWithout = SWITCHES.map((out) => ({ out, keys: keysOf(without[out].assembly) }));
  const needsOf: RoleContext['needsOf'] = (isThere) => keysWithout.find(({ keys }) => !isThere(keys))?.out;
  const { methods, problems: openMethods } = methodsOf(assembly);
  const policies = resourcePoliciesOf(template);
  const machines = callingMachines(assembly);
  const roles = assembly.roles.map((role) => roleFactsOf(role, { template, machines, named, needsOf }));
  const problems = [
    ...unshownTypes(types),
    ...openMethods,
    ...policies.filter(isOpen).map(({ of, who, action }) => `${of} lets ${who} do ${action} without a condition`),
    ...machines.flatMap((one) => one.problems),
    ...roles.flatMap((one) => one.problems),
  ];
  if (problems.length > 0)
    throw new Error(
      `docs/permissions.md can't be made of this template:\n${problems.map((problem) => `  ${problem}`).join('\n')}`,
    );
  return {
    roles: roles.flatMap(({ facts }) => facts ?? []).sort((a, b) => byText(a.name, b.name)),
    resourcePolicies: policies
      .map((one) => ({ ...one, who: named(one.who), condition: named(one.condition) }))
      .sort((a, b) => byText(JSON.stringify(a), JSON.stringify(b))),
    methods,
    subscribed: [
      ...new Set((assembly.topics ?? []).flatMap(({ subscriptions }) => subscriptions.map(({ protocol }) => protocol))),
    ].sort(byText),
    kubernetes: rolesIn(assembly, 'KubernetesRoleArns'),
    restart: rolesIn(assembly, 'KubernetesRestartRoleArns'),
    annotate: rolesIn(assembly, 'KubernetesAnnotateRoleArns'),
  };
};
