/**
 * Resolves CloudFormation's intrinsic functions over one template, as far as CDK uses them. The result is plain data;
 * every value depends only on the template, the account and the region.
 * Source: CloudFormation User Guide, "Intrinsic function reference".
 */
import { dnsSuffixOf } from '../../lambdas/domain/aws/partitions.ts';
import type { Environment } from './environment.ts';
import { AssemblyError, type Where } from './error.ts';
import { isObject, type Json } from '../json.ts';
import { below, type IntrinsicContext, INTRINSICS, NO_VALUE } from './intrinsics.ts';
import { attributesOf, refOf, type ResourceContext } from './physical.ts';

export interface ResolvedOutput {
  key: string;
  value: string;
  description?: string;
  exportName?: string;
  where: Where;
}

const section = (template: Json, name: string): Record<string, Json> =>
  isObject(template[name])
    ? Object.fromEntries(Object.entries(template[name]).filter((entry): entry is [string, Json] => isObject(entry[1])))
    : {};

export class Resolver {
  readonly file: string;
  readonly environment: Environment;
  readonly resources: Record<string, Json>;
  private readonly template: Json;
  private readonly context: IntrinsicContext;
  private readonly importValue: (name: string) => string | undefined;
  private readonly parameters: Readonly<Record<string, string>>;
  /** The references being resolved, to detect circular references. */
  private readonly open = new Set<string>();

  /** `importValue` returns what any stack exports under that name; `parameters` override the defaults. */
  constructor(
    file: string,
    template: Json,
    environment: Environment,
    importValue: (name: string) => string | undefined,
    parameters: Readonly<Record<string, string>> = {},
  ) {
    this.file = file;
    this.template = template;
    this.environment = environment;
    this.resources = section(template, 'Resources');
    this.importValue = importValue;
    this.parameters = parameters;
    this.context = {
      value: (value, where) => this.value(value, where),
      text: (value, where) => this.textOf(value, where),
      reference: (logicalId, where) => this.reference(logicalId, where),
      attribute: (logicalId, name, where) => this.attribute(logicalId, name, where),
      condition: (name, where) => this.condition(name, where),
      imported: (name, where) => this.imported(name, where),
      parameterType: (name) => section(this.template, 'Parameters')[name]?.['Type'],
      mapping: (name) => section(this.template, 'Mappings')[name],
    };
  }

  /** Returns the value with all intrinsic functions in it replaced; undefined for AWS::NoValue. */
  resolve(value: unknown, where: Where): unknown {
    const resolved = this.value(value, where);
    return resolved === NO_VALUE ? undefined : resolved;
  }

  /** The same for values that must be strings; numbers and booleans are converted as CloudFormation converts them. */
  textOf(value: unknown, where: Where): string {
    const resolved = this.value(value, where);
    if (typeof resolved === 'string') return resolved;
    if (typeof resolved === 'number' || typeof resolved === 'boolean') return String(resolved);
    throw new AssemblyError('a value that is not a string where a string is required', where);
  }

  /** Returns the value of `Ref`. */
  reference(logicalId: string, where: Where): string {
    return this.guarded(`Ref ${logicalId}`, where, () => this.ref(logicalId, where));
  }

  /** Returns the value of `Fn::GetAtt`. */
  attribute(logicalId: string, name: string, where: Where): string {
    return this.guarded(`${logicalId}.${name}`, where, () => {
      const resource = this.resourceContext(logicalId, where);
      const value = attributesOf(resource)?.[name]?.();
      if (value === undefined)
        throw new AssemblyError(
          `Fn::GetAtt of ${logicalId}.${name}: the sandbox does not support that attribute of ${resource.type}`,
          where,
        );
      return value;
    });
  }

  /** Returns whether the template's conditions include the resource or output. */
  isWanted(entry: Json, where: Where): boolean {
    return typeof entry['Condition'] !== 'string' || this.condition(entry['Condition'], where);
  }

  /** The template's description, if it has one. */
  get description(): string | undefined {
    const { Description: text } = this.template;
    return typeof text === 'string' ? text : undefined;
  }

  /** Parameter values by name: the given value, or the default; empty if there is neither. */
  get parameterValues(): Record<string, string> {
    return Object.fromEntries(
      Object.entries(section(this.template, 'Parameters')).map(([name, { Default: value }]) => [
        name,
        this.parameters[name] ?? (typeof value === 'string' || typeof value === 'number' ? String(value) : ''),
      ]),
    );
  }

  /** Returns the outputs that the template's conditions include. */
  outputs(): ResolvedOutput[] {
    return Object.entries(section(this.template, 'Outputs')).flatMap(([key, output]) => {
      const where: Where = { template: this.file, logicalId: `output ${key}` };
      if (!this.isWanted(output, where)) return [];
      const exportName = this.exportNameOf(output, where);
      const value = this.textOf(output['Value'], below(where, 'Value'));
      const description = output['Description'];
      return [
        {
          key,
          value,
          where,
          ...(typeof description === 'string' ? { description } : {}),
          ...(exportName === undefined ? {} : { exportName }),
        },
      ];
    });
  }

