/**
 * Runs the default credential chain of the AWS SDK for JavaScript in this process. Connections to every host lead to the
 * played endpoints, until the chain is closed.
 */
import http from 'node:http';
import https from 'node:https';
import { connect } from 'node:net';
import { defaultProvider } from '@aws-sdk/credential-provider-node';
import type { Endpoints } from '../endpoints.ts';
import type { Reply } from './protocol.ts';

export interface JavaScriptChain {
  /** Runs the chain with these variables alone. */
  ask: (env: Readonly<Record<string, string>>) => Promise<Reply>;
  close: () => void;
}

type Ports = Pick<Endpoints, 'port' | 'securePort'>;
type Agent = { createConnection: unknown };

/** Replaces how agents connect. Returns a function that restores it. */
function redirect({ port, securePort }: Ports): () => void {
  const agents = [
    [http.Agent.prototype, port],
    [https.Agent.prototype, securePort],
  ] as unknown as [Agent, number][];
  const restores = agents.map(([prototype, to]) => {
    const own = Object.getOwnPropertyDescriptor(prototype, 'createConnection');
    prototype.createConnection = () => connect(to, '127.0.0.1');
    return () => {
      if (own) Object.defineProperty(prototype, 'createConnection', own);
      else Reflect.deleteProperty(prototype, 'createConnection');
    };
  });
  return () => {
    for (const restore of restores) restore();
  };
}

/** Replaces the variables of this process. */
function setVariables(env: Readonly<Record<string, string | undefined>>): void {
  for (const name of Object.keys(process.env)) Reflect.deleteProperty(process.env, name);
  Object.assign(process.env, env);
}

/** Directs all connections of this process to these ports. */
export function openChain(ports: Ports): JavaScriptChain {
  const restore = redirect(ports);
  const { warn } = console;
  console.warn = () => undefined;
  const ask: JavaScriptChain['ask'] = async (env) => {
    const before = { ...process.env };
    setVariables(env);
    try {
      const { accessKeyId } = await defaultProvider({ maxRetries: 0 })();
      return { key: accessKeyId };
    } catch (error) {
      return { error: error instanceof Error ? error.message : String(error) };
    } finally {
      setVariables(before);
    }
  };
  return {
    ask,
    close: () => {
      restore();
      console.warn = warn;
    },
  };
}
