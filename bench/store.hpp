#pragma once

#include <stdexcept>
#include <type_traits>

#include "base/result.hpp"
#include "bench/support/report.hpp"
#include "bench/support/vm.hpp"

/// The questions of `./dev bench store`. Each function adds its rows.
namespace sojourn::bench {

inline constexpr double kMiB = 1048576;

inline double milliseconds_since(std::uint64_t begin_ns) {
    return static_cast<double>(now_ns() - begin_ns) / 1e6;
}

/// The value, or an exception with the error's text.
template <typename T>
T need(Result<T> result) {
    if (!result.ok()) throw std::runtime_error(result.error().message);
    if constexpr (!std::is_void_v<T>) return std::move(result).value();
}

/// How fast do images go out and come in, next to a plain file and to zstd alone?
void measure_images(Report& report, const Options& options);

}  // namespace sojourn::bench
