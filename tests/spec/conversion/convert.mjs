// Converts the scripts of the specification's test suite (.wast) into what wast2json makes of
// them: one .json a script, and beside it one .wasm a module.
//
//   node convert.mjs TOOLS SUITE OUT [FILE…]
//
// TOOLS is the folder where package.json was installed, FILE a name such as br_if.wast. What differs
// from wast2json: `module_definition` and `module_instance` are commands of their own, the patterns
// `either` and (ref.func) without a value are kept, and a module that the assembler refuses has
// `unreadable`, its reason, in place of a file.

import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { pathToFileURL } from 'node:url';

import { bitsOf } from './literals.mjs';
import { bytesOf, parseForms } from './s_expression.mjs';
import { unfoldTries } from './unfold_tries.mjs';

const [toolsFolder, suite, out, ...wanted] = process.argv.slice(2);
const transpiler = join(toolsFolder, 'node_modules/@bytecodealliance/jco-transpile');
const wasmTools = await import(pathToFileURL(join(transpiler, 'vendor/wasm-tools.js')));
await wasmTools.$init;

const kLaneBits = { i8x16: 8, i16x8: 16, i32x4: 32, i64x2: 64, f32x4: 32, f64x2: 64 };
// The assembler refuses characters that change the direction of writing, and the folded form of the
// legacy `try`.
const assemble = (text) => {
  const plain = text.replace(
    /[\u202a-\u202e\u2066-\u2069\u206c]/g,
    (character) => `\\u{${character.codePointAt(0).toString(16)}}`,
  );
  return wasmTools.tools.parse(/\(\s*try\s/.test(plain) ? unfoldTries(plain) : plain);
};

const headOf = (form) => form.items?.[0]?.word;

class Converter {
  constructor(text, base) {
    this.text = text;
    this.base = base;
    this.files = 0;
    this.constants = []; // {type, text, done}: done is told the bits
  }

  convert() {
    const forms = parseForms(this.text);
    const commands = forms.every((form) => this.isCommand(form))
      ? forms.map((form) => this.command(form))
      : [{ type: 'module', line: 1, ...this.assembled(this.text) }];
    bitsOf(this.constants, assemble).forEach((bits, i) => this.constants[i].done(bits));
    return commands;
  }

  isCommand(form) {
    return /^(module|register|invoke|get|assert_\w+)$/.test(headOf(form) ?? '');
  }

  command(form) {
    const [head, ...rest] = form.items;
    const line = form.line;
    switch (head.word) {
      case 'module':
        return { ...this.moduleCommand(form), line };
      case 'register':
        return { type: 'register', line, as: nameOf(rest[0]), ...named(rest[1]) };
      case 'invoke':
      case 'get':
        return { type: 'action', line, action: this.action(form), expected: [] };
      case 'assert_return':
        return {
          type: head.word,
          line,
          action: this.action(rest[0]),
          expected: rest.slice(1).map((pattern) => this.pattern(pattern)),
        };
      case 'assert_exception':
        return { type: head.word, line, action: this.action(rest[0]) };
      case 'assert_trap':
      case 'assert_exhaustion':
        if (headOf(rest[0]) === 'module') {
          return { type: 'assert_uninstantiable', line, ...this.refused(rest) };
        }
        return { type: head.word, line, action: this.action(rest[0]), text: nameOf(rest[1]) };
      default: // assert_malformed, assert_invalid, assert_unlinkable
        return { type: head.word, line, ...this.refused(rest) };
    }
  }

  moduleCommand(form) {
    const rest = form.items.slice(1);
    if (rest[0]?.word === 'instance') {
      return { type: 'module_instance', instance: rest[1]?.word, module: rest[2]?.word };
    }
    const isDefinition = rest[0]?.word === 'definition';
    const name = rest[isDefinition ? 1 : 0];
    const type = isDefinition ? 'module_definition' : 'module';
    return { type, ...named(name), ...this.module(form) };
  }

  refused([form, text]) {
    return { ...this.module(form), text: nameOf(text) };
  }

  // {filename, module_type}, or {unreadable} when the assembler refuses the text.
  module(form) {
    const fields = form.items.slice(1);
    const definition = fields.findIndex((item) => item.word === 'definition');
    if (definition === 0) fields.shift();
    if (fields[0]?.word?.startsWith('$')) fields.shift();
    const content = () => Buffer.concat(fields.slice(1).map((item) => bytesOf(item.string)));
    if (fields[0]?.word === 'binary') return this.file(content(), 'binary');
    if (fields[0]?.word === 'quote') return this.assembled(content().toString('utf8'), 'text');
    const text = this.text.slice(form.begin, form.end);
    return this.assembled(definition === 0 ? text.replace('definition', '') : text);
  }

  assembled(text, moduleType = 'binary') {
    try {
      return this.file(assemble(text), moduleType);
    } catch (error) {
      const reason = String(error.payload ?? error.message).split('\n')[0];
      return { module_type: 'text', unreadable: reason };
    }
  }

  file(bytes, moduleType) {
    const filename = `${this.base}.${this.files++}.wasm`;
    writeFileSync(filename, bytes);
    return { filename: filename.slice(filename.lastIndexOf('/') + 1), module_type: moduleType };
  }

  action(form) {
    const [head, ...rest] = form.items;
    const module = rest[0].word ? { module: rest.shift().word } : {};
    const field = nameOf(rest.shift());
    if (head.word === 'get') return { type: 'get', ...module, field };
    return { type: 'invoke', ...module, field, args: rest.map((value) => this.pattern(value)) };
  }

  // A value, or a pattern that results are held against.
  pattern(form) {
    const [head, ...rest] = form.items;
    if (head.word === 'either') {
      return { type: 'either', values: rest.map((value) => this.pattern(value)) };
    }
    const [kind, what] = head.word.split('.');
    if (kind !== 'ref') return this.number(kind, rest, form);
    if (what === 'null') return { type: `${rest[0]?.word ?? 'ref'}`, value: 'null' };
    return { type: `${what}ref`, ...(rest[0] ? { value: rest[0].word } : {}) };
  }

  number(type, items, form) {
    if (type === 'v128') return this.vector(items);
    const [literal] = items;
    if (/^nan:(canonical|arithmetic)$/.test(literal.word)) return { type, value: literal.word };
    const value = { type };
    const text = this.text.slice(form.begin + 1, form.end - 1);
    this.constants.push({ type, text, done: (bits) => (value.value = String(bits)) });
    return value;
  }

  vector([shape, ...lanes]) {
    const bits = BigInt(kLaneBits[shape.word]);
    const patterns = lanes.map(({ word }) => (/^nan:[ca]/.test(word) ? word : undefined));
    const literals = lanes.map(({ word }, i) => (patterns[i] ? '0' : word));
    const value = { type: 'v128', lane_type: shape.word.split('x')[0] };
    const lane = (all, i) => String(BigInt.asUintN(Number(bits), all >> (bits * BigInt(i))));
    this.constants.push({
      type: 'v128',
      text: `v128.const ${shape.word} ${literals.join(' ')}`,
      done: (all) => (value.value = patterns.map((pattern, i) => pattern ?? lane(all, i))),
    });
    return value;
  }
}

function named(item) {
  return item?.word?.startsWith('$') ? { name: item.word } : {};
}

function nameOf(item) {
  return bytesOf(item.string).toString('utf8');
}

function* scriptsIn(folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* scriptsIn(path);
    else if (path.endsWith('.wast')) yield path;
  }
}

mkdirSync(out, { recursive: true });
for (const part of ['core', 'legacy-exceptions']) {
  for (const wast of scriptsIn(join(suite, part))) {
    if (wanted.length > 0 && !wanted.includes(wast.slice(wast.lastIndexOf('/') + 1))) continue;
    const base = join(out, relative(suite, wast)).replace(/\.wast$/, '');
    mkdirSync(dirname(base), { recursive: true });
    const commands = new Converter(readFileSync(wast, 'utf8'), base).convert();
    writeFileSync(`${base}.json`, JSON.stringify({ source_filename: wast, commands }));
  }
}
