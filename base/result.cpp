#include "base/result.hpp"

#include <cerrno>
#include <cstring>

namespace sojourn {

const char* text_of(ErrorCode code) {
    switch (code) {
#define ERROR(name, text) \
    case ErrorCode::name: \
        return text;
#include "base/errors.def"
#undef ERROR
    }
    return "unknown error";
}

namespace internal {

namespace {

ErrorCode code_of_errno(int errno_value) {
    switch (errno_value) {
        case ENOENT:
        case ESRCH:
            return ErrorCode::not_found;
        case EEXIST:
            return ErrorCode::already_exists;
        case EACCES:
        case EPERM:
        case EROFS:
            return ErrorCode::permission_denied;
        case ENOSPC:
        case EDQUOT:
            return ErrorCode::store_full;
        case ENOMEM:
            return ErrorCode::out_of_memory;
        case EINTR:
            return ErrorCode::interrupted;
        default:
            return ErrorCode::io;
    }
}

}  // namespace

Error errno_error(int errno_value, std::string message) {
    const ErrorCode code = code_of_errno(errno_value);
    const char* remedy = code == ErrorCode::store_full ? "; free space there" : "";
    return Error{code, fmt::format("{}: {}{}", message, std::strerror(errno_value), remedy)};
}

}  // namespace internal
}  // namespace sojourn
