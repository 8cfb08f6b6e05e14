/** Lets a Node that does not run TypeScript run the project's scripts. */
import { register } from 'node:module';

register('./hooks.mjs', import.meta.url);
