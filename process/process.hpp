#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/random.hpp"
#include "leases/admission.hpp"
#include "process/checkpoint_rhythm.hpp"
#include "process/on_resume_choices.hpp"
#include "process/reference.hpp"
#include "process/retention.hpp"
#include "process/runner_lock.hpp"
#include "process/stored_code.hpp"
#include "vm/engine.hpp"
#include "vm/host/dispatcher.hpp"
#include "vm/machine.hpp"

/// Runs one process in this host process, from its start or from a checkpoint, until it ends or is
/// suspended. A named process is kept in the store, holds its runner's lock, answers on its control
/// socket, and is suspended by SIGTERM, SIGHUP and SIGTSTP; an unnamed one leaves nothing behind.
namespace sojourn::process {

/// Where compiled code is kept from run to run.
struct CodeCacheOptions {
    std::uint64_t bytes_max = kCodeCacheBytesDefault;  ///< 0: nowhere
    std::filesystem::path secret_file;  ///< of this user on this host; empty: nothing is kept
};

/// How to run, whatever is run.
struct Execution {
    std::string store_location;
    std::string checkpoint_location = {};  ///< as store::OpenOptions has it
    std::optional<heap::MechanismKind> heap_mechanism;
    vm::Engine engine = vm::Engine::automatic;
    unsigned jit_threads = 1;      ///< that compile in the background
    bool names_code = false;       ///< perf and debuggers are told whose compiled code is
    vm::CompilerOptions compiler;  ///< for the engines that have one
    CodeCacheOptions code_cache;
    std::uint64_t reincarnate_every = 0;       ///< in safepoints; 0: never; not with the next one
    std::uint64_t expire_every = 0;            ///< all leases, in safepoints; 0: never
    std::uint64_t suspend_after = 0;           ///< so many safepoints of this run; 0: not so
    leases::LeaseTerms lease_terms;            ///< of kinds that are not as they were
    std::filesystem::path stats_file;          ///< written at the end; empty: none
    std::optional<std::uint64_t> cache_bytes;  ///< of the heap; nullopt: nothing is evicted
    CheckpointRhythm checkpoint_rhythm;        ///< for a process that is kept
    bool prefetch = true;  ///< a restored heap brings in what was in memory at the checkpoint
    unsigned precopy_rounds = 3;  ///< before a checkpoint's pause, while the guest runs; 0: none
    std::optional<RetentionPolicy> keep;      ///< applied after each checkpoint
    std::optional<std::uint64_t> timeout_ns;  ///< of this run; a process that is kept is suspended
    bool is_detached = false;  ///< a console and the log instead of our streams; for what is kept
};

struct RunOptions {
    Execution execution;
    std::filesystem::path program;
    vm::BodyValidation body_validation = vm::BodyValidation::whole;
    std::string name;      ///< empty: unnamed
    bool replace = false;  ///< an ended process of that name goes
    vm::Launch launch;
    vm::MachineOptions machine;
};

struct ResumeOptions {
    Execution execution;
    Reference process;
    OnResumeChoices on_resume = {};
    std::vector<std::string> environment = {};  ///< K=V, in place of those of the same name
    leases::AdmissionTerms admission;           ///< without what was granted before
    bool takes_over = false;                    ///< a runner that lives is killed first
    /// Of a copy that was made to be resumed at once (store::NewProcess::is_acquired).
    std::optional<store::FencingToken> token = {};
};

/// What a resume would find.
struct Examination {
    store::ProcessRecord process;
    std::vector<leases::Admission::Outlook> leases;
    Result<void> verdict;  ///< as resume() would be refused
};

struct Outcome {
    enum class Kind { exited, trapped, suspended, stopped };
    Kind kind = Kind::exited;
    std::int32_t exit_code = 0;   ///< as a shell sees it: the low 8 bits; 134 for a trap
    bool is_out_of_time = false;  ///< why it is suspended or stopped
    vm::Trapped trapped;          ///< when trapped
    std::vector<std::shared_ptr<const vm::Module>> modules;  ///< when trapped: by instance
    store::ProcessRecord process;
    store::Version checkpoint = store::kNoVersion;  ///< the one it is suspended at
    std::optional<RunnerLock> lock;  ///< held until the runner has said its last word
};

inline constexpr std::int32_t kTrapExitCode = 134;

/// Where a process that runs detached speaks (docs/formats/file_history.md); empty for one not
/// kept. Neither need be there.
struct DetachedFiles {
    std::filesystem::path log;     ///< what the guest has said, as its newest moment has it
    std::filesystem::path runner;  ///< what the newest detached runner has said itself
};

DetachedFiles detached_files(const store::Store& store, const store::ProcessRecord& process);

/// What a runner uses of the host. Borrowed for the call.
struct HostProcess {
    const Clock& clock;
    Random& random;
    /// Tells people what went wrong while the guest goes on; called from any thread.
    std::function<void(const Error&)> report;
    /// Called once, when nothing keeps the guest from running any more; may be empty.
    std::function<void(const store::ProcessRecord&, const DetachedFiles&)> started = {};
    /// Takes what compiled the guest's code when the guest does not run any more: it is stopped,
    /// and may be busy. Empty: that is waited for.
    std::function<void(std::unique_ptr<vm::CompiledTier>)> tier_left = {};
};

/// Errors besides those of the module and the store: already_exists when the name is taken and
/// `replace` is not asked for, busy when its owner lives.
Result<Outcome> run(const RunOptions& options, const HostProcess& host);

/// A checkpoint other than the newest opens a branch. Errors: not_found, busy (names the pid),
/// invalid_argument when the process has ended and no checkpoint is named.
/// Nothing is opened that neither was granted before nor is in `admission`: permission_denied; and
/// what is required is there, or the error says what is not.
Result<Outcome> resume(const ResumeOptions& options, const HostProcess& host);

/// Whether resume() could get every lease here. Changes nothing. Errors: as resume(), but for what
/// is the verdict.
Result<Examination> examine(const ResumeOptions& options, const HostProcess& host);

}  // namespace sojourn::process
