#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "vm/exec/frame_state.hpp"
#include "vm/wasm/module.hpp"

/// What compiled code and the machine know of each other.
///
/// Compiled code is made for a function of a module, not of an instance: what differs between
/// instances it reads from its instance's *context*, an array of words. It keeps its values where
/// it likes, and has them all in the frame, as the interpreter does, whenever it calls or pauses.
namespace sojourn::vm {

struct LinkedFunction;
struct LinearMemory;
struct Table;
struct CompiledFunction;

/// Words of an instance, laid out by its module.
using Context = const std::uint64_t*;

/// Runs a function, or what is left of it, in a frame that is there already: from the slots it is
/// given to its results, which are the first slots.
using CompiledEntry = void (*)(Context context, std::uint64_t* slots, FrameState* frame);

/// What was made of a function, ready to be called.
struct CompiledCode {
    CompiledEntry entry = nullptr;  ///< nullptr: it is left to the interpreter
    const void* body =
        nullptr;            ///< what compiled code calls; nullptr of code that begins at a loop
    std::string refusal{};  ///< why it is left to the interpreter
};

/// What is to be compiled. Borrowed for the call.
struct CompileUnit {
    const Module& module;
    const Function& function;  ///< validated
    std::uint32_t function_index;
    const std::atomic<bool>& is_unwanted;  ///< true: what comes of it does not matter any more
    /// Functions of the module that are called, which may become part of the code.
    const std::function<Result<Function>(std::uint32_t)>& validated;
    std::uint32_t loop_offset = 0;  ///< of the loop to begin at, behind its safepoint; 0: none
    std::string name = {};          ///< of what is compiled, for people
    std::string place = {};  ///< a word for module, function and loop: 0d3f5a1c-7, 0d3f5a1c-7-0x284
};

/// What a compiler does for those who look at what it makes.
struct CompilerOptions {
    enum class Dump : std::uint8_t { nothing, ir, assembly };

    Dump dump = Dump::nothing;  ///< of each function, into a file
    std::string dump_folder{};  ///< is there
};

/// What a compiler makes of a unit: an object as CodeSpace loads it, which refers to nothing of
/// the host process that it was made in.
struct CompiledObject {
    ByteVector bytes{};     ///< empty: it is left to the interpreter
    std::string refusal{};  ///< why
};
/// The functions in it: CompiledCode::entry and CompiledCode::body.
inline constexpr const char* kEntrySymbol = "entry";
inline constexpr const char* kBodySymbol = "body";

/// Makes machine code. What it is depends on the unit and the compiler alone.
class Compiler {
public:
    virtual ~Compiler() = default;
    /// Why a function would be left to the interpreter whatever asks for it; empty: it would not.
    /// Requires: it is validated.
    virtual std::string refusal(const Module& /*module*/, const Function& /*function*/) {
        return {};
    }
    virtual CompiledObject compile(const CompileUnit& unit) = 0;
};

/// A function of an instance as compiled code calls it. The first words are read by position.
struct CompiledFunction {
    const void* body = nullptr;        ///< nullptr: to be called through CompiledHelpers::call
    Context context = nullptr;         ///< of the instance that owns it
    std::uint64_t slot_bytes_max = 0;  ///< with a body: of its frame
    std::uint64_t type = 0;            ///< a TypeId
    LinkedFunction* function = nullptr;
    CompiledEntry entry = nullptr;
    bool is_refused = false;

