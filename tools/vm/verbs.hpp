#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/clock.hpp"
#include "base/random.hpp"
#include "base/result.hpp"

namespace CLI {
class App;
}

namespace sojourn::vm {
class CompiledTier;
}

/// The verbs of the command, one file each. `add_…` puts a verb's options on the command line and
/// sets `perform` when it is the one that was typed.
namespace sojourn::tools {

struct Invocation {
    const Clock& clock;
    Random& random;
    std::string store;             ///< as typed; empty: store_location() decides
    std::string checkpoint_store;  ///< as typed; empty: as the store notes
    bool json = false;
    std::unique_ptr<vm::CompiledTier>& tier_left;  ///< of a guest that ran; it may be busy
    std::function<Result<int>()> perform;          ///< gives the exit code
};

inline constexpr int kErrorExitCode = 125;
inline constexpr int kSuspendedExitCode = 75;
inline constexpr int kTimeoutExitCode = 124;

/// A verb with the options that all have. `what` is its line in the help.
CLI::App* add_verb(CLI::App& app, Invocation& invocation, const std::string& name,
                   const std::string& what);

void add_run(CLI::App& app, Invocation& invocation);
void add_ps(CLI::App& app, Invocation& invocation);
void add_suspend(CLI::App& app, Invocation& invocation);
void add_resume(CLI::App& app, Invocation& invocation);
void add_checkpoint(CLI::App& app, Invocation& invocation);
void add_logs(CLI::App& app, Invocation& invocation);
void add_attach(CLI::App& app, Invocation& invocation);
void add_top(CLI::App& app, Invocation& invocation);
void add_wait(CLI::App& app, Invocation& invocation);
void add_leases(CLI::App& app, Invocation& invocation);
void add_lease(CLI::App& app, Invocation& invocation);
void add_log(CLI::App& app, Invocation& invocation);
void add_tag(CLI::App& app, Invocation& invocation);
void add_fork(CLI::App& app, Invocation& invocation);
void add_switch(CLI::App& app, Invocation& invocation);
void add_prune(CLI::App& app, Invocation& invocation);
void add_diff(CLI::App& app, Invocation& invocation);
void add_rm(CLI::App& app, Invocation& invocation);
void add_export(CLI::App& app, Invocation& invocation);
void add_import(CLI::App& app, Invocation& invocation);
void add_store(CLI::App& app, Invocation& invocation);
void add_volume(CLI::App& app, Invocation& invocation);
void add_validate(CLI::App& app, Invocation& invocation);
void add_compile(CLI::App& app, Invocation& invocation);
void add_inspect(CLI::App& app, Invocation& invocation);
void add_completion(CLI::App& app, Invocation& invocation);
void add_complete(CLI::App& app, Invocation& invocation);
void add_help(CLI::App& app, Invocation& invocation);

}  // namespace sojourn::tools
