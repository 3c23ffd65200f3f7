#pragma once

/// Checks for our own mistakes. They stay on in release: the process stops here, with the fact
/// that did not hold, rather than going on with a state nobody designed.
namespace sojourn::internal {

[[noreturn]] void check_failed(const char* kind, const char* condition, const char* reason,
                               const char* file, int line);

}  // namespace sojourn::internal

/// A duty of the caller, at the top of a function.
#define EXPECTS(condition, reason)                                                                \
    ((condition) ? static_cast<void>(0)                                                           \
                 : ::sojourn::internal::check_failed("expectation", #condition, reason, __FILE__, \
                                                     __LINE__))

/// A property of our own state.
#define INVARIANT(condition, reason) \
    ((condition)                     \
         ? static_cast<void>(0)      \
         : ::sojourn::internal::check_failed("invariant", #condition, reason, __FILE__, __LINE__))
