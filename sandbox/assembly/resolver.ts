/**
 * CloudFormation's intrinsic functions over one template, as far as CDK writes them. What is resolved is plain data;
 * every value depends on the template, the account and the region alone.
 * Source: CloudFormation User Guide, "Intrinsic function reference".
 */
import { AssemblyError, type Where } from './error.ts';
import { isObject, type Json } from '../json.ts';
import { attributesOf, refOf, type ResourceContext } from './physical.ts';

export interface Environment {
  account: string;
  region: string;
  partition: string;
  stackName: string;
}

export interface ResolvedOutput {
  key: string;
  value: string;
  exportName?: string;
  where: Where;
}

/** What AWS::NoValue becomes: its property goes. */
const NO_VALUE = Symbol('AWS::NoValue');

const section = (template: Json, name: string): Record<string, Json> =>
  isObject(template[name])
    ? Object.fromEntries(Object.entries(template[name]).filter((entry): entry is [string, Json] => isObject(entry[1])))
    : {};

const below = (where: Where, key: string | number): Where => ({
  ...where,
  path: typeof key === 'number' ? `${where.path ?? ''}[${key}]` : where.path ? `${where.path}.${key}` : key,
});

export class Resolver {
  readonly file: string;
  readonly environment: Environment;
  readonly resources: Record<string, Json>;
  private readonly template: Json;
  private readonly importValue: (name: string) => string | undefined;
  private readonly parameters: Readonly<Record<string, string>>;
  /** What is being resolved, so that a circle is found. */
  private readonly open = new Set<string>();