  /** Returns the value exported under that name, or undefined. */
  exported(name: string): string | undefined {
    for (const [key, output] of Object.entries(section(this.template, 'Outputs'))) {
      const where: Where = { template: this.file, logicalId: `output ${key}` };
      if (this.isWanted(output, where) && this.exportNameOf(output, where) === name)
        return this.textOf(output['Value'], below(where, 'Value'));
    }
    return undefined;
  }

  private exportNameOf(output: Json, where: Where): string | undefined {
    return isObject(output['Export']) ? this.textOf(output['Export']['Name'], below(where, 'Export.Name')) : undefined;
  }

  private resourceContext(logicalId: string, where: Where): ResourceContext {
    const resource = this.resources[logicalId];
    if (!resource) throw new AssemblyError(`a reference to ${logicalId}, which does not exist`, where);
    const properties = isObject(resource['Properties']) ? resource['Properties'] : {};
    const at: Where = { template: this.file, logicalId, path: 'Properties' };
    return {
      logicalId,
      type: typeof resource['Type'] === 'string' ? resource['Type'] : '',
      environment: this.environment,
      text: (name) => (properties[name] === undefined ? undefined : this.textOf(properties[name], below(at, name))),
    };
  }

  private guarded<T>(what: string, where: Where, work: () => T): T {
    if (this.open.has(what))
      throw new AssemblyError(`a circular reference: ${[...this.open, what].join(' → ')}`, where);
    this.open.add(what);
    try {
      return work();
    } finally {
      this.open.delete(what);
    }
  }

  private ref(name: string, where: Where): string {
    const { account, region, partition, stackName } = this.environment;
    const pseudo: Record<string, string> = {
      'AWS::AccountId': account,
      'AWS::Region': region,
      'AWS::Partition': partition,
      'AWS::StackName': stackName,
      'AWS::StackId': `arn:${partition}:cloudformation:${region}:${account}:stack/${stackName}/00000000-0000-4000-8000-000000000000`,
      'AWS::URLSuffix': dnsSuffixOf(region),
    };
    const known = pseudo[name];
    if (known !== undefined) return known;
    const parameter = section(this.template, 'Parameters')[name];
    if (parameter) return this.parameter(name, parameter, where);
    const resource = this.resourceContext(name, where);
    const value = refOf(resource);
    if (value === undefined)
      throw new AssemblyError(`Ref of ${name}: the sandbox does not support references to ${resource.type}`, where);
    return value;
  }

  private parameter(name: string, parameter: Json, where: Where): string {
    const { Type: type, Default: value } = parameter;
    if (typeof type === 'string' && type.startsWith('AWS::SSM::'))
      throw new AssemblyError(`Ref of the parameter ${name}, whose value is in Parameter Store`, where);
    const given = this.parameters[name] ?? value;
    if (typeof given === 'string' || typeof given === 'number') return String(given);
    throw new AssemblyError(`Ref of the parameter ${name}, which has no default`, where);
  }

  private value(value: unknown, where: Where): unknown {
    if (Array.isArray(value))
      return value.map((part, index) => this.value(part, below(where, index))).filter((part) => part !== NO_VALUE);
    if (!isObject(value)) return value;
    const [name = '', ...others] = Object.keys(value);
    if (others.length === 0 && (name === 'Ref' || name === 'Condition' || name.startsWith('Fn::'))) {
      // A policy statement may have `Condition` as its only key: only a string names a condition of the template.
      if (name !== 'Condition' || typeof value[name] === 'string')
        return this.call(name, value[name], below(where, name));
    }
    const entries = Object.entries(value).map(([key, part]): [string, unknown] => [
      key,
      this.value(part, below(where, key)),
    ]);
    return Object.fromEntries(entries.filter(([, part]) => part !== NO_VALUE));
  }

  private call(name: string, given: unknown, where: Where): unknown {
    const intrinsic = INTRINSICS[name];
    if (!intrinsic) throw new AssemblyError(`the function ${name}, which the sandbox does not support`, where);
    return intrinsic(given, where, this.context);
  }

  private imported(name: string, where: Where): string {
    const value = this.guarded(`import ${name}`, where, () => this.importValue(name));
    if (value === undefined) throw new AssemblyError(`Fn::ImportValue of ${name}, which no stack exports`, where);
    return value;
  }

  private condition(name: string, where: Where): boolean {
    const condition = section(this.template, 'Conditions')[name];
    if (!condition) throw new AssemblyError(`the condition ${name}, which does not exist`, where);
    return this.guarded(
      `condition ${name}`,
      where,
      () => this.value(condition, { template: this.file, logicalId: `condition ${name}` }) === true,
    );
  }
}
