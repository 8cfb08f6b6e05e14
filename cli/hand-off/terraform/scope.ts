/**
 * Evaluates expressions of Terraform code by its folders: literals, templates, `local`, `var` by its value in a tfvars
 * file, its default or the call of a local module, outputs of modules, and names and ARNs of clusters and roles whose
 * resource has a name.
 * Variables that are set on the command line or by `TF_VAR_…` are not visible here.
 */
import { posix } from 'node:path';
import { publicOutput } from './public-outputs.ts';
import { attributeOf, type Block, blocksOf, type Expression, type ParsedFile, type PathElement } from './syntax.ts';
import {
  ANY,
  ARN_PART,
  isRoleArn,
  knownText,
  partsOf,
  ROLE_PATH,
  text,
  UNKNOWN,
  type Unknown,
  type Value,
} from './value.ts';

/** References that are followed before an expression counts as unknown, such as a local that refers to itself. */
const MAX_DEPTH = 32;

export interface Place {
  file: ParsedFile;
  block: Block;
}

/** An expression with the scope in which it is evaluated. */
export interface Located {
  expression: Expression;
  scope: Scope;
  file: ParsedFile;
}

/** What `Scope` reads of the other folders. */
export interface Folders {
  /** Calls of the folder as a local module. */
  callsOf(folder: string): { place: Place; scope: Scope }[];
  scopeOf(folder: string): Scope | undefined;
}

/** Matches what a reference can name. */
const NAME = /^[\p{ID_Start}_][\p{ID_Continue}-]*$/u;

/** Values that differ between the instances of a block. */
const PER_INSTANCE = new Set(['each', 'count', 'self', 'path', 'terraform']);

/** A file that Terraform loads by itself, in the order in which later ones win; others need `-var-file`. */
const autoLoaded = (path: string): number => {
  const name = posix.basename(path);
  if (name === 'terraform.tfvars') return 1;
  if (name === 'terraform.tfvars.json') return 2;
  return /\.auto\.tfvars(?:\.json)?$/.test(name) ? 3 : 0;
};

const isVariables = (path: string): boolean => /\.tfvars(?:\.json)?$/.test(path);

const byPrecedence = (a: ParsedFile, b: ParsedFile): number =>
  autoLoaded(a.path) - autoLoaded(b.path) || (a.path < b.path ? -1 : 1);

/** The code of one folder. */
export class Scope {
  readonly folder: string;
  /** Files with code; those with syntax errors are not among them. */
  readonly files: readonly ParsedFile[];
  private readonly settings: readonly ParsedFile[];
  private readonly folders: Folders;

  constructor(folder: string, files: readonly ParsedFile[], folders: Folders) {
    this.folder = folder;
    this.files = files.filter(({ path }) => !isVariables(path));
    this.settings = files.filter(({ path }) => isVariables(path)).toSorted(byPrecedence);
    this.folders = folders;
  }

  /** Returns all top-level blocks of a type, with the labels that are given. */
  blocks(type: string, ...labels: string[]): Place[] {
    return this.files.flatMap((file) => blocksOf(file.body, type, ...labels).map((block) => ({ file, block })));
  }

  /** Returns the block with the labels; undefined if there is none, or a second one, such as in an override file. */
  only(type: string, ...labels: string[]): Place | undefined {
    const [place, ...more] = this.blocks(type, ...labels);
    return more.length === 0 ? place : undefined;
  }

  /**
   * Returns whether an expression has its value from the default of a variable of the directory itself, which no file
   * sets: an apply may set it by other means.
   */
  isByDefault(expression: Expression, depth = 0): boolean {
    const [root, name] = expression.kind === 'reference' ? expression.path : [];
    const isSet = this.settings.some(({ body }) => attributeOf(body, String(name)) !== undefined);
    if (root === 'var' && this.calls.length === 0) return !isSet;
    const next = depth > MAX_DEPTH ? undefined : this.definitionOf(expression);
    return next !== undefined && next.scope.isByDefault(next.expression, depth + 1);
  }

  /** Returns the calls of the folder as a local module. A root module has none. */
  get calls(): { place: Place; scope: Scope }[] {
    return this.folders.callsOf(this.folder);
  }

  /** Returns the scope of the local module that a block calls once; undefined for any other module. */
  calledBy(block: Block): Scope | undefined {
    const folder = calledFolder(this.folder, block);
    const once = ['count', 'for_each'].every((name) => attributeOf(block.body, name) === undefined);
    return folder !== undefined && once ? this.folders.scopeOf(folder) : undefined;
  }

  /** Returns the value of an expression. */
  valueOf(expression: Expression, depth = 0): Value {
    if (depth > MAX_DEPTH) return UNKNOWN;
    if (expression.kind === 'literal') return expression;
    if (expression.kind === 'string')
      return text(
        ...expression.parts.flatMap((part) =>
          typeof part === 'string' ? [part] : partsOf(this.valueOf(part, depth + 1)),
        ),
      );
    if (expression.kind !== 'reference') return UNKNOWN;
    const found = this.definitionOf(expression);
    return found === undefined
      ? this.attributeValue(expression.path, depth + 1)
      : found.scope.valueOf(found.expression, depth + 1);
  }

