#pragma once

#include <filesystem>
#include <string>

#include "base/result.hpp"

namespace CLI {
class App;
}

/// Manual pages, made from the definition of the command line.
namespace sojourn::tools {

/// The page of a verb, for man(1): roff with the macros of man(7), in UTF-8.
std::string manual_page(const CLI::App& verb);

/// One page a verb: `vm.1`, `vm-store-init.1` and so on. Makes the directory where it is missing.
/// Errors: io, permission_denied.
Result<void> write_manual_pages(const CLI::App& app, const std::filesystem::path& directory);

}  // namespace sojourn::tools
