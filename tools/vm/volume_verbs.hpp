#pragma once

#include "tools/vm/verbs.hpp"

/// The verbs below `vm volume`.
namespace sojourn::tools {

void add_volume_ls(CLI::App& volume, Invocation& invocation);
void add_volume_cp(CLI::App& volume, Invocation& invocation);

}  // namespace sojourn::tools