  /**
   * Follows references to locals and variables. Returns the expression that defines the value; undefined if there is
   * none, or if it is not certain which.
   */
  resolve(expression: Expression, file: ParsedFile): Located | undefined {
    let located: Located = { expression, scope: this, file };
    for (let depth = 0; depth <= MAX_DEPTH; depth += 1) {
      const { expression: current } = located;
      if (current.kind !== 'reference') return located;
      const [root = ''] = current.path;
      if (root !== 'local' && root !== 'var' && root !== 'module') return located;
      const next = located.scope.definitionOf(current);
      if (next === undefined) return root === 'module' ? located : undefined;
      located = next;
    }
    return undefined;
  }

  /** Returns the expression that a local, a variable or an output refers to, or an entry of its object. */
  private definitionOf(expression: Expression): Located | undefined {
    if (expression.kind !== 'reference') return undefined;
    const [root, name, ...rest] = expression.path;
    if (root === 'module') return this.outputOf(expression.path);
    if (typeof name !== 'string') return undefined;
    const defined = root === 'local' ? this.localOf(name) : root === 'var' ? this.variableOf(name) : undefined;
    return rest.reduce<Located | undefined>((located, key) => {
      const { expression: value } = located ?? {};
      const entry = value?.kind === 'object' ? value.entries.filter(({ name: of }) => of === String(key)) : [];
      const item = value?.kind === 'list' && typeof key === 'number' ? value.items[key] : undefined;
      const next = entry.length === 1 ? entry[0]?.value : item;
      return located && next && { ...located, expression: next };
    }, defined);
  }

  /** Returns the expression of an output of a local module, `module.NAME.OUTPUT`. */
  private outputOf([, name, output, ...more]: readonly PathElement[]): Located | undefined {
    if (typeof name !== 'string' || typeof output !== 'string' || more.length > 0) return undefined;
    const call = this.only('module', name);
    const called = call && this.calledBy(call.block);
    const found = called?.only('output', output);
    const value = found && attributeOf(found.block.body, 'value');
    return called && found && value && { expression: value.value, scope: called, file: found.file };
  }

  /** Returns the value of an output of a public module. */
  private publicOutputValue([, name, output, ...more]: readonly PathElement[], depth: number): Value {
    if (typeof name !== 'string' || typeof output !== 'string' || more.length > 0) return UNKNOWN;
    const call = this.only('module', name);
    const source = call && knownText(this.namedBy(call.block, 'source', depth));
    const known = source === undefined ? undefined : publicOutput(source, output);
    const given = known?.arguments.find((argument) => call && attributeOf(call.block.body, argument) !== undefined);
    if (call === undefined || known === undefined || given === undefined) return UNKNOWN;
    const value = this.namedBy(call.block, given, depth);
    if (known.is === 'name') return value;
    return text('arn:', ARN_PART, ':iam::', ARN_PART, ':role/', ROLE_PATH, ...partsOf(value));
  }

  private localOf(name: string): Located | undefined {
    const found = this.blocks('locals').flatMap(({ file, block }) => {
      const attribute = attributeOf(block.body, name);
      return attribute === undefined ? [] : [{ expression: attribute.value, scope: this, file }];
    });
    return found.length === 1 ? found[0] : undefined;
  }

  private variableOf(name: string): Located | undefined {
    const { calls } = this;
    const place = this.only('variable', name);
    const fallback = place && attributeOf(place.block.body, 'default');
    const byDefault = place && fallback && { expression: fallback.value, scope: this as Scope, file: place.file };
    if (calls.length > 1) return undefined;
    const [call] = calls;
    if (call !== undefined) {
      // An override file may have another argument.
      if (call.scope.only('module', ...call.place.block.labels) === undefined) return undefined;
      const argument = attributeOf(call.place.block.body, name);
      return argument === undefined
        ? byDefault
        : { expression: argument.value, scope: call.scope, file: call.place.file };
    }
    return this.settingOf(name, byDefault);
  }

  /** Returns what tfvars files set; undefined if one that Terraform does not load by itself sets something else. */
  private settingOf(name: string, byDefault: Located | undefined): Located | undefined {
    const set = this.settings.flatMap((file) => {
      const attribute = attributeOf(file.body, name);
      return attribute === undefined ? [] : [{ expression: attribute.value, scope: this, file }];
    });
    const loaded = set.filter(({ file }) => autoLoaded(file.path) > 0).at(-1) ?? byDefault;
    const others = set.filter(({ file }) => autoLoaded(file.path) === 0);
    if (others.length === 0) return loaded;
    const literal = ({ expression }: Located): string | undefined => knownText(this.valueOf(expression));
    const texts = new Set([...(loaded ? [loaded] : []), ...others].map(literal));
    return texts.size === 1 && !texts.has(undefined) ? others[0] : undefined;
  }

