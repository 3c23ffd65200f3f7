#pragma once

#include <functional>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "heap/heap.hpp"
#include "vm/host_calls.hpp"
#include "vm/trap.hpp"
#include "vm/wasm/module.hpp"

/// The WebAssembly machine of one process: instances and threads, all of whose state lies in a heap
/// or in what capture() writes down.
namespace sojourn::vm {

enum class InstanceIndex : std::uint32_t {};

struct BacktraceFrame {
    InstanceIndex instance;
    std::uint32_t function_index;
    std::uint32_t code_offset;  ///< from the module's first byte
    std::string function_name;
};

inline constexpr std::size_t kBacktraceEnd = 32;

struct Finished {
    std::vector<std::uint64_t> results;  ///< as slots, of which a v128 takes two
};
struct Trapped {
    Trap trap;
    /// Innermost first. Of a long one, the kBacktraceEnd frames of each end.
    std::vector<BacktraceFrame> backtrace;
    std::uint64_t frames_left_out = 0;  ///< between the two ends
    /// In printable characters: what is wrong with an invalid body, the tag of an uncaught
    /// exception. Nothing for other traps.
    std::string detail{};
};
struct Exited {
    std::int32_t code;
};
/// At a safepoint: capture() is possible, run() goes on.
struct Paused {};

using Stop = std::variant<Finished, Trapped, Exited, Paused>;

inline constexpr std::uint64_t kUnlimitedFuel = UINT64_MAX;
inline constexpr std::uint64_t kUnlimitedMemory = UINT64_MAX;

/// Limits of a process, part of its state from its start on.
struct MachineOptions {
    std::uint64_t stack_bytes_max = 8U << 20U;  ///< canonical bytes of frames and slots a thread
    std::uint64_t memory_bytes_max = kUnlimitedMemory;  ///< of all memories and tables together
    std::uint64_t fuel = kUnlimitedFuel;  ///< safepoints it may pass; out_of_fuel at the next
};

struct MachineStats {
    std::uint64_t safepoints = 0;
    std::uint64_t host_calls = 0;
    std::uint64_t tier_switches = 0;  ///< of this life: from interpreted to compiled code or back
};

/// What an import is bound to: an export of an earlier instance, looked up by the process.
struct ExternRef {
    InstanceIndex instance;
    std::uint32_t export_index;  ///< in the exports of that instance's module
};
/// Finds the instance that provides `module`; nullopt leaves the import to the host calls.
using ImportResolver =
    std::function<std::optional<ExternRef>(std::string_view module, std::string_view name)>;
/// Gives the bytes of a module by digest.
using ModuleSource = std::function<Result<ByteVector>(const Sha256& digest)>;

class CompiledTier;

class Machine {
public:
    /// An empty machine on an empty heap. Borrows all of them. Without a tier everything is
    /// interpreted; the guest sees no difference.
    static Result<std::unique_ptr<Machine>> create(heap::Heap& heap, HostCalls& host,
                                                   const MachineOptions& options,
                                                   CompiledTier* tier = nullptr);

    /// The machine that `state` describes, on the heap it was committed with. Trusts nothing: each
    /// index, frame and slot count is checked against the validated modules.
    /// Errors: corrupt, unlinkable_module, unsupported_format, and those of the modules.
    static Result<std::unique_ptr<Machine>> restore(heap::Heap& heap, HostCalls& host, Bytes state,
                                                    const ModuleSource& modules,
                                                    CompiledTier* tier = nullptr);
    virtual ~Machine() = default;

    /// Links and allocates an instance: segments are applied; the start function is left to
    /// start(). All unknown imports are named in one error.
    /// Errors: unlinkable_module, out_of_memory; a Trap when an active segment does not fit.
    virtual Result<std::variant<InstanceIndex, Trap>> instantiate(
        std::shared_ptr<const Module> module, const ImportResolver& resolver) = 0;

    /// By instance.
    virtual std::vector<std::shared_ptr<const Module>> modules() const = 0;
    virtual const Module& module_of(InstanceIndex instance) const = 0;

    /// Makes the (idle) thread call a function; run() then performs it.
    /// Requires: no call is under way; the arguments, as slots, fit the type.
    virtual void start(InstanceIndex instance, std::uint32_t function_index,
                       std::span<const std::uint64_t> arguments) = 0;

    /// Runs until the call ends or a safepoint is asked for. After Finished, Trapped or Exited the
    /// thread is idle again.
    virtual Stop run() = 0;

    /// A call is under way (also right after restore()).
    virtual bool is_running() const = 0;

    /// Asks run() to return Paused at the next safepoint. Any thread; sticky until clear_pause().
    virtual void request_pause() = 0;
    virtual void clear_pause() = 0;

    /// run() returns Paused at every n-th safepoint; 0 turns it off.
    virtual void pause_every(std::uint64_t safepoints) = 0;

    /// Everything that is not in the heap. Changes nothing. Requires: not inside run().
    virtual ByteVector capture() const = 0;

    /// As slots; none when the export is not a global.
    virtual std::vector<std::uint64_t> read_global(ExternRef global) const = 0;
    virtual MachineStats stats() const = 0;
};

}  // namespace sojourn::vm
