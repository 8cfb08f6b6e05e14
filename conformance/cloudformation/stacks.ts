/** Compares a stack that moto has created with the same stack in the sandbox. */
import { compared, type Comparison, type Leaf, together } from './compare.ts';
import type { MotoResource, MotoStack } from './moto.ts';
import { motoRename, type Rename, renamed, sandboxRename } from './names.ts';
import { NOT_CREATED } from './not-created.ts';
import type { SandboxStack } from './sandbox-stack.ts';
import { motoFacts, sandboxFacts } from './services.ts';

/** Types whose `Ref` is an id that AWS, moto and the sandbox each make in their own way. */
const OPAQUE = new Set([
  'AWS::ApiGateway::RestApi',
  'AWS::ApiGateway::Resource',
  'AWS::ApiGateway::Deployment',
  'AWS::KMS::Key',
]);
/** Attributes of theirs that are ids as well. */
const OPAQUE_ATTRIBUTES = ['RootResourceId'];

/** Renames what each of the worlds has generated. */
export interface Renames {
  moto: Rename;
  sandbox: Rename;
}

export interface StackComparison extends Comparison {
  /** How many resources moto has created, and how many it has resolved. */
  created: number;
  resolved: number;
  /** For stacks that get outputs of this one. */
  rename: Renames;
}

/** The ids of resources, by what replaces them in both worlds. */
const idsOf = (moto: MotoStack, sandbox: SandboxStack): Record<'moto' | 'sandbox', Record<string, string>> => {
  const ids: Record<'moto' | 'sandbox', Record<string, string>> = {
    moto: { '<StackId>': moto.stackId },
    sandbox: { '<StackId>': sandbox.stackId },
  };
  for (const [logicalId, { type, ref, attributes }] of Object.entries(moto.resources)) {
    const own = sandbox.resources[logicalId];
    if (!OPAQUE.has(type) || !own) continue;
    ids.moto[`<${logicalId}>`] = ref ?? '';
    ids.sandbox[`<${logicalId}>`] = own.ref ?? '';
    for (const name of OPAQUE_ATTRIBUTES.filter((each) => typeof attributes[each] === 'string')) {
      ids.moto[`<${logicalId}.${name}>`] = String(attributes[name]);
      ids.sandbox[`<${logicalId}.${name}>`] = sandbox.attribute(logicalId, name);
    }
  }
  return ids;
};

/** Compares how a resource came to be with the list of types that moto cannot create. */
const creation = (logicalId: string, { type, createdBy, listed }: MotoResource): Leaf[] => {
  const expected = NOT_CREATED[type]?.by ?? 'moto';
  const path = `${type} ${logicalId}`;
  if (createdBy !== expected) return [{ path, real: `created by ${createdBy}`, sandbox: `expected: by ${expected}` }];
  return createdBy === 'moto' && !listed ? [{ path, real: 'not among the stack’s resources', sandbox: 'exists' }] : [];
};

const UNCHANGED: Renames = { moto: (text) => text, sandbox: (text) => text };

/** Returns all differences, in the resources, the outputs and the services. `hub`: renames what comes from its outputs. */
export const compareStack = (
  moto: MotoStack,
  sandbox: SandboxStack,
  stackName: string,
  hub: Renames = UNCHANGED,
): StackComparison => {
  const failed = (real: string): StackComparison => ({
    facts: 1,
    differences: [{ path: 'stack status', real, sandbox: 'CREATE_COMPLETE' }],
    created: 0,
    resolved: 0,
    rename: UNCHANGED,
  });
  if (moto.status !== 'CREATE_COMPLETE') return failed(moto.status);
  if (moto.statuses.some((status) => status !== 'CREATE_COMPLETE')) return failed(moto.statuses.join(', '));
  const logicalIds = Object.keys(moto.resources);
  const ids = idsOf(moto, sandbox);
  const own = {
    moto: motoRename({ stackName, logicalIds, ids: ids.moto }),
    sandbox: sandboxRename({ stackName, logicalIds, ids: ids.sandbox }),
  };
  const rename: Renames = {
    moto: (text) => own.moto(hub.moto(text)),
    sandbox: (text) => own.sandbox(hub.sandbox(text)),
  };
  const both = (path: string, real: unknown, simulated: unknown): Comparison =>
    compared(path, renamed(real, rename.moto), renamed(simulated, rename.sandbox));
  const resources = [...new Set([...logicalIds, ...Object.keys(sandbox.resources)])].map((logicalId) => {
    const [real, simulated] = [moto.resources[logicalId], sandbox.resources[logicalId]];
    const type = real?.type ?? simulated?.type ?? '';
    if (!real || !simulated)
      return compared(`${type} ${logicalId}`, real ? 'included' : 'excluded', simulated ? 'included' : 'excluded');
    return together([
      both(`${type} ${logicalId}`, real.properties, simulated.properties),
      { facts: 1, differences: creation(logicalId, real) },
    ]);
  });
  const services = [motoFacts(moto.deployed), sandboxFacts(sandbox.deployed)] as const;
  const all = together([
    ...resources,
    both('output', moto.outputs, sandbox.outputs),
    ...Object.keys(services[0]).map((kind) => both(kind, services[0][kind], services[1][kind])),
  ]);
  const created = Object.values(moto.resources).filter(({ createdBy }) => createdBy === 'moto').length;
  return { ...all, created, resolved: logicalIds.length, rename };
};
