/** What makes a resource `aws_eks_addon` one that only a person can edit. */
import { type AddonChange, BLOCK, isNoChange, type Resource, ROLE } from './addon-state.ts';
import { attributeOf, type Block, blocksOf, type Expression } from './syntax.ts';
import { callsAround, isRepeated } from './whereabouts.ts';

export interface Limit {
  what: string;
  why: string;
}

/** Returns the names in `ignore_changes`, of which `all` is one. */
const ignoredBy = ({ body }: Block): string[] =>
  blocksOf(body, 'lifecycle').flatMap((lifecycle) => {
    const value = attributeOf(lifecycle.body, 'ignore_changes')?.value;
    const items = value?.kind === 'list' ? value.items : value === undefined ? [] : [value];
    return items.flatMap((item) => (item.kind === 'reference' ? [String(item.path[0])] : []));
  });

const isConditional = ({ scope, file }: Resource, expression: Expression): boolean => {
  const resolved = scope.resolve(expression, file)?.expression ?? expression;
  return resolved.kind === 'conditional';
};

/** Returns why the resource, or the module that contains it, has several instances. */
function manyInstances({ block, scope, file }: Resource): Limit | undefined {
  const name = block.labels.join('.');
  if (attributeOf(block.body, 'for_each') !== undefined)
    return {
      what: `${name} has for_each, so an edit of it would concern other add-ons or clusters too.`,
      why: 'One block of code defines several add-ons.',
    };
  if (!isRepeated(scope)) return undefined;
  const places = callsAround(scope)
    .map(({ place }) => `${place.file.path}:${place.block.line}`)
    .join(', ');
  return {
    what: `${name} is in a module that is called several times (${places}), so an edit of ${file.path} would concern other clusters too.`,
    why: 'One block of code defines several add-ons.',
  };
}

/** Returns why the resource is not all that defines the add-on: an override file has a part of it, or it exists twice. */
function otherParts({ block, scope }: Resource): Limit | undefined {
  const parts = scope.blocks('resource', ...block.labels).filter((place) => place.block !== block);
  const [other] = parts;
  return (
    other && {
      what: `${block.labels.join('.')} is also in ${other.file.path}:${other.block.line}.`,
      why: 'What Terraform makes of several parts depends on the names of the files.',
    }
  );
}

/** Returns why the change is left to a person; undefined if it is safe. */
export function whyNotEdited(resource: Resource, change: AddonChange, unclear: readonly Block[]): Limit | undefined {
  const { block } = resource;
  const name = block.labels.join('.');
  const several = manyInstances(resource) ?? otherParts(resource);
  if (several !== undefined) return several;
  if (blocksOf(block.body, 'dynamic', BLOCK).length > 0)
    return {
      what: `${name} has a dynamic block ${BLOCK}, whose content cannot be read from the code.`,
      why: 'The blocks depend on an expression.',
    };
  if (unclear.length > 0)
    return {
      what: `${name} has a block ${BLOCK} in line ${unclear[0]?.line}, of which it cannot be read which service account or role it is for.`,
      why: 'Its attributes are missing, or cannot be evaluated.',
    };
  if (isNoChange(change)) return undefined;
  const ignored = ignoredBy(block).filter((one) => [ROLE, BLOCK, 'all'].includes(one));
  if (ignored.length > 0)
    return {
      what: `${name} has ignore_changes with ${ignored.join(' and ')} in its lifecycle block.`,
      why: 'Terraform then does not see what the add-on has: an edit may have no effect, and a later version of the add-on may set the old role again.',
    };
  const conditional = [change.remove?.value, ...change.replace.map(({ expression }) => expression)].filter(
    (expression) => expression !== undefined && isConditional(resource, expression),
  );
  return conditional.length === 0
    ? undefined
    : {
        what: `${name} has a role that depends on a condition.`,
        why: 'The code is also meant for the case in which the condition has the other value.',
      };
}
