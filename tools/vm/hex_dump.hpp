#pragma once

#include <string>

#include "base/bytes.hpp"

namespace sojourn::tools {

/// Sixteen bytes a line: the address of the first, each in hexadecimal, each as a character where
/// it can be printed. `address`: of the first byte.
std::string hex_dump(std::uint64_t address, Bytes bytes);

}  // namespace sojourn::tools
