#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"
#include "base/sha256.hpp"
#include "vm/wasm/defined_type.hpp"
#include "vm/wasm/vector.hpp"

/// A WebAssembly module, decoded and validated. Immutable; shared by every instance of it.
namespace sojourn::vm {

/// In pages of 64 KiB for a memory, in elements for a table.
struct Limits {
    std::uint64_t min = 0;
    std::optional<std::uint64_t> max;
};

struct MemoryType {
    Limits limits;
    ValueType address = ValueType::i32;  ///< i32 or i64: of addresses and sizes in it

    [[nodiscard]] bool is_64_bit() const { return address == ValueType::i64; }
    /// What it may ever grow to: by the declaration and the limits of this implementation alone, so
    /// that it is the same on every host.
    [[nodiscard]] std::uint64_t pages_max() const;
};

struct TableType {
    ValueType element = ValueType::funcref;
    Limits limits;
    ValueType address = ValueType::i32;  ///< i32 or i64: of indices and sizes

    [[nodiscard]] bool is_64_bit() const { return address == ValueType::i64; }
};

struct GlobalType {
    ValueType type = ValueType::i32;
    bool is_mutable = false;

    bool operator==(const GlobalType&) const = default;
};

enum class ExternKind : std::uint8_t { function = 0, table = 1, memory = 2, global = 3, tag = 4 };

std::string_view text_of(ExternKind kind);

struct Import {
    std::string module;
    std::string name;
    ExternKind kind;
    std::uint32_t index;  ///< in the index space of its kind
};

struct Export {
    std::string name;
    ExternKind kind;
    std::uint32_t index;
};

/// A constant expression: one instruction, or `code` with several.
struct ConstantExpression {
    enum class Kind : std::uint8_t { constant, global, function, null, code };
    Kind kind = Kind::constant;
    /// The value as a slot, the index of the global or function, or the offset of the code from the
    /// module's first byte.
    std::uint64_t bits = 0;
    V128 vector{};  ///< the value of a v128
};

/// A function of this module: imported ones have no body. Of a body that was not validated yet only
/// its place is known.
struct Function {
    std::uint32_t type_index = 0;
    std::uint32_t body_offset = 0;  ///< of the local declarations, from the module's first byte
    std::uint32_t code_offset = 0;  ///< of the first instruction
    std::uint32_t end_offset = 0;   ///< one past the final `end`
    std::uint32_t local_count = 0;  ///< parameters included
    std::uint32_t local_slots = 0;  ///< of all locals
    std::uint32_t operand_slots_max = 0;  ///< the operand stack's greatest height
    bool rethrows = false;                ///< has the legacy instruction `rethrow`
    /// The declared locals: how many, of which type.
    std::vector<std::pair<std::uint32_t, ValueType>> local_runs{};
};

struct Global {
    GlobalType type;
    ConstantExpression initial{};  ///< unused when imported
};

/// What exceptions are told apart by.
struct Tag {
    std::uint32_t type_index = 0;  ///< a function's: its parameters are what an exception carries
};

struct ElementSegment {
    enum class Mode : std::uint8_t { active, passive, declarative };
    Mode mode = Mode::passive;
    ValueType type = ValueType::funcref;
    std::uint32_t table = 0;
    ConstantExpression offset;
    std::vector<ConstantExpression> elements;
};

struct DataSegment {
    enum class Mode : std::uint8_t { active, passive };
    Mode mode = Mode::passive;
    std::uint32_t memory = 0;
    ConstantExpression offset;
    std::uint32_t bytes_offset = 0;  ///< from the module's first byte
    std::uint32_t byte_count = 0;
};

/// A part of the binary (specification 5.5.2).
struct Section {
    std::string name;  ///< `type`, `code` and so on; what a custom section calls itself
    bool is_custom = false;
    std::uint32_t offset = 0;  ///< of its content, from the module's first byte
    std::uint32_t byte_count = 0;
};

/// Limits of this implementation, as those of the JavaScript API. Beyond one:
/// ErrorCode::unsupported.
inline constexpr std::uint32_t kTypesMax = 1'000'000;
inline constexpr std::uint32_t kFieldsMax = 10'000;
inline constexpr std::uint32_t kSupertypesMax = 63;        ///< above one type
inline constexpr std::uint32_t kFunctionsMax = 1'000'000;  ///< defined, not imported
inline constexpr std::uint32_t kParametersMax = 1'000;
inline constexpr std::uint32_t kResultsMax = 1'000;
inline constexpr std::uint32_t kFunctionBytesMax = 7'654'321;  ///< of a body, with its locals
inline constexpr std::uint32_t kLocalsMax = 50'000;
inline constexpr std::uint32_t kFunctionSlotsMax = 65'000;  ///< locals + operands
inline constexpr std::uint32_t kTagsMax = 1'000'000;
inline constexpr std::uint32_t kMemoriesMax = 100;
inline constexpr std::uint32_t kTablesMax = 100'000;
/// A table may declare more and never grows beyond.
inline constexpr std::uint32_t kTableElementsMax = 10'000'000;
inline constexpr std::uint64_t kMemoryPagesMax = 65'536;
/// 1 TiB, what a store keeps. A 64-bit memory may declare more and never grows beyond.
inline constexpr std::uint64_t kMemory64PagesMax = std::uint64_t{1} << 24U;
/// What the specification lets a 64-bit memory declare.
inline constexpr std::uint64_t kMemory64PagesDeclarable = std::uint64_t{1} << 48U;
inline constexpr std::uint64_t kWasmPageBytes = 65'536;

/// When function bodies are validated. Everything else is when the module is loaded.
enum class BodyValidation : std::uint8_t {
    whole,  ///< all of them then, too
    lazy,   ///< each before its function runs for the first time; what is wrong there is a trap
};

struct Module {
    ByteVector bytes;               ///< the whole binary; bodies and data are read out of it
    std::vector<Section> sections;  ///< as they stand in the binary
    std::vector<DefinedType> types;
    /// By type index: the first type that is the same. Every type index inside of a type is one.
    std::vector<std::uint32_t> first_same_type;
    std::vector<Import> imports;
    std::vector<Function> functions;  ///< imports first, as in every index space
    std::vector<TableType> tables;
    std::vector<std::optional<ConstantExpression>> table_initials;  ///< by table; nullopt: null
    std::vector<MemoryType> memories;
    std::vector<Global> globals;
    std::vector<Tag> tags;
    std::vector<Export> exports;
    std::optional<std::uint32_t> start;
    std::vector<ElementSegment> elements;
    std::vector<DataSegment> data;
    std::uint32_t imported_functions = 0;
    std::uint32_t imported_tables = 0;
    std::uint32_t imported_memories = 0;
    std::uint32_t imported_globals = 0;
    std::uint32_t imported_tags = 0;
    std::vector<std::pair<std::uint32_t, std::string>> function_names;  ///< name section, sorted
    std::vector<bool> declared_functions;     ///< those that ref.func may name
    std::optional<std::uint32_t> data_count;  ///< of the data count section
    BodyValidation body_validation = BodyValidation::whole;

