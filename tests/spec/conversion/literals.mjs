// The bits of literals, by way of the assembler that the modules go through: every literal becomes
// the initial value of a global, and the globals are read back out of the binary.

const kConstantBytes = { f32: 4, f64: 8, v128: 16 };

// `constants`: {type, text} such as {type: 'f32', text: 'f32.const 0x1p-3'}. Gives unsigned
// integers, as BigInt.
export function bitsOf(constants, assemble) {
  if (constants.length === 0) return [];
  const fields = constants.map(({ type, text }) => `(global ${type} (${text}))`);
  const binary = assemble(`(module ${fields.join('\n')})`);
  return readGlobals(binary, constants);
}

function readGlobals(binary, constants) {
  const kGlobalSection = 6;
  let at = 8;
  const unsigned = () => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = binary[at++];
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  };
  const signed = (bits) => {
    const first = at;
    const value = unsigned();
    const signBit = 1n << BigInt(7 * (at - first) - 1);
    return BigInt.asUintN(bits, value & signBit ? value - 2n * signBit : value);
  };
  const fixed = (count) => {
    let value = 0n;
    for (let i = 0; i < count; ++i) value |= BigInt(binary[at++]) << BigInt(8 * i);
    return value;
  };
  const constant = (type) => {
    at += type === 'v128' ? 4 : 3; // the type, its mutability and the opcode
    const value = type in kConstantBytes ? fixed(kConstantBytes[type]) : signed(type === 'i32' ? 32 : 64);
    ++at; // end
    return value;
  };
  while (binary[at++] !== kGlobalSection) at += Number(unsigned());
  unsigned(); // the section's length
  unsigned(); // the number of globals
  return constants.map(({ type }) => constant(type));
}
