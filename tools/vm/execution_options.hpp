#pragma once

#include "process/process.hpp"
#include "tools/vm/checkpoint_options.hpp"
#include "tools/vm/code_cache_options.hpp"
#include "tools/vm/verbs.hpp"

namespace sojourn::tools {

/// The options that `vm run` and `vm resume` share.
struct ExecutionOptions {
    std::string engine = "auto";
    unsigned jit_threads = 1;
    std::string jit_dump;  ///< KIND or KIND:DIR; empty: nothing
    bool names_code = false;
    CodeCacheArguments code_cache;
    std::string heap_mechanism = "auto";
    std::uint64_t reincarnate_every = 0;
    std::uint64_t expire_every = 0;
    std::uint64_t suspend_after = 0;
    std::vector<std::string> lease_terms;
    std::string stats_file;
    std::string trace_channels;
    std::string cache;    ///< empty: half of the free memory
    std::string timeout;  ///< empty: none
    bool is_detached = false;
    CheckpointOptions checkpoints;

    void add_to(CLI::App& verb);
    /// Opens the trace channels, too. Errors: invalid_argument.
    Result<process::Execution> parse(const Invocation& invocation) const;
};

/// What a runner gets of the host, besides what it is told to do.
process::HostProcess host_of(const Invocation& invocation);

/// Tells people how it ended, on stderr, where that is not plain; gives the exit code.
int report(const Invocation& invocation, const process::Outcome& outcome);

}  // namespace sojourn::tools
