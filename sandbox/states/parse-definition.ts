/** Checks definitions: their schema, that every transition has an existing target, and that labels are unique. */
import { type Definition, definition as schema, type State, type StateSet } from './definition.ts';

const setsWithin = (name: string, each: State): [where: string, set: StateSet][] =>
  each.Type === 'Map'
    ? [[`${name}.ItemProcessor`, each.ItemProcessor]]
    : each.Type === 'Parallel'
      ? each.Branches.map((branch, index): [string, StateSet] => [`${name}.Branches[${index}]`, branch])
      : [];

/** "Must be unique within a state machine definition." */
const labelsOf = ({ States }: StateSet): string[] =>
  Object.entries(States).flatMap(([name, each]) => [
    ...(each.Type === 'Map' && each.Label !== undefined ? [each.Label] : []),
    ...setsWithin(name, each).flatMap(([, set]) => labelsOf(set)),
  ]);

const repeated = (labels: string[]): string[] => [
  ...new Set(labels.filter((label, index) => labels.indexOf(label) !== index)),
];

/** Returns missing targets, and states without a transition; the schema covers the rest. */
const problemsOf = (where: string, { StartAt, States }: StateSet): string[] => {
  const targets: [path: string, target: string | undefined][] = [[`${where}StartAt`, StartAt]];
  const problems: string[] = [];
  for (const [name, each] of Object.entries(States)) {
    const path = `${where}States.${name}`;
    if ('Next' in each) targets.push([`${path}.Next`, each.Next]);
    if ('Catch' in each)
      each.Catch?.forEach((entry, index) => targets.push([`${path}.Catch[${index}].Next`, entry.Next]));
    if (each.Type === 'Choice') {
      each.Choices.forEach((rule, index) => targets.push([`${path}.Choices[${index}].Next`, rule.Next]));
      targets.push([`${path}.Default`, each.Default]);
    } else if (each.Type !== 'Succeed' && each.Type !== 'Fail' && (each.Next === undefined) !== (each.End === true)) {
      problems.push(`${path} must have either Next or End`);
    }
    for (const [inner, set] of setsWithin(path, each)) problems.push(...problemsOf(`${inner}.`, set));
  }
  for (const [path, target] of targets) {
    if (target !== undefined && !Object.hasOwn(States, target))
      problems.push(`${path} leads to ${target}, which does not exist`);
  }
  return problems;
};

/** Definitions checked earlier, shared by all sandboxes that run the same application. */
const checked = new WeakMap<object, Definition>();

/**
 * Checks a definition and fills in the defaults. Throws an Error that names the state machine and the path of every
 * problem.
 */
export const parseDefinition = (machineName: string, definition: object): Definition => {
  const cached = checked.get(definition);
  if (cached) return cached;
  const parsed = schema.safeParse(definition);
  const problems = parsed.success
    ? [
        ...problemsOf('', parsed.data),
        ...repeated(labelsOf(parsed.data)).map((label) => `the label ${label} is used more than once`),
      ]
    : parsed.error.issues.map((issue) => `${issue.path.join('.') || 'the definition'}: ${issue.message}`);
  if (!parsed.success || problems.length > 0) {
    throw new Error(
      `The sandbox cannot run the state machine ${machineName}. Correct its definition: ${problems.join('; ')}.`,
    );
  }
  checked.set(definition, parsed.data);
  return parsed.data;
};
