#pragma once

#include <string>
#include <utility>
#include <variant>

#include <fmt/format.h>

#include "base/check.hpp"

/// Errors as values: what the world refused travels up as a Result, never as an exception.
namespace sojourn {

enum class ErrorCode {
#define ERROR(name, text) name,
#include "base/errors.def"
#undef ERROR
};

/// The text column of `code` in base/errors.def.
const char* text_of(ErrorCode code);

/// What was refused. `message` says what was tried, on what, and what to do next.
struct Error {
    ErrorCode code;
    std::string message;
};

/// Builds the error branch of a Result: `return fail(ErrorCode::not_found, "no process {}", name);`
template <typename... Args>
[[nodiscard]] Error fail(ErrorCode code, fmt::format_string<Args...> format, Args&&... args) {
    return Error{code, fmt::format(format, std::forward<Args>(args)...)};
}

/// As fail(), with `errno_value` spelled out behind the message and turned into the closest code.
template <typename... Args>
[[nodiscard]] Error fail_errno(int errno_value, fmt::format_string<Args...> format, Args&&... args);

/// Either a value or an Error. `T` may be void.
template <typename T>
class [[nodiscard]] Result {
public:
    Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
    Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

    [[nodiscard]] bool ok() const { return state_.index() == 0; }
    explicit operator bool() const { return ok(); }

    /// Requires: ok().
    T& value() & {
        EXPECTS(ok(), "a value is read only from a Result that has one");
        return *std::get_if<0>(&state_);
    }
    const T& value() const& {
        EXPECTS(ok(), "a value is read only from a Result that has one");
        return *std::get_if<0>(&state_);
    }
    T&& value() && { return std::move(value()); }

    T& operator*() & { return value(); }
    const T& operator*() const& { return value(); }
    T&& operator*() && { return std::move(value()); }
    T* operator->() { return &value(); }
    const T* operator->() const { return &value(); }

    /// Requires: !ok().
    const Error& error() const {
        EXPECTS(!ok(), "an error is read only from a Result that failed");
        return *std::get_if<1>(&state_);
    }

private:
    std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
public:
    Result() = default;
    Result(Error error) : error_(std::in_place_index<1>, std::move(error)) {}

    [[nodiscard]] bool ok() const { return error_.index() == 0; }
    explicit operator bool() const { return ok(); }
    void value() const { EXPECTS(ok(), "a value is read only from a Result that has one"); }

    /// Requires: !ok().
    const Error& error() const {
        EXPECTS(!ok(), "an error is read only from a Result that failed");
        return *std::get_if<1>(&error_);
    }

private:
    std::variant<std::monostate, Error> error_;
};

namespace internal {
Error errno_error(int errno_value, std::string message);
}

template <typename... Args>
Error fail_errno(int errno_value, fmt::format_string<Args...> format, Args&&... args) {
    return internal::errno_error(errno_value, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace sojourn

/// The value of a Result, or hands its error up: `auto root = TRY(store.read_root(token));`
/// Works for Result<void> as a statement. One a line, never in braces behind an owner: it leaks.
#define TRY(expression)                            \
    __extension__({                                \
        auto try_result_ = (expression);           \
        if (!try_result_.ok()) [[unlikely]]        \
            return std::move(try_result_).error(); \
        std::move(try_result_).value();            \
    })
