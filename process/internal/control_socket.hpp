#pragma once

#include <filesystem>
#include <string>

#include "base/file.hpp"
#include "store/types.hpp"

/// Unix sockets in a directory whose path may be longer than an address can hold.
namespace sojourn::process {

std::string control_socket_name(store::ProcessId id);

/// Listens on `directory`/`name`, for this user alone; replaces what a dead runner left there.
/// Requires: the caller holds the runner's lock. Non-blocking.
Result<UniqueFd> listen_in(const std::filesystem::path& directory, const std::string& name);

/// Errors: not_found when nobody listens.
Result<UniqueFd> connect_in(const std::filesystem::path& directory, const std::string& name);

}  // namespace sojourn::process
