// Runs modules in node's V8: calls each of the functions that a module on standard input exports,
// in order, and says what came of it on standard output. A message, either way, is its length (4
// bytes, little-endian), then its bytes. Modules are as tests/fuzz/generated_module.hpp makes them;
// the answer is as Observation (tests/fuzz/observation.hpp) writes it.
import { readSync, writeSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

// What this version has and does not yet give to everybody. Who asks finds out by trying.
const extensions = ['memory64', 'typed-funcref'];
for (const extension of extensions)
  setFlagsFromString(`--experimental-wasm-${extension}`);

// An instance reserves gigabytes of addresses until it is collected.
setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc');
const modulesBetweenCollections = 32;

// What a message says, as `group` in vm::Trap's terms (tests/fuzz/observation.cpp).
const groups = [
  [/^unreachable/, 'unreachable'],
  [/^(divide|remainder) by zero/, 'divide by zero'],
  [/^(divide result|float) unrepresentable/, 'overflow'],
  [/^(memory access|data segment) out of bounds/, 'memory'],
  [/^(table index|table access|element segment)/, 'table'],
  [/^null function or function signature/, 'callee'],
  [/^dereferencing a null pointer/, 'null'],
  [/^Maximum call stack/, 'stack'],
];

function groupOf(error) {
  if (error instanceof WebAssembly.Exception) return 'exception';
  const found = groups.find(([pattern]) => pattern.test(error.message));
  return found ? found[1] : `${error}`;
}

function call(name, exported) {
  try {
    const results = [exported()].flat().filter(value => value !== undefined);
    return [name, ...results.map(value => BigInt.asUintN(64, value).toString(16))].join(' ');
  } catch (error) {
    return `${name} trap: ${groupOf(error)}`;
  }
}

function observe(bytes) {
  let instance;
  try {
    instance = new WebAssembly.Instance(new WebAssembly.Module(bytes));
  } catch (error) {
    return `refused: ${error.message}`;
  }
  return Object.entries(instance.exports).map(([name, exported]) => `${call(name, exported)}\n`).join('');
}

function read(count) {
  const bytes = Buffer.alloc(count);
  for (let done = 0, piece; done < count; done += piece) {
    piece = readSync(0, bytes, done, count - done);
    if (piece === 0) process.exit();
  }
  return bytes;
}

function write(text) {
  const bytes = Buffer.from(`    ${text}`);
  bytes.writeUInt32LE(bytes.length - 4);
  for (let done = 0; done < bytes.length;)
    done += writeSync(1, bytes, done);
}

for (let modules = 1;; ++modules) {
  write(observe(read(read(4).readUInt32LE())));
  if (modules % modulesBetweenCollections === 0) collect();
}
