#pragma once

#include <bitset>

#include "tests/fuzz/seeds.hpp"
#include "tests/support/module_builder.hpp"
#include "vm/wasm/opcode.hpp"

namespace sojourn::fuzz {

/// What a generated module may be made of.
struct Dialect {
    std::bitset<vm::kOpcodeCount> opcodes;
    bool has_memory64 = false;
    bool has_several_memories = false;

    /// All that this build knows.
    static Dialect whole();

    [[nodiscard]] bool has(vm::Opcode opcode) const {
        return opcodes[static_cast<std::size_t>(opcode)];
    }
    /// Of locals, globals, parameters and results.
    [[nodiscard]] std::vector<vm::ValueType> value_types() const;
};

/// A whole number below `count`, which is not 0; 0 when the choices are used up.
inline std::uint32_t choose(Input& choices, std::size_t count) {
    const std::size_t number =
        count <= 256 ? choices.take<std::uint8_t>() : choices.take<std::uint16_t>();
    return static_cast<std::uint32_t>(number % count);
}
template <typename T>
const T& choose_of(Input& choices, const std::vector<T>& some) {
    return some[choose(choices, some.size())];
}

/// What the bodies of a generated module refer to.
struct ModuleShape {
    std::vector<vm::FunctionType> types;
    std::size_t plain_types = 0;           ///< the first ones, for blocks
    std::vector<std::uint32_t> functions;  ///< of each its type
    std::vector<vm::ValueType> globals;    ///< each mutable
    std::vector<vm::ValueType> tables;     ///< of each its elements
    std::vector<vm::ValueType> memories;   ///< of each its addresses
    std::vector<std::uint32_t> tags;       ///< of each its type
    std::vector<vm::ValueType> elements;   ///< of each segment its elements

    std::uint32_t add_type(const vm::FunctionType& type);
    [[nodiscard]] const vm::FunctionType& type_of_function(std::uint32_t function) const {
        return types[functions[function]];
    }
    [[nodiscard]] const std::vector<vm::ValueType>& parameters_of_tag(std::uint32_t tag) const {
        return types[tags[tag]].parameters;
    }
};

inline constexpr std::uint32_t kFuelGlobal = 0;    ///< an i32
inline constexpr std::uint32_t kDigestGlobal = 1;  ///< an i64: of every value that was not used
inline constexpr std::uint32_t kFirstGlobal = 2;   ///< of those that instructions choose from
inline constexpr std::uint32_t kTableSize = 8;
inline constexpr std::uint32_t kDataBytes = 64;
inline constexpr std::uint32_t kPassiveData = 1;  ///< segment 0 is active
/// Most accesses are below it, so that what one stores another loads.
inline constexpr std::uint32_t kBusyBytes = 4096;

/// Instructions, as bytes.
class Code {
public:
    void add(const test::Raw& bytes) { bytes_.insert(bytes_.end(), bytes.begin(), bytes.end()); }
    void op(vm::Opcode opcode);
    template <typename... Indices>
    void op(vm::Opcode opcode, Indices... indices) {
        op(opcode);
        (add(test::leb(static_cast<std::uint64_t>(indices))), ...);
    }
    /// Of an i32, i64, f32 or f64 as a slot; of a reference, a null.
    void constant(vm::ValueType type, std::uint64_t bits);
    void constant(vm::V128 value);
    void i32(std::int32_t value) {
        constant(vm::ValueType::i32, static_cast<std::uint32_t>(value));
    }
    [[nodiscard]] const test::Raw& bytes() const { return bytes_; }

private:
    test::Raw bytes_;
};

/// A number that instructions treat in a way of their own, any number, or a reference.
void add_chosen_constant(Code& code, Input& choices, const ModuleShape& shape, vm::ValueType type);

test::Raw encoded(vm::ValueType type);
test::Raw encoded(const std::vector<vm::ValueType>& types);

}  // namespace sojourn::fuzz
