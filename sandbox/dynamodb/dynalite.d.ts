declare module 'dynalite' {
  import type { Server } from 'node:http';

  /** An http.Server that answers as DynamoDB; without `path` its data lives in memory. */
  export default function dynalite(options?: { path?: string; createTableMs?: number; deleteTableMs?: number; updateTableMs?: number }): Server;
}
