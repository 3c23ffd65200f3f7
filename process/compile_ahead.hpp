#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "process/process.hpp"

/// Compiles the functions of a module before anything of it runs.
namespace sojourn::process {

struct AheadOptions {
    std::string store_location;
    CodeCacheOptions code_cache;
    unsigned threads = 1;
};

struct AheadReport {
    std::uint64_t functions = 0;  ///< that the module defines
    std::uint64_t compiled = 0;
    std::uint64_t present = 0;  ///< that were in the cache
    std::uint64_t object_bytes = 0;
    std::map<std::string, std::uint64_t> refused;  ///< left to the interpreter, by why
};

/// How long all bodies are.
std::uint64_t body_bytes(const vm::Module& module);

/// What it makes is in the store when it returns, which is made when it is not there. `progress` is
/// called with how many bytes of bodies were gone through since it was last, by one thread at a
/// time. Errors: those of the store; unsupported when there is no compiler; invalid_argument when
/// nothing is to be kept.
Result<AheadReport> compile_ahead(const vm::Module& module, const AheadOptions& options,
                                  const HostProcess& host,
                                  const std::function<void(std::uint64_t bytes)>& progress);

}  // namespace sojourn::process
