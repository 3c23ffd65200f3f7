#pragma once

#include <memory>

#include "process/process.hpp"

namespace sojourn::process {

/// For code that is run so; nullptr where none is to be kept.
std::unique_ptr<StoredCode> open_code_cache(const std::string& store_location,
                                            const CodeCacheOptions& options,
                                            const HostProcess& host);

}  // namespace sojourn::process