  /** `importValue` answers what any stack exports by that name; `parameters` go before their defaults. */
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
  }

  /** The value with all intrinsic functions in it replaced; undefined for AWS::NoValue. */
  resolve(value: unknown, where: Where): unknown {
    const resolved = this.value(value, where);
    return resolved === NO_VALUE ? undefined : resolved;
  }

  /** The same for what has to be text; numbers and booleans become text as CloudFormation does it. */
  textOf(value: unknown, where: Where): string {
    const resolved = this.value(value, where);
    if (typeof resolved === 'string') return resolved;
    if (typeof resolved === 'number' || typeof resolved === 'boolean') return String(resolved);
    throw new AssemblyError('a value that is no text where text must be', where);
  }

  /** Value of `Ref`. */
  reference(logicalId: string, where: Where): string {
    return this.guarded(`Ref ${logicalId}`, where, () => this.ref(logicalId, where));
  }

  /** Value of `Fn::GetAtt`. */
  attribute(logicalId: string, name: string, where: Where): string {
    return this.guarded(`${logicalId}.${name}`, where, () => {
      const resource = this.resourceContext(logicalId, where);
      const value = attributesOf(resource)?.[name]?.();
      if (value === undefined)
        throw new AssemblyError(
          `Fn::GetAtt of ${logicalId}.${name}: the sandbox does not know that attribute of ${resource.type}`,
          where,
        );
      return value;
    });
  }

  /** Whether the template's conditions want the resource or output. */
  isWanted(entry: Json, where: Where): boolean {
    return typeof entry['Condition'] !== 'string' || this.condition(entry['Condition'], where);
  }

  /** Those that the template's conditions want. */
  outputs(): ResolvedOutput[] {
    return Object.entries(section(this.template, 'Outputs')).flatMap(([key, output]) => {
      const where: Where = { template: this.file, logicalId: `output ${key}` };
      if (!this.isWanted(output, where)) return [];
      const exportName = this.exportNameOf(output, where);
      const value = this.textOf(output['Value'], below(where, 'Value'));
      return [{ key, value, where, ...(exportName === undefined ? {} : { exportName }) }];
    });
  }

  /** The value exported by that name, or undefined. */
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
    if (!resource) throw new AssemblyError(`a reference to ${logicalId}, which is not there`, where);
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
    if (this.open.has(what)) throw new AssemblyError(`a circle: ${[...this.open, what].join(' → ')}`, where);
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
      'AWS::URLSuffix': partition === 'aws-cn' ? 'amazonaws.com.cn' : 'amazonaws.com',
    };
    const known = pseudo[name];
    if (known !== undefined) return known;
    const parameter = section(this.template, 'Parameters')[name];
    if (parameter) return this.parameter(name, parameter, where);
    const resource = this.resourceContext(name, where);
    const value = refOf(resource);
    if (value === undefined)
      throw new AssemblyError(
        `Ref of ${name}: the sandbox does not know what a reference to ${resource.type} gives`,
        where,
      );
    return value;
  }

  private parameter(name: string, parameter: Json, where: Where): string {
    const { Type: type, Default: value } = parameter;
    if (typeof type === 'string' && type.startsWith('AWS::SSM::'))
      throw new AssemblyError(`Ref of the parameter ${name}, whose value is in the Parameter Store`, where);
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
      // A policy statement may be no more than its Condition: only text names a condition of the template.
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
    const list = (): unknown[] => {
      if (!Array.isArray(given)) throw new AssemblyError(`${name} of something that is no list`, where);
      return given;
    };
    const listOf = (value: unknown, index: number): unknown[] => {
      const resolved = this.value(value, below(where, index));
      if (!Array.isArray(resolved)) throw new AssemblyError(`${name} over something that is no list`, where);
      return resolved as unknown[];
    };
    switch (name) {
      case 'Ref': {
        const target = this.textOf(given, where);
        if (target === 'AWS::NoValue') return NO_VALUE;
        const value = this.reference(target, where);
        return section(this.template, 'Parameters')[target]?.['Type'] === 'CommaDelimitedList'
          ? value.split(',').map((part) => part.trim())
          : value;
      }
      case 'Fn::GetAtt': {
        const [logicalId = '', ...attribute] =
          typeof given === 'string' ? given.split('.') : list().map((part) => this.textOf(part, where));
        return this.attribute(logicalId, attribute.join('.'), where);
      }
      case 'Fn::Join': {
        const [separator, parts] = list();
        return listOf(parts, 1)
          .map((part, index) => this.textOf(part, below(below(where, 1), index)))
          .join(this.textOf(separator, below(where, 0)));
      }
      case 'Fn::Sub':
        return this.sub(given, where);
      case 'Fn::Select': {
        const [index, parts] = list();
        const chosen = listOf(parts, 1)[Number(this.textOf(index, below(where, 0)))];
        if (chosen === undefined) throw new AssemblyError('Fn::Select of an entry that is not there', where);
        return chosen;
      }
      case 'Fn::Split': {
        const [separator, text] = list();
        return this.textOf(text, below(where, 1)).split(this.textOf(separator, below(where, 0)));
      }
      case 'Fn::ImportValue': {
        const exportName = this.textOf(given, where);
        const value = this.guarded(`import ${exportName}`, where, () => this.importValue(exportName));
        if (value === undefined)
          throw new AssemblyError(`Fn::ImportValue of ${exportName}, which no stack exports`, where);
        return value;
      }
      case 'Fn::FindInMap': {
        const [map = '', first = '', second = ''] = list().map((part, index) => this.textOf(part, below(where, index)));
        const found = section(this.template, 'Mappings')[map]?.[first];
        if (!isObject(found) || found[second] === undefined)
          throw new AssemblyError(`Fn::FindInMap of ${map}.${first}.${second}, which is not there`, where);
        return found[second];
      }
      case 'Fn::Base64':
        return Buffer.from(this.textOf(given, where)).toString('base64');
      case 'Fn::If': {
        const [condition, whenTrue, whenFalse] = list();
        const index = this.condition(this.textOf(condition, below(where, 0)), where) ? 1 : 2;
        return this.value(index === 1 ? whenTrue : whenFalse, below(where, index));
      }
      case 'Fn::Equals': {
        const [left, right] = list().map((part, index) => this.value(part, below(where, index)));
        return JSON.stringify(left) === JSON.stringify(right);
      }
      case 'Fn::And':
        return list().every((part, index) => this.value(part, below(where, index)) === true);
      case 'Fn::Or':
        return list().some((part, index) => this.value(part, below(where, index)) === true);
      case 'Fn::Not':
        return this.value(list()[0], below(where, 0)) !== true;
      case 'Condition':
        return this.condition(this.textOf(given, where), where);
      default:
        throw new AssemblyError(`the function ${name}, which the sandbox does not have`, where);
    }
  }

  private condition(name: string, where: Where): boolean {
    const condition = section(this.template, 'Conditions')[name];
    if (!condition) throw new AssemblyError(`the condition ${name}, which is not there`, where);
    return this.guarded(
      `condition ${name}`,
      where,
      () => this.value(condition, { template: this.file, logicalId: `condition ${name}` }) === true,
    );
  }

  private sub(given: unknown, where: Where): string {
    const [text, own] = Array.isArray(given) ? (given as unknown[]) : [given];
    if (typeof text !== 'string') throw new AssemblyError('Fn::Sub of something that is no text', where);
    const values = isObject(own) ? own : {};
    return text.replace(/\$\{([^}]+)\}/g, (_, name: string) => {
      if (name.startsWith('!')) return `\${${name.slice(1)}}`;
      if (Object.hasOwn(values, name)) return this.textOf(values[name], below(where, name));
      const [logicalId = '', ...attribute] = name.split('.');
      return attribute.length === 0
        ? this.reference(name, where)
        : this.attribute(logicalId, attribute.join('.'), where);
    });
  }
}
