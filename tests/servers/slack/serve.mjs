// Serves the emulated Slack on a port of 127.0.0.1: node serve.mjs <its folder> <port> <a file of JSON to begin with>
import { readFileSync } from "node:fs";
import { Server } from "node:net";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

const [folder, port, seed] = process.argv.slice(2);

// It would listen on all addresses of the machine.
const listen = Server.prototype.listen;
Server.prototype.listen = function (port) {
  return listen.call(this, port, "127.0.0.1");
};

const emulate = join(resolve(folder), "node_modules", "emulate", "dist", "api.js");
const { createEmulator } = await import(pathToFileURL(emulate));
await createEmulator({ service: "slack", port: Number(port), seed: JSON.parse(readFileSync(seed, "utf8")) });
