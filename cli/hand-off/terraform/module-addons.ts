/** Finds the add-on of a hand-off in the arguments of modules. */
import type { HandOff, HandOffAddon } from '../../../lambdas/domain/terms/hand-off.ts';
import { literalOf, otherPart, partOf } from './addresses.ts';
import type { Finding, Patch } from './model.ts';
import { type EntryToPatch, patchEntry } from './module-entry.ts';
import { type AddonModule, type Source, sourceOf } from './module-sources.ts';
import { howTo } from './module-words.ts';
import { withoutComments } from './regions.ts';
import type { Located, Place, Scope } from './scope.ts';
import { type Attribute, attributeOf, type Expression, type ObjectEntry } from './syntax.ts';
import { type Answer, isAbsent, isText } from './value.ts';
import { allows } from './versions.ts';
import { isElsewhere, isRepeated } from './whereabouts.ts';

/** A place in code that defines the add-on, or may define it. */
export interface AddonPlace {
  path: string;
  line: number;
  /** Address of the block, for a person. */
  address: string;
  /** Whether it is of the cluster. */
  cluster: Answer;
  /** Whether it is the add-on. */
  addon: Answer;
  /** Returns what must change there. */
  patch(): Patch;
}

interface Call {
  scope: Scope;
  place: Place;
  source: Source;
  /** The argument with the add-ons. */
  argument: Attribute;
  since?: string;
  note?: string;
}

/** Returns the calls of known modules that have an argument with add-ons. */
const callsOf = (scope: Scope): Call[] =>
  scope.blocks('module').flatMap((place) => {
    const source = sourceOf(scope, place.block);
    return (source?.module.addons ?? []).flatMap(({ argument: name, since, note }) => {
      const argument = attributeOf(place.block.body, name);
      if (source === undefined || argument === undefined) return [];
      return [{ scope, place, source, argument, ...(since && { since }), ...(note && { note }) }];
    });
  });

const clusterAnswer = ({ scope, place: { block }, source: { module } }: Call, cluster: string): Answer => {
  const argument = module.cluster.map((name) => attributeOf(block.body, name)).find((found) => found !== undefined);
  return argument === undefined ? 'unknown' : isText(scope.valueOf(argument.value), cluster);
};

/** Returns the entry of an object. */
export const entryOf = (object: Expression, name: string): ObjectEntry | undefined =>
  object.kind === 'object' ? object.entries.find((entry) => entry.name === name) : undefined;

/** An element that is the add-on, or may be it. */
interface Candidate {
  value: Expression;
  line: number;
  answer: Answer;
}

/** Returns whether the element has the add-on's name. Its key is the name unless the element has another. */
function nameAnswer(scope: Scope, value: Expression, key: string | undefined, named: string, addon: string): Answer {
  const name = entryOf(value, named);
  const own = name && scope.valueOf(name.value);
  if (own !== undefined && !isAbsent(own)) return isText(own, addon);
  // An expression may contain a name of its own, which takes precedence.
  if (key === undefined) return 'unknown';
  return key === addon ? 'yes' : 'no';
}

const candidatesOf = ({ shape }: AddonModule, { expression, scope }: Located, addon: string): Candidate[] => {
  const elements =
    shape === 'map' && expression.kind === 'object'
      ? expression.entries.map(({ value, name, line }) => ({
          value,
          line,
          answer: nameAnswer(scope, value, name, 'name', addon),
        }))
      : shape === 'list' && expression.kind === 'list'
        ? expression.items.map((value) => ({
            value,
            line: value.line,
            answer: nameAnswer(scope, value, undefined, 'addon_name', addon),
          }))
        : [];
  return elements.filter(({ answer }) => answer !== 'no');
};

const isLiteral = ({ shape }: AddonModule, { kind }: Expression): boolean =>
  kind === (shape === 'map' ? 'object' : 'list');

const addressOf = ({ place: { block } }: Call): string => `module.${block.labels[0] ?? ''}`;

/** Returns how often the code of the folder refers to the local. */
function usesOf(scope: Scope, name: string): number {
  const reference = new RegExp(String.raw`\blocal\.${name}(?![\w-])`, 'g');
  return scope.files.reduce((sum, file) => sum + (withoutComments(file, file.body).match(reference)?.length ?? 0), 0);
}

