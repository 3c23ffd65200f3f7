#pragma once

#include <string>
#include <vector>

#include "base/bytes.hpp"
#include "base/clock.hpp"

/// Asks a program of ours that came with this one, for work that we keep out of this process.
namespace sojourn::tools {

struct HelperQuestion {
    std::string program;  ///< its file's name
    std::vector<std::string> arguments;
    Bytes input;  ///< its standard input, as a file
    std::size_t answer_bytes_max = 0;
    std::uint64_t timeout_ns = 0;
};

/// What the program writes to its standard output, until it closes it. It inherits nothing else of
/// ours, and has ended when this returns. Whatever it does, it costs us at most the timeout; its
/// answer is to be trusted as much as its input.
/// Errors: not_found, io, out_of_memory.
Result<std::string> ask_helper(const HelperQuestion& question, const Clock& clock);

}  // namespace sojourn::tools
