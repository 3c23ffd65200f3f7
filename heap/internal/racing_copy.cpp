#include "heap/internal/racing_copy.hpp"

namespace sojourn::heap {

__attribute__((no_sanitize("thread"))) void racing_copy(const std::byte* from, std::byte* to,
                                                        std::uint64_t length) {
    // Volatile, or it becomes a call of memcpy, into which the sanitizer looks.
    const auto* source = reinterpret_cast<const volatile std::uint64_t*>(from);
    auto* target = reinterpret_cast<std::uint64_t*>(to);
    for (std::uint64_t i = 0; i < length / sizeof *target; ++i)
        target[i] = source[i];
}

}  // namespace sojourn::heap