/** Returns why the argument of the call can't be edited. */
function obstacleOf(call: Call, located: Located | undefined): string | undefined {
  const { scope, place, argument, source } = call;
  if (attributeOf(place.block.body, 'for_each') !== undefined)
    return 'The module has for_each, so one block defines the add-ons of several clusters.';
  if (isRepeated(scope)) return 'It is in a module that has several instances, and a change would affect all of them.';
  const other = otherPart(scope, place.block);
  if (other !== undefined) return partOf(other);
  const { value } = argument;
  if (located === undefined || !isLiteral(source.module, located.expression))
    return `${argument.name} is an expression, which this command does not change.`;
  if (value === located.expression) return undefined;
  const [root, name] = value.kind === 'reference' ? value.path : [];
  if (root !== 'local') return `${argument.name} comes from a variable, which other values may replace.`;
  if (located.scope === scope && usesOf(scope, String(name)) === 1) return undefined;
  return `local.${String(name)} is used in several places, and a change would affect all of them.`;
}

const left = (call: Call, addon: string, why: string, next: string, line = call.argument.line): Finding => ({
  result: 'left',
  about: 'addon',
  path: call.place.file.path,
  line,
  what: `${addressOf(call)} defines ${addon}, and was not changed.`,
  why,
  next,
});

/** Returns why the module can't have associations: it is another module, or a version that is too old. */
function versionObstacle({ scope, place, source, argument, since }: Call): { why: string; next: string } | undefined {
  const { module, ref } = source;
  if (module.associations === undefined)
    return {
      why: `${module.name} has no argument for associations (terraform-aws-eks-blueprints-addons#289).`,
      next: `Define the add-on as a resource aws_eks_addon with pod_identity_association, next to the module: take its entry out of ${argument.name}, and add a block removed for its former address and a block import for its new one.`,
    };
  const version = ref ?? literalOf(scope, place.block, 'version');
  if (since === undefined || version === undefined || allows(version, since)?.sufficient !== false) return undefined;
  return {
    why: `Version ${JSON.stringify(version)} of ${module.name} has no pod_identity_association in ${argument.name}; version ${since} has.`,
    next: `Update the module to ${since} or newer, apply that with the former code before the migration, and run this command again.`,
  };
}

/** Returns what to know of a change: that older versions of the module are allowed, and the version's own note. */
function notesOf({ scope, place, source, since, note }: Call): Pick<EntryToPatch, 'needs' | 'note'> {
  const version = source.ref ?? literalOf(scope, place.block, 'version');
  const older = since !== undefined && version !== undefined && allows(version, since)?.older === true;
  const needs = `It needs version ${since ?? ''} of ${source.module.name} or newer: run terraform init -upgrade if yours is older.`;
  return { ...(older && { needs }), ...(note !== undefined && { note }) };
}

/** Returns what a call says about the add-on. */
function placesOf(call: Call, addon: HandOffAddon, cluster: Answer): AddonPlace[] {
  const { scope, place, source, argument } = call;
  const located = scope.resolve(argument.value, place.file);
  const obstacle = obstacleOf(call, located);
  const address = addressOf(call);
  const leave = (why: string, next: string, path: string, line: number) => () => ({
    edits: [],
    findings: [{ ...left(call, addon.name, why, next, line), path }],
  });
  const tooOld = versionObstacle(call);
  const isVariable = argument.value.kind === 'reference' && argument.value.path[0] === 'var';
  if (located === undefined || isVariable || !isLiteral(source.module, located.expression)) {
    const { path } = place.file;
    const { line } = argument;
    // An expression that names the add-on defines it.
    const isNamed = withoutComments(place.file, argument.value).includes(addon.name);
    const patch = leave(tooOld?.why ?? obstacle ?? '', tooOld?.next ?? howTo(source.module, addon), path, line);
    return [{ path, line, address, cluster, addon: isNamed ? 'yes' : 'unknown', patch }];
  }
  const { path } = located.file;
  return candidatesOf(source.module, located, addon.name).map(({ value, line, answer }) => {
    const why = tooOld?.why ?? obstacle;
    const patch =
      why === undefined
        ? () =>
            patchEntry({
              located: { ...located, expression: value },
              addon,
              address,
              line,
              source,
              isSure: cluster === 'yes',
              ...notesOf(call),
            })
        : leave(why, tooOld?.next ?? howTo(source.module, addon), path, line);
    return { path, line, address, cluster, addon: answer, patch };
  });
}

/** Returns what the calls of modules say about the add-on. */
export function addonsInModules(scopes: Iterable<Scope>, { addon, target }: HandOff): AddonPlace[] {
  if (addon === undefined) return [];
  return [...scopes].flatMap(callsOf).flatMap((call) => {
    const cluster = clusterAnswer(call, target.cluster);
    if (cluster === 'no' || isElsewhere(call.scope, call.place, target)) return [];
    return placesOf(call, addon, cluster);
  });
}
