#pragma once

#include <optional>
#include <string>
#include <sys/types.h>

#include "store/types.hpp"

/// What is said on a runner's socket: one line of JSON there, one back (docs/formats/control.md).
namespace sojourn::process {

enum class ControlVerb { checkpoint, suspend, status };

struct ControlRequest {
    ControlVerb verb = ControlVerb::status;
    std::string message;  ///< of the checkpoint
};

/// What a runner says of itself.
struct RunnerStatus {
    std::string id;
    std::string name;
    pid_t pid = 0;
    store::Epoch epoch{0};
};

struct ControlAnswer {
    RunnerStatus runner;
    std::optional<store::CheckpointInfo> checkpoint;  ///< the one that was asked for, now durable
};

inline constexpr std::size_t kControlLineBytesMax = 64U << 10U;

/// Each line ends in a newline. Parsing trusts nothing. Errors: invalid_argument.
std::string encode_request(const ControlRequest& request);
Result<ControlRequest> parse_request(std::string_view line);

std::string encode_answer(const Result<ControlAnswer>& answer);
/// The answer, or the error that the runner sent. Errors besides: corrupt.
Result<ControlAnswer> parse_answer(std::string_view line);

}  // namespace sojourn::process
