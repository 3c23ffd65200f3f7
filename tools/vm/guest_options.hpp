#pragma once

#include <string>

#include "vm/host/dispatcher.hpp"

/// What `vm run` gives a guest, as it is typed.
namespace sojourn::tools {

/// `HOST[::GUEST][:ro][,key=value…]`; GUEST is HOST as typed unless given.
/// Errors: invalid_argument, naming what is not understood.
Result<vm::DirectoryGrant> parse_directory(const std::string& text);

/// `KEY=VALUE`. Errors: invalid_argument.
Result<std::string> parse_environment(const std::string& text);

/// A file for a standard stream, as an absolute path. Errors: invalid_argument, io.
Result<std::string> parse_stream(const std::string& text);

}  // namespace sojourn::tools