  /**
   * Returns a reference to the only role of this folder that has the role's name, such as `aws_iam_role.ebs.arn`;
   * undefined if there is none, or if it has several instances or a provider of its own.
   */
  roleReference(arn: string): string | undefined {
    const fits = this.blocks('resource', 'aws_iam_role').filter(
      ({ block }) => isRoleArn(text(...this.roleArnParts(block, false, 0)), arn) === 'yes',
    );
    const [only, ...more] = fits;
    if (only === undefined || more.length > 0) return undefined;
    const { body, labels } = only.block;
    const plain = ['count', 'for_each', 'provider'].every((name) => attributeOf(body, name) === undefined);
    const [, name = ''] = labels;
    return plain && NAME.test(name) ? `aws_iam_role.${name}.arn` : undefined;
  }

  /** Returns the value of an attribute of a resource or data source that is named in code. */
  private attributeValue(path: readonly (string | number)[], depth: number): Value {
    if (path[0] === 'module') return this.publicOutputValue(path, depth);
    const isData = path[0] === 'data';
    const [type, name, ...rest] = isData ? path.slice(1) : path;
    const attribute = rest.filter((element) => typeof element === 'string').at(-1);
    if (typeof type !== 'string' || typeof name !== 'string' || PER_INSTANCE.has(type)) return UNKNOWN;
    if (isData && type === 'aws_caller_identity' && attribute === 'account_id') return text(ARN_PART);
    if (isData && type === 'aws_partition' && attribute === 'partition') return text(ARN_PART);
    const place = this.only(isData ? 'data' : 'resource', type, name);
    // A name within a nested block is another one.
    if (place === undefined || rest.length > 2) return UNKNOWN;
    if (type === 'aws_eks_cluster' && (attribute === 'name' || attribute === 'id'))
      return this.namedBy(place.block, 'name', depth);
    if (type === 'aws_eks_addon' && (attribute === 'addon_name' || attribute === 'cluster_name'))
      return this.namedBy(place.block, attribute, depth);
    if (type !== 'aws_iam_role') return UNKNOWN;
    if (attribute === 'arn') return text(...this.roleArnParts(place.block, isData, depth));
    return attribute === 'name' || attribute === 'id' ? this.namedBy(place.block, 'name', depth) : UNKNOWN;
  }

  private namedBy(block: Block, name: string, depth: number): Value {
    const attribute = attributeOf(block.body, name);
    return attribute === undefined ? UNKNOWN : this.valueOf(attribute.value, depth);
  }

  private roleArnParts(block: Block, isData: boolean, depth: number): (string | Unknown)[] {
    const name = this.namedBy(block, 'name', depth);
    const prefix = this.namedBy(block, 'name_prefix', depth);
    const path = attributeOf(block.body, 'path');
    const pathParts: (string | Unknown)[] = isData
      ? ['/', ROLE_PATH]
      : path === undefined
        ? ['/']
        : partsOf(this.valueOf(path.value, depth));
    const nameParts =
      name.kind !== 'unknown' ? partsOf(name) : prefix.kind !== 'unknown' ? [...partsOf(prefix), ANY] : [ANY];
    return ['arn:', ARN_PART, ':iam::', ARN_PART, ':role', ...pathParts, ...nameParts];
  }
}

/** Returns the folder of a file; '.' is the directory itself. */
const folderOf = (path: string): string => posix.dirname(path);

/** Returns the folder of a local module that a block calls; undefined for any other source. */
const calledFolder = (from: string, block: Block): string | undefined => {
  const source = attributeOf(block.body, 'source')?.value;
  const [path] = source?.kind === 'string' ? source.parts : [];
  return typeof path === 'string' && /^\.\.?\//.test(path) ? posix.join(from, path).replace(/\/$/, '') : undefined;
};

/** Returns the scope of each folder, in the order of the folders' names. Files with a syntax error are left out. */
export function scopesOf(files: readonly ParsedFile[]): Map<string, Scope> {
  const scopes = new Map<string, Scope>();
  const folders: Folders = {
    scopeOf: (folder) => scopes.get(folder),
    callsOf: (folder) =>
      [...scopes.values()].flatMap((scope) =>
        scope
          .blocks('module')
          .filter(({ block }) => calledFolder(scope.folder, block) === folder)
          .map((place) => ({ place, scope })),
      ),
  };
  const sound = files.filter(({ errorLine }) => errorLine === undefined);
  for (const [folder, own] of [...Map.groupBy(sound, ({ path }) => folderOf(path))].sort(([a], [b]) =>
    a < b ? -1 : 1,
  ))
    scopes.set(folder, new Scope(folder, own, folders));
  return scopes;
}
