#pragma once

#include <string>

#include "process/process.hpp"
#include "tools/vm/verbs.hpp"

namespace sojourn::tools {

/// The options about compiled code that is kept, for a verb that makes some.
struct CodeCacheArguments {
    std::string size;  ///< empty: as it is unless given

    void add_to(CLI::App& verb);
    /// Errors: invalid_argument.
    Result<process::CodeCacheOptions> parse() const;
};

}  // namespace sojourn::tools
