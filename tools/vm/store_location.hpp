#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "store/store.hpp"
#include "tools/vm/verbs.hpp"

namespace sojourn::tools {

/// `--store`, else SOJOURN_STORE, else `sojourn` in the XDG data directory.
/// Errors: invalid_argument when there is no home to look in.
Result<std::string> store_location(const Invocation& invocation);

/// What tells our own compiled code from others', in the XDG state directory; empty when there is
/// no home to look in.
std::filesystem::path code_secret_file();

/// A store that is there. Errors: not_found, with the remedy.
Result<std::unique_ptr<store::Store>> open_store(const Invocation& invocation);

/// `--checkpoint-store`, for a verb that may say where processes are kept instead.
void add_checkpoint_store_option(CLI::App& verb, Invocation& invocation);

/// `16K`
std::string unit_text(std::size_t unit_bytes);

/// ` --store DIR` when it must be typed: what a suggested command needs besides.
std::string store_option(const Invocation& invocation);

}  // namespace sojourn::tools