    struct Loop {
        std::uint32_t code_offset;
        CompiledEntry entry;
    };
    std::vector<Loop> loops{};  ///< those that are compiled
};
inline constexpr std::size_t kBodyOffset = 0;
inline constexpr std::size_t kContextOffset = 8;
inline constexpr std::size_t kSlotBytesOffset = 16;
inline constexpr std::size_t kTypeOffset = 24;

/// Functions of the machine that compiled code calls, in the order of its table. A frame that is
/// given is the caller's and complete but for its position; those that say so do not come back.
struct CompiledHelpers {
    /// Pauses, if that is wanted; then it does not come back. `safepoints` counts this one; it
    /// gives the count from here on.
    std::uint64_t (*poll)(Context context, FrameState* frame, std::uint64_t safepoints);
    /// Does not come back. `place` is a code offset << 8 | a Trap.
    void (*trap)(Context context, FrameState* frame, std::uint64_t place);
    /// Goes on in the interpreter, at the entry of the function of that frame: the native stack is
    /// used up. Does not come back.
    void (*leave)(Context context, std::uint64_t* slots, FrameState* frame);
    /// Calls any function; arguments and results lie from `slots` on. `position` is what the
    /// caller's frame has to say when the call did not happen.
    void (*call)(Context context, CompiledFunction* callee, std::uint64_t* slots, FrameState* frame,
                 std::uint64_t position);
    /// Calls any function in the place of the one whose frame it is, which begins at `slots`; there
    /// lie the results. The rest is as for `call`.
    void (*tail_call)(Context context, CompiledFunction* callee, std::uint64_t* arguments,
                      std::uint64_t* slots, FrameState* frame, std::uint64_t position);
    /// Throws an exception of a tag of the instance, which carries what lies from `values` on, in a
    /// frame that is complete. Does not come back.
    void (*throw_new)(Context context, FrameState* frame, std::uint64_t tag_index,
                      const std::uint64_t* values);
    /// The same of the exception that `reference` leads to.
    void (*throw_again)(Context context, FrameState* frame, std::uint64_t reference);
    CompiledFunction* (*element)(Context context, Table* table, std::uint64_t index,
                                 std::uint64_t type, FrameState* frame);
    CompiledFunction* (*referenced)(Context context, std::uint64_t reference, std::uint64_t type,
                                    FrameState* frame);
    std::uint64_t (*reference)(const CompiledFunction* function);
    std::uint64_t (*memory_grow)(LinearMemory* memory, std::uint64_t pages);
    std::uint64_t (*table_grow)(Table* table, std::uint64_t elements, std::uint64_t value);
    std::uint64_t (*table_size)(const Table* table);
    // What follows gives 0, or the Trap + 1.
    std::uint64_t (*memory_init)(Context context, LinearMemory* memory, std::uint64_t segment,
                                 std::uint64_t to, std::uint64_t from, std::uint64_t count);
    std::uint64_t (*memory_copy)(LinearMemory* to_memory, const LinearMemory* from_memory,
                                 std::uint64_t to, std::uint64_t from, std::uint64_t count);
    std::uint64_t (*memory_fill)(LinearMemory* memory, std::uint64_t to, std::uint64_t value,
                                 std::uint64_t count);
    std::uint64_t (*table_init)(Context context, Table* table, std::uint64_t segment,
                                std::uint64_t to, std::uint64_t from, std::uint64_t count);
    std::uint64_t (*table_copy)(Table* to_table, const Table* from_table, std::uint64_t to,
                                std::uint64_t from, std::uint64_t count);
    std::uint64_t (*table_fill)(Table* table, std::uint64_t to, std::uint64_t value,
                                std::uint64_t count);
    std::uint64_t (*table_get)(const Table* table, std::uint64_t index, std::uint64_t* value);
    std::uint64_t (*table_set)(Table* table, std::uint64_t index, std::uint64_t value);
    std::uint64_t (*data_drop)(Context context, std::uint64_t segment);
    std::uint64_t (*elem_drop)(Context context, std::uint64_t segment);
};

/// Where in a context what lies. An address is that of the thing named.
class ContextLayout {
public:
    static constexpr std::uint32_t kRuntime = 0;      ///< address
    static constexpr std::uint32_t kHelpers = 1;      ///< address
    static constexpr std::uint32_t kSafepoints = 2;   ///< address of the count
    static constexpr std::uint32_t kPauseWanted = 3;  ///< address of a 32-bit flag
    static constexpr std::uint32_t kStackLimit = 4;   ///< address of Thread::limit
    static constexpr std::uint32_t kNativeLimit = 5;  ///< address: no deeper than that
    static constexpr std::uint32_t kInstance = 6;     ///< its index
    static constexpr std::uint32_t kReferences = 7;   ///< a reference to its first function

    explicit ContextLayout(const Module& module)
        : memories_(kReferences + 1),
          tables_(memories_ + 3 * count_of(module.memories)),
          globals_(tables_ + 3 * count_of(module.tables)),
          types_(globals_ + count_of(module.globals)),
          functions_(types_ + count_of(module.types)),
          size_(functions_ + count_of(module.functions)) {}

    [[nodiscard]] std::uint32_t memory(std::uint32_t index) const { return memories_ + 3 * index; }
    /// Its first byte.
    [[nodiscard]] std::uint32_t memory_base(std::uint32_t index) const { return memory(index) + 1; }
    /// Address of its size in bytes.
    [[nodiscard]] std::uint32_t memory_size(std::uint32_t index) const { return memory(index) + 2; }
    [[nodiscard]] std::uint32_t table(std::uint32_t index) const { return tables_ + 3 * index; }
    /// Its first element.
    [[nodiscard]] std::uint32_t table_base(std::uint32_t index) const { return table(index) + 1; }
    /// Address of its size in elements, of 32 bits.
    [[nodiscard]] std::uint32_t table_size(std::uint32_t index) const { return table(index) + 2; }
    /// Its first slot.
    [[nodiscard]] std::uint32_t global(std::uint32_t index) const { return globals_ + index; }
    /// A TypeId.
    [[nodiscard]] std::uint32_t type(std::uint32_t index) const { return types_ + index; }
    /// Address of a CompiledFunction.
    [[nodiscard]] std::uint32_t function(std::uint32_t index) const { return functions_ + index; }
    [[nodiscard]] std::uint32_t size() const { return size_; }

private:
    template <typename T>
    static std::uint32_t count_of(const std::vector<T>& items) {
        return static_cast<std::uint32_t>(items.size());
    }

    std::uint32_t memories_;
    std::uint32_t tables_;
    std::uint32_t globals_;
    std::uint32_t types_;
    std::uint32_t functions_;
    std::uint32_t size_;
};

}  // namespace sojourn::vm
