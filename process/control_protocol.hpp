#pragma once

#include <map>
#include <optional>
#include <string>
#include <sys/types.h>
#include <vector>

#include "leases/lease.hpp"
#include "leases/terminal.hpp"
#include "store/types.hpp"
#include "vm/engine.hpp"

/// What is said on a runner's socket: one line of JSON there, one back (docs/formats/control.md).
namespace sojourn::process {

enum class ControlVerb {
    checkpoint,
    suspend,
    status,
    code,
    leases,
    expire_lease,
    renew_lease,
    attach,  ///< the connection then goes on as process/console_protocol.hpp has it
};

/// When a checkpoint is answered.
enum class CheckpointWait {
    published,  ///< it is durable
    paused,     ///< the moment is captured: what comes later is not in it, and it may still fail
};

/// `published` or `paused`. Errors: invalid_argument.
Result<CheckpointWait> parse_wait(std::string_view text);

struct ControlRequest {
    ControlVerb verb = ControlVerb::status;
    std::string message;  ///< of the checkpoint
    CheckpointWait wait = CheckpointWait::published;
    /// To expire or to renew; nullopt: each of them.
    std::optional<leases::LeaseId> lease = {};
    /// Of who attaches; nullopt: he has none.
    std::optional<leases::WindowSize> window = {};
};

/// What a runner says of itself.
struct RunnerStatus {
    std::string id;
    std::string name;
    pid_t pid = 0;
    store::Epoch epoch{0};
};

/// Of a process's heap, in the runner's memory.
struct MemoryUse {
    std::uint64_t dirty_bytes = 0;     ///< changed since the last checkpoint, about
    std::uint64_t resident_bytes = 0;  ///< of the guest's memory in the runner's
    /// What that is limited to; nullopt: it is not.
    std::optional<std::uint64_t> cache_bytes = {};

    bool operator==(const MemoryUse&) const = default;
};

/// How a runner runs the guest's code.
struct CodeUse {
    vm::Engine engine = vm::Engine::interp;
    std::map<std::string, std::uint64_t> functions = {};  ///< vm::CompiledTier::counts()
    std::vector<vm::CodeState> states = {};  ///< the first of vm::CompiledTier::states()

    bool operator==(const CodeUse&) const = default;
};
/// More do not fit into a line.
inline constexpr std::size_t kCodeStatesMax = 256;

struct ControlAnswer {
    RunnerStatus runner;
    /// The one that was asked for, now durable; nothing of one that is merely captured.
    std::optional<store::CheckpointInfo> checkpoint = {};
    /// As they are after what was asked for; of the verbs about leases.
    std::vector<leases::Lease> leases = {};
    /// Of the console, when somebody was attached to it.
    std::optional<leases::TerminalMode> mode = {};
    std::optional<MemoryUse> memory = {};  ///< of `status`
    std::optional<CodeUse> code = {};      ///< of `code`
};

inline constexpr std::size_t kControlLineBytesMax = 64U << 10U;

/// Each line ends in a newline. Parsing trusts nothing. Errors: invalid_argument.
std::string encode_request(const ControlRequest& request);
Result<ControlRequest> parse_request(std::string_view line);

std::string encode_answer(const Result<ControlAnswer>& answer);
/// The answer, or the error that the runner sent. Errors besides: corrupt.
Result<ControlAnswer> parse_answer(std::string_view line);

}  // namespace sojourn::process