    /// Requires: the type is a function's.
    [[nodiscard]] const FunctionType& function_type(std::uint32_t type_index) const {
        return types[type_index].function;
    }
    [[nodiscard]] const FunctionType& type_of_function(std::uint32_t index) const {
        return function_type(functions[index].type_index);
    }
    /// Of memory 0; i32 when there is none.
    [[nodiscard]] ValueType address_type() const {
        return memories.empty() ? ValueType::i32 : memories.front().address;
    }
    [[nodiscard]] const Export* find_export(std::string_view name) const;
    /// From the name section, else the export, else `func[7]`.
    [[nodiscard]] std::string function_name(std::uint32_t index) const;

    /// Of the bytes, by which stores know the module. Computed when it is first asked for, by any
    /// thread: half a millisecond a megabyte.
    [[nodiscard]] const Sha256& digest() const;

private:
    mutable std::once_flag is_digest_known_;
    mutable Sha256 digest_;
};

/// The type of a reference to a function of the module.
ValueType reference_to_function(const Module& module, std::uint32_t function_index);

/// Decodes and validates. Trusts nothing; memory stays within a small multiple of the input.
/// Errors: malformed_module, invalid_module, unsupported, each with the byte offset and, in a
/// body, the function; the texts are those of the specification's test suite where it has one.
Result<std::shared_ptr<const Module>> load_module(
    ByteVector bytes, BodyValidation body_validation = BodyValidation::whole);

/// The function with all that validation finds out about its body, which happens now unless it has
/// before. Errors: as of load_module(). Requires: it is not imported.
Result<Function> validated_function(const Module& module, std::uint32_t index);

}  // namespace sojourn::vm
